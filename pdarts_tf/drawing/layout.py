"""Layout of drawn cells: inputs, numbered nodes, output, and operations on the edges.

The layout is computed by the Graphviz library inside pygraphviz's wheels, so no program has to be
installed, and drawings are the same on every machine. An operation is a node of the graph, a box
through which its edge passes, so no edge can cross a label. All sizes are fixed, so no font is ever
measured.

Reference: the figures of DARTS (arXiv 1806.09055) and P-DARTS (arXiv 1904.12760).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pygraphviz import AGraph

from pdarts_tf.drawing.palette import kind_of
from pdarts_tf.genotype import EDGES_PER_NODE, NUM_INPUT_NODES, Genotype

CELL_NAMES = {"normal": "Normal cell", "reduce": "Reduction cell"}
INPUTS = ("c_{k-2}", "c_{k-1}")
OUTPUT = "c_{k}"
FONT_SIZE = 12.0
MARGIN = 14.0
_CHARACTER_WIDTH = 7.4  # enough for the widest sans-serif fonts at FONT_SIZE
_POINTS_PER_INCH = 72.0
_END_SIZE = (60.0, 34.0)
_NODE_SIZE = (32.0, 32.0)
_OPERATION_HEIGHT = 24.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A labelled part of a drawing.

    Args:
        shape: "end" (an input or the output), "node", "operation", or "caption" (only a text).
        text: Label, with at most one subscript, as in "c_{k-1}".
        x: Horizontal position of the centre, in points.
        y: Vertical position of the centre, in points.
        width: Width in points.
        height: Height in points.
        kind: Kind of the operation, a key of `palette.KINDS`; "" for other shapes.
    """

    shape: str
    text: str
    x: float
    y: float
    width: float
    height: float
    kind: str = ""


@dataclass(frozen=True)
class Line:
    """A part of an edge.

    Args:
        points: Points of cubic Bézier curves: the start, then three points per curve.
        tip: Tip of the arrow head, which starts at the last point; None without an arrow head.
        kind: Kind of the operation; "" for edges into the output.
    """

    points: tuple[Point, ...]
    tip: Point | None
    kind: str = ""


@dataclass(frozen=True)
class Drawing:
    """Layout of a cell, in points (1/72 inch) from the top left corner."""

    title: str
    description: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def draw_cell(genotype: Genotype, cell: str) -> Drawing:
    """Computes the drawing of a cell.

    Args:
        genotype: Genotype with any number of nodes.
        cell: "normal" or "reduce".
    """
    edges, concat = getattr(genotype, cell), getattr(genotype, f"{cell}_concat")
    boxes = _boxes(edges)
    graph = _graph(boxes, edges, concat)
    graph.layout(prog="dot")
    left, bottom, right, top = map(float, graph.graph_attr["bb"].split(","))

    def place(text: str) -> Point:
        x, y = map(float, text.split(",")[-2:])
        return _rounded(x - left + MARGIN), _rounded(top - y + MARGIN)

    placed = []
    for name, box in boxes.items():
        x, y = place(graph.get_node(name).attr["pos"])
        placed.append(Box(box.shape, box.text, x, y, box.width, box.height, box.kind))
    lines = []
    for edge in graph.edges():
        ends, points = _ends_and_points(edge.attr["pos"])
        kind = boxes[edge[0]].kind or boxes[edge[1]].kind
        lines.append(Line(tuple(map(place, points)), place(ends) if ends else None, kind))
    return Drawing(
        CELL_NAMES[cell],
        describe_cell(edges, concat),
        _rounded(right - left + 2 * MARGIN),
        _rounded(top - bottom + 2 * MARGIN),
        tuple(placed),
        # Graphviz iterates over edges in an arbitrary order.
        tuple(sorted(lines, key=lambda line: line.points)),
    )


