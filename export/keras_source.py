"""Source text of evaluation networks in plain Keras: a function of the genotype and the sizes.

The text has nothing but layers of Keras, which every backend of Keras has. Names of classes go into
it as literals only, and names of primitives once they are known. What a cell computes, but hands on
to nobody, is left out.
"""

import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from export import keras_texts
from export.keras_texts import DEFINITIONS, FORMS, RESERVED
from pdarts_tf.errors import InputError, quoted
from pdarts_tf.genotype import EDGES_PER_NODE, NUM_INPUT_NODES, Genotype
from pdarts_tf.primitives import TABLE
from pdarts_tf.stems import STEMS, image_divisor

_LINE_LENGTH = 88
"""Longest line that is not split: the default of ruff and black."""

_INPUTS = set(range(NUM_INPUT_NODES))
Edges = Sequence[tuple[str, int]]


@dataclass(frozen=True)
class NetworkSizes:
    """Sizes of an evaluation network; see `EvaluationNetwork`.

    Args:
        image_shape: (height, width, channels).
        init_channels, num_layers, num_classes, stem: As there.
    """

    image_shape: tuple[int, int, int]
    init_channels: int = 36
    num_layers: int = 20
    num_classes: int = 10
    stem: str = "cifar"


@dataclass(frozen=True)
class TrainedWith:
    """What the text says of a training.

    Args:
        weights: Name of the file with the weights, beside that with the text.
        class_names: Names of the classes.
        mean: Mean of the training images per channel, of pixels from 0 to 1.
        std: Standard deviation likewise.
    """

    weights: str
    class_names: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]


def network_source(
    genotype: Genotype, sizes: NetworkSizes, training: TrainedWith | None = None
) -> str:
    """Returns the text of a module whose function `build` makes the network of a genotype.

    Args:
        genotype: The genotype.
        sizes: Sizes of the network, the defaults of `build`.
        training: What to say of its training; None for a network with random weights.

    Raises:
        InputError: If a primitive has no text.

    Example:

    >>> text = network_source(Genotype.parse("PDARTS"), NetworkSizes((32, 32, 3)))
    >>> text.splitlines()[0]
    '\"\"\"Evaluation network of P-DARTS in plain Keras.'
    """
    names = sorted({name for name, _ in _used_edges(genotype)})
    primitives = [_primitive(name) for name in names]
    parts = [
        _docstring(training),
        "import keras\nfrom keras import layers",
        *([] if training is None else [_constants(training)]),
    ]
    functions = [
        *_shared(sizes.stem, primitives),
        *primitives,
        _cell("normal", genotype.normal, genotype.normal_concat),
        _cell("reduction", genotype.reduce, genotype.reduce_concat),
        _build(sizes),
    ]
    return "\n\n".join(parts) + "\n\n\n" + "\n\n\n".join(functions) + "\n"


