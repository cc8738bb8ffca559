"""Drawings of genotypes for notebooks."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from pdarts_tf.drawing.layout import draw_genotype
from pdarts_tf.drawing.png import png_bytes
from pdarts_tf.drawing.svg import svg_file
from pdarts_tf.genotype import Genotype, load_genotype
from pdarts_tf.runs.files import write_whole


@dataclass(frozen=True)
class CellDrawing:
    """Drawing of both cells of a genotype, which notebooks show.

    Args:
        genotype: The genotype.
    """

    genotype: Genotype

    def to_svg(self) -> str:
        """Returns the content of an SVG file."""
        return svg_file(draw_genotype(self.genotype))

    def to_html(self) -> str:
        """Returns an image element that holds the drawing, so that it can stand in any page."""
        content = base64.b64encode(self.to_svg().encode()).decode("ascii")
        name = f"Cells of {self.genotype}".replace('"', "&quot;")
        return f'<img alt="{name}" src="data:image/svg+xml;base64,{content}">'

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the drawing as a file.

        Args:
            path: Path that ends in .svg or .png.

        Raises:
            ValueError: If the path ends in something else.
            WriteError: If it cannot be written.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".svg":
            write_whole(path, self.to_svg())
        elif suffix == ".png":
            write_whole(path, png_bytes(draw_genotype(self.genotype)))
        else:
            raise ValueError(f"expected a path that ends in .svg or .png. Received: {path}")

    def _repr_html_(self) -> str:
        return self.to_html()


def plot(genotype: Genotype | str | os.PathLike[str]) -> CellDrawing:
    """Returns the drawing of a genotype.

    Args:
        genotype: The genotype, or what `load_genotype` reads.

    Example:

    >>> plot("PDARTS").to_svg()[:5]
    '<?xml'
    """
    return CellDrawing(
        genotype if isinstance(genotype, Genotype) else load_genotype(os.fspath(genotype))
    )
