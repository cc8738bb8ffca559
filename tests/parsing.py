"""Runs commands up to where they would begin to work: their flags and settings have been read."""

import contextlib
import io
import json
import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn
from unittest import mock

from absl import app, flags
from absl.testing import flagsaver

from flags import command_line

# What the commands of the package call once all that their flags say has been read.
_BEGINNINGS = (
    "pdarts_tf.runs.job.run",
    "pdarts_tf.runs.next_commands.read_training",
    "pdarts_tf.study.running.check",
    "pdarts_tf.interop.state_dict.read_state_dict",
    "export.client_rest.RestModel",
    "export.client.connect",
)


class _Begun(BaseException):
    """Raised in place of the work, past whatever reports errors."""


def print_errors(commands: Sequence[Sequence[str]]) -> None:
    """Prints, as JSON, what each of the commands says against its flags: None if nothing.

    Args:
        commands: Words as of `python -m`. Those of the package may share a process; benchmarks,
            which define flags of their own, need one each.
    """
    app.define_help_flags()
    with contextlib.ExitStack() as stack:
        for name in _BEGINNINGS:
            stack.enter_context(mock.patch(name, side_effect=_Begun))
        stack.enter_context(mock.patch.object(app, "run", _run))
        print(json.dumps([_error(command) for command in commands]))


def _error(words: Sequence[str]) -> str | None:
    sys.argv[:] = words
    said = io.StringIO()
    with flagsaver.flagsaver(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        except _Begun:
            return None
        except SystemExit as end:
            return said.getvalue() if end.code else None
        except flags.Error as error:
            return str(error)
    return None


def _run(
    main: Callable[..., Any], flags_parser: Callable[[Sequence[str]], list[str]] | None = None
) -> NoReturn:
    """Stands for `absl.app.run`, which runs once in a process; others than ours only parse."""
    if flags_parser is None:
        flags.FLAGS(sys.argv)
        raise _Begun
    main(flags_parser(sys.argv))
    raise _Begun


assert command_line.app is app, "the commands call what is replaced here"