def draw_genotype(genotype: Genotype) -> Drawing:
    """Computes one drawing of both cells, the normal cell on top, each below its name."""
    boxes: list[Box] = []
    lines: list[Line] = []
    width = height = 0.0
    cells = [draw_cell(genotype, cell) for cell in CELL_NAMES]
    for drawing in cells:
        text_width = len(drawing.title) * _CHARACTER_WIDTH
        x, y = MARGIN + text_width / 2, height + MARGIN + FONT_SIZE / 2
        boxes.append(Box("caption", drawing.title, _rounded(x), _rounded(y), text_width, FONT_SIZE))
        height += MARGIN + FONT_SIZE
        boxes += [replace(box, y=_rounded(box.y + height)) for box in drawing.boxes]
        lines += [_moved_down(line, height) for line in drawing.lines]
        width, height = max(width, drawing.width), _rounded(height + drawing.height)
    description = " ".join(f"{drawing.title}: {drawing.description}" for drawing in cells)
    return Drawing("Genotype", description, width, height, tuple(boxes), tuple(lines))


def _moved_down(line: Line, distance: float) -> Line:
    def moved(point: Point) -> Point:
        return point[0], _rounded(point[1] + distance)

    tip = moved(line.tip) if line.tip else None
    return Line(tuple(map(moved, line.points)), tip, line.kind)


def describe_cell(edges: Sequence[tuple[str, int]], concat: Sequence[int]) -> str:
    """Returns a description of a cell in words, for those who cannot see its drawing.

    >>> describe_cell([("sep_conv_3x3", 0), ("skip_connect", 1)], [2])
    'Node 0 is sep_conv_3x3 of c_{k-2} plus skip_connect of c_{k-1}. The output c_{k} concatenates \
nodes 0.'
    """
    names = [*INPUTS, *(f"node {i}" for i in range(len(edges) // EDGES_PER_NODE))]
    sentences = []
    for i, name in enumerate(names[NUM_INPUT_NODES:]):
        pairs = edges[EDGES_PER_NODE * i : EDGES_PER_NODE * (i + 1)]
        terms = " plus ".join(f"{operation} of {names[source]}" for operation, source in pairs)
        sentences.append(f"{name[0].upper()}{name[1:]} is {terms}.")
    outputs = ", ".join(str(node - NUM_INPUT_NODES) for node in concat)
    return " ".join([*sentences, f"The output {OUTPUT} concatenates nodes {outputs}."])


def _boxes(edges: Sequence[tuple[str, int]]) -> dict[str, Box]:
    """Returns the boxes, without positions, by their names in the graph."""
    ends = {f"v{i}": Box("end", text, 0, 0, *_END_SIZE) for i, text in enumerate(INPUTS)}
    nodes = {
        f"v{NUM_INPUT_NODES + i}": Box("node", str(i), 0, 0, *_NODE_SIZE)
        for i in range(len(edges) // EDGES_PER_NODE)
    }
    operations = {
        f"e{i}": Box(
            "operation",
            operation,
            0,
            0,
            _rounded(len(operation) * _CHARACTER_WIDTH + 14),
            _OPERATION_HEIGHT,
            kind_of(operation),
        )
        for i, (operation, _) in enumerate(edges)
    }
    return ends | nodes | operations | {"out": Box("end", OUTPUT, 0, 0, *_END_SIZE)}


def _graph(
    boxes: dict[str, Box], edges: Sequence[tuple[str, int]], concat: Sequence[int]
) -> AGraph:
    graph = AGraph(directed=True, strict=False)
    graph.graph_attr.update(rankdir="LR", nodesep="0.22", ranksep="0.45", pad="0", margin="0")
    for name, box in boxes.items():
        graph.add_node(
            name,
            shape="ellipse" if box.shape == "node" else "box",
            label="",
            fixedsize="true",
            width=box.width / _POINTS_PER_INCH,
            height=box.height / _POINTS_PER_INCH,
        )
    for i, (_, source) in enumerate(edges):
        target = NUM_INPUT_NODES + i // EDGES_PER_NODE
        graph.add_edge(f"v{source}", f"e{i}", headport="w", arrowhead="none", weight=2)
        graph.add_edge(f"e{i}", f"v{target}", tailport="e", arrowsize=0.7, weight=2)
    for node in concat:
        graph.add_edge(f"v{node}", "out", arrowsize=0.7)
    return graph


def _ends_and_points(position: str) -> tuple[str | None, list[str]]:
    """Returns the arrow's tip, if any, and the Bézier points of Graphviz's "e,x,y x,y x,y …"."""
    words = position.replace("\\\n", "").split()
    tips = [word for word in words if word.startswith("e,")]
    return (tips[0] if tips else None), [word for word in words if word not in tips]


def _rounded(value: float) -> float:
    return round(value, 1)
