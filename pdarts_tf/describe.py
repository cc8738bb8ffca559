"""Describes a genotype: its cost, its shape, its notation and a drawing.

    python -m pdarts_tf.describe --genotype=PDARTS
    python -m pdarts_tf.describe --genotype=runs/demo/genotype.json --svg=cell.svg --png=cell.png

Prints the parameters and multiply-accumulates of its networks for CIFAR-10, CIFAR-100, CIFAR
(large) and ImageNet (mobile setting), per cell and in total; the depth, width and skip-connects of
its normal cell; and the official notation. Draws both cells with --svg or --png.

Exit codes: 0 done, 2 wrong usage or input, 1 anything else.
"""

import json

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, describe_flags
from pdarts_tf.cost import description
from pdarts_tf.drawing import png as drawing_png
from pdarts_tf.drawing import svg as drawing_svg
from pdarts_tf.drawing.layout import draw_genotype
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import GENOTYPES, load_genotype
from pdarts_tf.runs.files import WriteError, write_whole
from pdarts_tf.streams import show


def main() -> None:
    """Prints the description; costs are computed analytically, without importing TensorFlow."""
    text_or_path = describe_flags.GENOTYPE.value
    if not text_or_path:
        raise InputError(f"--genotype is required: --genotype=FILE|{'|'.join(GENOTYPES)}")
    genotype = load_genotype(text_or_path, describe_flags.MAX_SKIP_CONNECTS.value)
    for path, draw in (
        (describe_flags.SVG.value, drawing_svg.svg_file),
        (describe_flags.PNG.value, drawing_png.png_bytes),
    ):
        if path:
            _write(path, draw(draw_genotype(genotype)))
    if describe_flags.JSON.value:
        show(json.dumps(description.as_dict(genotype), indent=2))
    else:
        show(description.as_text(genotype))


def _write(path: str, content: str | bytes) -> None:
    try:
        write_whole(path, content)
    except WriteError as error:
        raise InputError(
            f"the drawing cannot be written ({error.__cause__}); pass a path in an existing "
            "directory"
        ) from error


if __name__ == "__main__":
    command_line.run(main, describe_flags)
