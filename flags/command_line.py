"""Command lines: how every command parses its flags, and how it ends.

Exit codes: 0 done; 2 wrong usage or input, with one line on standard error; 75 stopped by SIGTERM
with a checkpoint, so that the same command resumes the run; 1 anything else.
"""

import atexit
import contextlib
import functools
import logging as logging_of_python
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import app, flags, logging

from flags.fields import changed_defaults, default_settings
from flags.flagfiles import expanded
from flags.help_text import asks_for_help, help_text, without_help
from flags.importing import import_plugins
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.errors import InputError, RunError, StoppedError, printable
from pdarts_tf.streams import end_line, outlive_readers, output_failure

RECIPES = pathlib.Path(__file__).parent / "recipes"
MAX_MESSAGE = 2000
"""Characters of an error's line; what it received may be longer."""
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_PREEMPTED = 75  # EX_TEMPFAIL of sysexits.h: a temporary failure, try again
# Recipes are named after their data sets, except these. A data set without a recipe gets the
# defaults, which are the recipes of cifar10, except that trainings validate, and then what
# `config.by_data` chooses once the data is known.
_OTHER_NAMES = {
    "train_imagenet2012": "train_imagenet_mobile",
}


SETTINGS = {"search": SearchConfig, "train": TrainConfig}
"""{command: its settings}."""


class _Exit:
    """Ends the process of a command that is done, after what others have registered for its end.

    Everything is written by then, but to take TensorFlow's graphs apart, piece by piece, as Python
    does at its end, would take up to half a minute.
    """

    code: int | None = None  # of a defect, whose traceback Python prints
    error: BaseException | None = None  # keeps alive what its traceback refers to: the graphs

    def __call__(self) -> None:
        if self.code is not None:
            logging_of_python.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.code)


_EXIT = _Exit()


def recipe_path(command: str, dataset: str) -> pathlib.Path | None:
    """Returns the flagfile of a command for a data set, or None if there is none.

    Args:
        command: "search" or "train".
        dataset: Name of any data set.

    Example:

    >>> recipe_path("search", "cifar10").name
    'search_cifar10.flags'
    """
    name = f"{command}_{dataset}"
    path = RECIPES / f"{_OTHER_NAMES.get(name, name)}.flags"
    return path if path.is_file() else None


def recipe_settings(command: str, dataset: str) -> SearchConfig | TrainConfig:
    """Returns the settings of a command for a data set when no other flag is given.

    Args:
        command: "search" or "train".
        dataset: Name of any data set; without a recipe, it gets the defaults.
    """
    recipe = recipe_path(command, dataset)
    settings: SearchConfig | TrainConfig = default_settings(
        SETTINGS[command], recipe, dataset=dataset
    )
    return settings


def parse_with_recipe(command: str, argv: Sequence[str]) -> list[str]:
    """Parses flags on top of the recipe for their --dataset, of which none counts as `present`.

    Args:
        command: "search" or "train".
        argv: Command line, including the program's name.

    Returns:
        The positional arguments, including the program's name.
    """
    rest = flags.FLAGS(argv)
    recipe = recipe_path(command, flags.FLAGS.dataset)
    if recipe is None:
        return rest
    present = {name: flags.FLAGS[name].present for name in flags.FLAGS}
    flags.FLAGS.unparse_flags()
    # The last value of a flag holds, so the command line overrides the recipe.
    rest = flags.FLAGS([argv[0], *expanded([f"--flagfile={recipe}"]), *argv[1:]])
    for name, times in present.items():
        flags.FLAGS[name].present = times
    return rest


