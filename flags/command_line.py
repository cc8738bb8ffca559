"""How every entry point reads its command line: recipe first, then flags; errors in one line."""

import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import app, flags

RECIPES = pathlib.Path(__file__).parent / "recipes"
EXIT_USAGE = 2


def fail(message: str) -> NoReturn:
    """Ends the program for wrong usage or input: one line on standard error, exit code 2."""
    print("error:", " ".join(message.split()), file=sys.stderr)
    sys.exit(EXIT_USAGE)


def recipe_path(command: str, dataset: str) -> pathlib.Path | None:
    """Returns the flagfile of a command for a data set, such as search_cifar10.flags, if any."""
    path = RECIPES / f"{command}_{dataset}.flags"
    return path if path.is_file() else None


def parse_with_recipe(command: str, argv: Sequence[str]) -> list[str]:
    """Parses flags on top of the recipe of the data set they name.

    Args:
        command: "search" or "train".
        argv: the command line, program name included.

    Returns:
        The positional arguments, program name included.
    """
    try:
        flags.FLAGS(argv)
        recipe = recipe_path(command, flags.FLAGS.dataset)
        if recipe is None:
            return flags.FLAGS(argv)
        flags.FLAGS.unparse_flags()
        # Of two values for a flag the later one holds: the command line wins.
        return flags.FLAGS([argv[0], f"--flagfile={recipe}", *argv[1:]])
    except (flags.Error, OSError) as error:
        fail(str(error))


def run(main: Callable[[], None], parse: Callable[[Sequence[str]], list[str]]) -> NoReturn:
    """Runs an entry point: parses flags, refuses positional arguments, calls `main`."""

    def without_arguments(argv):
        if len(argv) > 1:
            fail(f"expected flags only, such as --seed=1. Received: {' '.join(argv[1:])}")
        main()

    app.run(without_arguments, flags_parser=parse)
    raise SystemExit(0)  # app.run has already ended the program
