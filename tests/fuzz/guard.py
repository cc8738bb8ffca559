"""A guard against what no reader may do: run programs or code, connect, write elsewhere."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NEVER = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
    "shutil.rmtree",
}
_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod"}
_WRITE_MODES = "wax+"


class GuardError(BaseException):
    """Raised for a forbidden act; no `except Exception` of the reader can hide it."""


def forbidden(event: str, arguments: tuple[Any, ...], allowed: Path) -> bool:
    """Returns whether an event of Python's audit hooks is forbidden.

    Args:
        event: Name of the event.
        arguments: Its arguments.
        allowed: Directory in which files may be written and removed.
    """
    if event in _NEVER:
        return True
    if event == "exec":  # a late import runs the code of an installed file
        file = Path(getattr(arguments[0], "co_filename", ""))
        return not file.is_file() or _lies_in(file, allowed)
    if event == "open":
        path, mode, _ = arguments
        writes = isinstance(mode, str) and any(each in mode for each in _WRITE_MODES)
        return writes and not _lies_in(path, allowed)
    return event in _CHANGES and not _lies_in(arguments[0], allowed)


def _lies_in(path: Any, directory: Path) -> bool:
    if not isinstance(path, str | bytes | Path):
        return True  # an open file
    text = path.decode(errors="surrogateescape") if isinstance(path, bytes) else str(path)
    return Path(text).resolve().is_relative_to(directory) or text == "/dev/null"


def install(allowed: Path, active: Callable[[], bool]) -> None:
    """Forbids acts in this process, for good, whenever `active()` is true."""
    directory = allowed.resolve()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active() and forbidden(event, arguments, directory):
            raise GuardError(f"forbidden: {event} {arguments!r:.300}")

    sys.addaudithook(hook)
