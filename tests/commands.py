"""The real commands in processes of their own, forked from one that has imported TensorFlow.

To import it takes five seconds of a core, which is most of what a refused flag or a one-layer
search takes. Each test worker pays them once.
"""

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

from tests.source_tree import ROOT

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tensorflow", "keras", "tensorflow_datasets"])


class Command:
    """A command that is running; has what tests use of `subprocess.Popen`.

    Args:
        arguments: As of `python -m`: the module, and flags.
        run: What runs in the process; by default the module.
        cwd: Working directory.
        **variables: Environment variables beside those of this process.
    """

    def __init__(
        self,
        *arguments: object,
        run: Callable[[], object] | None = None,
        cwd: os.PathLike[str] = ROOT,
        **variables: str,
    ) -> None:
        self._output = tempfile.TemporaryDirectory(prefix="command")
        environment = {**os.environ, **variables}
        words = list(map(str, arguments))
        self.process = _PROCESSES.Process(
            target=_run, args=(words, run, cwd, environment, self._output.name), daemon=True
        )
        self.process.start()

    @property
    def returncode(self) -> int | None:
        """Exit code; the negative number of a signal; None while it runs."""
        return self.process.exitcode

    def poll(self) -> int | None:
        """Returns `returncode`."""
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        self.process.kill()

    def communicate(self) -> tuple[str, str]:
        """Waits for its end, and returns (standard output, standard error)."""
        self.process.join()
        folder = pathlib.Path(self._output.name)
        stdout, stderr = ((folder / name).read_text("utf-8") for name in ("1", "2"))
        self._output.cleanup()
        return stdout, stderr


def run_command(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; the arguments are those of `Command`."""
    command = Command(*arguments, **options)
    stdout, stderr = command.communicate()
    assert command.returncode is not None
    return subprocess.CompletedProcess(
        [str(each) for each in arguments], command.returncode, stdout, stderr
    )


def _run(
    arguments: Sequence[str],
    run: Callable[[], object] | None,
    cwd: os.PathLike[str],
    environment: dict[str, str],
    output: str,
) -> None:
    for descriptor in (1, 2):
        file = os.open(f"{output}/{descriptor}", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv[:] = arguments
    if run is None:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        run()