def live_nodes(edges: Edges, concat: Sequence[int]) -> set[int]:
    """Returns the nodes of a cell, its two inputs included, that its output depends on.

    Args:
        edges: (operation, input) pairs, two per node, as in a `Genotype`.
        concat: The nodes that make up the output.

    Example:

    >>> sorted(live_nodes([("none", 0), ("none", 1), ("none", 1), ("none", 1)], [3]))
    [1, 3]
    """
    live = set(concat)
    for node in range(NUM_INPUT_NODES + len(edges) // EDGES_PER_NODE - 1, NUM_INPUT_NODES - 1, -1):
        if node in live:
            live |= {source for _, source in edges_into(edges, node)}
    return live


def edges_into(edges: Edges, node: int) -> Edges:
    """Returns the edges of a cell that lead to one of its nodes."""
    first = EDGES_PER_NODE * (node - NUM_INPUT_NODES)
    return edges[first : first + EDGES_PER_NODE]


def _used_edges(genotype: Genotype) -> Iterator[tuple[str, int]]:
    """Yields the edges of both cells that lead to live nodes."""
    for edges, concat in (
        (genotype.normal, genotype.normal_concat),
        (genotype.reduce, genotype.reduce_concat),
    ):
        for node in live_nodes(edges, concat) - _INPUTS:
            yield from edges_into(edges, node)


def _primitive(name: str) -> str:
    """Returns the text of the function of a primitive."""
    row = TABLE[name]
    # A window of one pixel is that of a 1x1 convolution.
    sizes = {kernel.size for kernel in row.kernels[1]} - {1}
    form = FORMS.get(row.form) if isinstance(row.form, str) else None
    if form is None or len(sizes) > 1 or not name.isidentifier() or name in RESERVED:
        known = ", ".join(each for each, other in TABLE.items() if other.form in FORMS)
        raise InputError(
            f"expected primitives with a known text in Keras: {known}. Received: {quoted(name)}; "
            "take another genotype, or python -m export.saved_model"
        )
    size = max(sizes, default=1)
    return string.Template(form).substitute(name=name, size=size, half=size // 2)


def _shared(stem: str, primitives: Iterable[str]) -> Iterator[str]:
    """Yields the texts of the functions that others call, if the primitives do."""
    for name, text in DEFINITIONS.items():
        if name != "subsample" or any("subsample(" in each for each in primitives):
            yield text
        if name == "batch_norm":
            yield keras_texts.STEMS[stem]


def _cell(kind: str, edges: Edges, concat: Sequence[int]) -> str:
    """Returns the text of the function of a cell, its edges written out in order."""
    live = live_nodes(edges, concat)
    inputs = ", ".join(_node(i) if i in live else "_" for i in sorted(_INPUTS))
    lines = [
        f"def {kind}_cell(before, last, channels, after_reduction):",
        f'    """Applies the {kind} cell to the outputs of the two cells before it."""',
        f"    {inputs} = preprocess(before, last, channels, after_reduction)",
    ]
    for node in sorted(live - _INPUTS):
        terms = [
            f"{name}({_node(source)}, channels, {2 if kind == 'reduction' and source < 2 else 1})"
            for name, source in edges_into(edges, node)
        ]
        lines += _split(f"    {_node(node)} = add(", terms, ")")
    lines += _split("    return concatenate(", [_node(node) for node in concat], ")")
    return "\n".join(lines)


def _node(index: int) -> str:
    return f"node{index}"


def _build(sizes: NetworkSizes) -> str:
    """Returns the text of `build`, whose defaults are the sizes."""
    arguments = [
        f"image_shape={tuple(map(int, sizes.image_shape))}",
        f"init_channels={int(sizes.init_channels)}",
        f"num_layers={int(sizes.num_layers)}",
        f"num_classes={int(sizes.num_classes)}",
    ]
    head = "\n".join(_split("def build(", arguments, "):"))
    of_stem = {"after_reduction": STEMS[sizes.stem].reads_two, "divisor": image_divisor(sizes.stem)}
    return head + "\n" + string.Template(keras_texts.BUILD).substitute(of_stem)


def _docstring(training: TrainedWith | None) -> str:
    if training is None:
        return keras_texts.DOCSTRING
    return string.Template(keras_texts.TRAINED_DOCSTRING).substitute(weights=training.weights)


def _constants(training: TrainedWith) -> str:
    values = {
        "MEAN": [repr(float(each)) for each in training.mean],
        "STD": [repr(float(each)) for each in training.std],
        "CLASSES": [string_literal(each) for each in training.class_names],
    }
    return "\n".join(
        line for name, each in values.items() for line in _split(f"{name} = [", each, "]")
    )


def string_literal(text: str) -> str:
    """Returns a literal of any text, in double quotes, as formatters leave it.

    >>> string_literal("cat"), string_literal("it's"), string_literal('"')
    ('"cat"', '"it\\'s"', '"\\\\x22"')
    """
    body = repr('"' + text)[2:-1]  # which therefore is in single quotes
    return '"' + body.replace("\\'", "'").replace('"', "\\x22") + '"'


def _split(opening: str, items: Sequence[str], closing: str) -> list[str]:
    """Returns a bracket on one line or, if that is too long, an item a line."""
    line = opening + ", ".join(items) + closing
    if len(line) <= _LINE_LENGTH:
        return [line]
    indent = " " * (len(opening) - len(opening.lstrip()))
    return [opening, *(f"{indent}    {item}," for item in items), indent + closing]
