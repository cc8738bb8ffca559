"""The methods that a study compares: a search recipe each, and the cell to take from its search."""

import re
from dataclasses import dataclass

from pdarts_tf.alphas import Alphas
from pdarts_tf.config import SearchConfig
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import Genotype

_SAME_SEARCH = {"pdarts_unrefined": ("pdarts", "unrestricted")}
_CELL = re.compile(r"unrestricted|M=\d{1,2}|stage[1-9]\d?")


class StudyError(InputError):
    """Raised for a study that cannot be run; the message says what to change."""


@dataclass(frozen=True)
class Method:
    """A method of a study.

    Args:
        name: As given on the command line, such as "pdarts@stage1".
        recipe: "pdarts" (that of the data set), the name of a recipe in flags/recipes/methods, or
            the path of a flagfile.
        cell: The cell to take: "result" (the genotype that the search names as its result),
            "unrestricted", "M=k" (with at most k skip-connects in the normal cell), or "stagek"
            (derived like the result, from the alphas at the end of an earlier stage).

    Example:

    >>> Method.parse("pdarts@stage1")
    Method(name='pdarts@stage1', recipe='pdarts', cell='stage1')
    >>> Method.parse("pdarts_unrefined")
    Method(name='pdarts_unrefined', recipe='pdarts', cell='unrestricted')
    """

    name: str
    recipe: str
    cell: str = "result"

    @classmethod
    def parse(cls, text: str) -> "Method":
        """Returns the method that a text names: RECIPE or RECIPE@CELL.

        Raises:
            StudyError: The text has another form.
        """
        recipe, at, cell = text.partition("@")
        if not recipe or (at and not _CELL.fullmatch(cell)):
            raise StudyError(
                "--methods must be recipes, such as pdarts or my.flags, each with @unrestricted, "
                f"@M=0 or @stage1 after it for another cell of its search. Received: {text}"
            )
        if not at and recipe in _SAME_SEARCH:
            return cls(text, *_SAME_SEARCH[recipe])
        return cls(text, recipe, cell or "result")

    def check(self, config: SearchConfig) -> None:
        """Checks that a search with these settings has the cell.

        Raises:
            StudyError: It has not.
        """
        stage = self._stage
        if stage is None:
            return
        if config.strategy == "random":
            raise StudyError(f"{self.name}: a random search has no stages; take {self.recipe}")
        if stage > len(config.stages):
            raise StudyError(
                f"{self.name}: expected a stage from 1 to {len(config.stages)}, those of the "
                f"search. Received: {stage}"
            )

    @property
    def _stage(self) -> int | None:
        digits = self.cell.removeprefix("stage")
        return int(digits) if digits != self.cell else None

    def stage(self, config: SearchConfig) -> int:
        """Returns the stage, from 1, of a gradient search whose alphas the cell is derived from."""
        return self._stage or len(config.stages)

    def derive(self, alphas: Alphas, config: SearchConfig) -> Genotype:
        """Returns the cell.

        Args:
            alphas: Architecture parameters at the end of the method's stage.
            config: Settings of the search.

        Raises:
            ValueError: The limit on skip-connects cannot be reached.
        """
        limit: int | None = config.max_skip_connects
        if self.cell == "unrestricted":
            limit = None
        elif self.cell.startswith("M="):
            limit = int(self.cell.removeprefix("M="))
        return alphas.derive(limit, restrict_reduce=config.restrict_reduce)
