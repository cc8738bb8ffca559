"""Drawings of what a search has found, in its run directory."""

from typing import Any

from pdarts_tf.drawing.layout import draw_cell
from pdarts_tf.drawing.svg import svg_file
from pdarts_tf.runs.observers import Observer
from pdarts_tf.runs.run_directory import DRAWINGS, RunDirectory


class ResultDrawings(Observer):
    """Draws both cells of the genotype that a search has found.

    Args:
        directory: The open run directory.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory

    def end(self, result: Any) -> None:
        """Writes the drawings of a `SearchOutcome`."""
        for cell, name in DRAWINGS.items():
            self.directory.write(name, svg_file(draw_cell(result.genotype, cell)))
