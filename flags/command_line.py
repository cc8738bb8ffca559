"""How every entry point reads its command line and ends.

Exit codes: 0 done; 2 wrong usage or input, with one line on standard error; 75 stopped by SIGTERM
with a checkpoint, so that the same command goes on; 1 anything else.
"""

import functools
import pathlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import app, flags, logging

from flags.fields import default_settings
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.errors import InputError, RunError, StoppedError

RECIPES = pathlib.Path(__file__).parent / "recipes"
EXIT_FAILURE = 1
EXIT_USAGE = 2
_SETTINGS = {"search": SearchConfig, "train": TrainConfig}
EXIT_PREEMPTED = 75  # EX_TEMPFAIL of sysexits.h: a temporary failure, try again
# The recipe of a data set is named after it, but for this one. A data set without a recipe gets the
# defaults, which are the recipes of cifar10.
_OTHER_NAMES = {
    "search_imagenet2012": "search_imagenet_subset",
    "train_imagenet2012": "train_imagenet_mobile",
}


def recipe_path(command: str, dataset: str) -> pathlib.Path | None:
    """Returns the flagfile of a command for a data set, such as search_cifar10.flags, if any."""
    name = f"{command}_{dataset}"
    path = RECIPES / f"{_OTHER_NAMES.get(name, name)}.flags"
    return path if path.is_file() else None


def recipe_settings(command: str, dataset: str) -> SearchConfig | TrainConfig:
    """Returns what a command does with a data set unless other flags say otherwise.

    Args:
        command: "search" or "train".
        dataset: name of any data set; one without a recipe gets the defaults.
    """
    recipe = recipe_path(command, dataset)
    settings: SearchConfig | TrainConfig = default_settings(
        _SETTINGS[command], recipe, dataset=dataset
    )
    return settings


def parse_with_recipe(command: str, argv: Sequence[str]) -> list[str]:
    """Parses flags on top of the recipe of the data set they name.

    Args:
        command: "search" or "train".
        argv: the command line, program name included.

    Returns:
        The positional arguments, program name included.
    """
    rest = flags.FLAGS(argv)
    recipe = recipe_path(command, flags.FLAGS.dataset)
    if recipe is None:
        return rest
    flags.FLAGS.unparse_flags()
    # Of two values for a flag the later one holds: the command line wins.
    return flags.FLAGS([argv[0], f"--flagfile={recipe}", *argv[1:]])


def run(
    main: Callable[..., None],
    module: Any,
    parse: Callable[[Sequence[str]], list[str]] = flags.FLAGS,
    *,
    takes_arguments: bool = False,
) -> NoReturn:
    """Runs an entry point, and turns the errors that a person can mend into one line.

    Args:
        main: what to run when the flags are parsed.
        module: of the flags that `--help` shows.
        parse: reads the command line and returns the positional arguments.
        takes_arguments: whether `main` is called with a list of the arguments that are no flags,
            which are an error otherwise.
    """
    for flag in flags.FLAGS.get_key_flags_for_module(module.__name__):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(
        functools.partial(_run, main, takes_arguments),
        flags_parser=functools.partial(_parse, parse),
    )
    raise SystemExit(0)  # app.run has already ended the program


def _parse(parse, argv):
    try:
        return parse(argv)
    except (flags.Error, OSError) as error:
        _end(EXIT_USAGE, f"error: {error}")
    except SystemExit:  # after --help, for which absl has 1
        sys.exit(0)


def _run(main, takes_arguments, argv):
    if len(argv) > 1 and not takes_arguments:
        received = " ".join(argv[1:])
        _end(EXIT_USAGE, f"error: expected flags only, such as --seed=1. Received: {received}")
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # TFDS logs every file that it opens
    try:
        main(*([argv[1:]] if takes_arguments else []))
    except InputError as error:
        _end(EXIT_USAGE, f"error: {error}")
    except RunError as error:
        _end(EXIT_FAILURE, f"error: {error}")
    except StoppedError as error:
        preempted = error.signal == signal.SIGTERM
        _end(EXIT_PREEMPTED if preempted else EXIT_FAILURE, str(error))
    except KeyboardInterrupt:
        _end(EXIT_FAILURE, "interrupted; the same command resumes the run")


def _end(code: int, message: str) -> NoReturn:
    print(" ".join(message.split()), file=sys.stderr)
    sys.exit(code)