def run(
    main: Callable[..., None],
    module: Any,
    *,
    recipes_of: str | None = None,
    takes_arguments: bool = False,
) -> NoReturn:
    """Runs a command, and reports errors that its user can fix in one line.

    What it prints may be lost, for example on a full disk, without ending it; a line on standard
    error then says so.

    Args:
        main: Function to call once the flags are parsed.
        module: Module with the flags; its `FIRST`, if there is one, names those that `--help` shows
            first.
        recipes_of: "search" or "train" if flags go on top of its recipe for the data set.
        takes_arguments: Whether `main` takes the list of positional arguments, which are an error
            otherwise.
    """
    outlive_readers()
    atexit.register(_EXIT)
    first: tuple[str, ...] = getattr(module, "FIRST", ())
    app.run(
        functools.partial(_run, main, takes_arguments),
        flags_parser=functools.partial(_parse, recipes_of, first),
    )
    raise SystemExit(0)  # app.run has already ended the program


def _parse(recipes_of: str | None, first: tuple[str, ...], argv: Sequence[str]) -> list[str]:
    try:
        words = expanded(argv)
        if asks_for_help(words):
            print(_help(recipes_of, first, without_help(words)))
            sys.exit(0)
        rest = flags.FLAGS(words) if recipes_of is None else parse_with_recipe(recipes_of, words)
        import_plugins()
        return rest
    except (flags.Error, OSError, ValueError) as error:  # absl: ValueError for --noflip=1
        _end(EXIT_USAGE, f"error: {error}")
    except SystemExit:  # after --helpfull, for which absl exits with 1
        sys.exit(0)


def _help(recipes_of: str | None, first: tuple[str, ...], words: Sequence[str]) -> str:
    """Returns the text of --help, with the defaults of the data set that other words name."""
    about = sys.modules["__main__"].__doc__ or ""
    if recipes_of is None:
        return help_text(about, flags.FLAGS, first, {})
    with contextlib.suppress(flags.Error, ValueError):  # help is for those who need it
        flags.FLAGS(words)
    flag = flags.FLAGS["dataset"]
    dataset = str(flag.value)
    defaults = changed_defaults(recipe_settings(recipes_of, dataset))
    defaults.pop("dataset", None)
    note = _whose_defaults(recipes_of, dataset, given=flag.present > 0)
    return help_text(about, flags.FLAGS, first, defaults, note)


def _whose_defaults(command: str, dataset: str, *, given: bool) -> str:
    if not given:
        return (
            f"Defaults are those for --dataset={dataset}, which holds if none is given; "
            "--dataset=cifar10 --help shows those for cifar10."
        )
    recipe = recipe_path(command, dataset)
    if recipe is None:
        return (
            f"There is no recipe for --dataset={printable(dataset)}: defaults are the general "
            "ones, and some settings follow from the data; --dry_run prints them."
        )
    return f"Defaults are those for --dataset={dataset}: flags/recipes/{recipe.name}."


def _run(main: Callable[..., None], takes_arguments: bool, argv: Sequence[str]) -> None:
    if len(argv) > 1 and not takes_arguments:
        received = " ".join(argv[1:])
        _end(EXIT_USAGE, f"error: expected flags only, such as --seed=1. Received: {received}")
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # TFDS logs every file that it opens
    try:
        try:
            main(*([argv[1:]] if takes_arguments else []))
        finally:
            end_line()
        _tell_of_lost_output()
        _EXIT.code = 0
    except InputError as error:
        _end(EXIT_USAGE, f"error: {error}")
    except RunError as error:
        _end(EXIT_FAILURE, f"error: {error}")
    except StoppedError as error:
        preempted = error.signal == signal.SIGTERM
        _end(EXIT_PREEMPTED if preempted else EXIT_FAILURE, str(error))
    except KeyboardInterrupt:
        _end(EXIT_FAILURE, "interrupted; the same command resumes the run")


def _tell_of_lost_output() -> None:
    if failure := output_failure():
        reason = f"standard output could not be written ({failure.strerror})"
        print(f"warning: {reason}; the command is done all the same", file=sys.stderr)


def _end(code: int, message: str) -> NoReturn:
    print(printable(" ".join(message.split()), most=MAX_MESSAGE), file=sys.stderr)
    _EXIT.code, _EXIT.error = code, sys.exception()
    sys.exit(code)
