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

from flags import command_line

# What the commands of the package call once all that their flags say has been read.
_BEGINNINGS = {
    "export.client": ("export.client_rest.RestModel", "export.client_grpc.GrpcModel"),
    "export.saved_model": ("pdarts_tf.runs.next_commands.read_training",),
    "pdarts_tf.interop.pytorch": ("pdarts_tf.interop.state_dict.read_state_dict",),
    "pdarts_tf.search": ("pdarts_tf.runs.job.run",),
    "pdarts_tf.study": ("pdarts_tf.study.running.check",),
    "pdarts_tf.train": (
        "pdarts_tf.runs.job.run",
        "pdarts_tf.runs.next_commands.read_training",
    ),
}


class _Begun(BaseException):
    """Raised in place of the work, past whatever reports errors."""


def print_errors(commands: Sequence[Sequence[str]]) -> None:
    """Prints, as JSON, what each of the commands says against its flags: None if nothing.

    Args:
        commands: Words as of `python -m`, all of one module. A module that defines flags itself can
            be run once in a process, as benchmarks are.
    """
    app.define_help_flags()
    with contextlib.ExitStack() as stack:
        for name in _BEGINNINGS.get(commands[0][0], ()):
            stack.enter_context(mock.patch(name, side_effect=_Begun))
        stack.enter_context(mock.patch.object(app, "run", _run))
        print(json.dumps([_error(command) for command in commands]))


def _error(words: Sequence[str]) -> str | None:
    sys.argv[:] = words
    said = io.StringIO()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
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
