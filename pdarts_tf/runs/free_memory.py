"""Memory of this machine that is free, as far as a container or a batch system grants it."""

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

ROOT = pathlib.Path("/")


@dataclass(frozen=True)
class _Version:
    """Files of a version of Linux' control groups.

    Args:
        mount: Where its groups are.
        limit, usage: Names of the files with the bytes granted, and those in use.
        cache: Name in `memory.stat` of the part of those in use that is given back when needed.
    """

    mount: str
    limit: str
    usage: str
    cache: str


_SECOND = _Version("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
_FIRST = _Version(
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
)


def free_memory() -> int:
    """Returns the bytes that this process may still take.

    >>> free_memory() > 0
    True
    """
    return min([psutil.virtual_memory().available, *left_in_groups(ROOT)])


def left_in_groups(root: pathlib.Path) -> list[int]:
    """Returns the bytes left in each control group around this process that has a limit.

    Args:
        root: Root of the file system.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:  # no Linux
        return []
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            version = _SECOND
        elif "memory" in controllers.split(","):
            version = _FIRST
        else:
            continue
        mount = root / version.mount
        left += [_left(folder, version) for folder in _around(mount, path)]
    return [each for each in left if each is not None]


def _around(mount: pathlib.Path, path: str) -> Iterator[pathlib.Path]:
    """Yields the folders of a group and of those around it.

    Inside a container the path may be that of the host, while the mount is the group itself.
    """
    folder = mount / path.lstrip("/")
    yield folder
    yield from (each for each in folder.parents if each.is_relative_to(mount))


def _left(folder: pathlib.Path, version: _Version) -> int | None:
    """Returns the bytes left in a group; None if it has no limit."""
    try:
        limit = (folder / version.limit).read_text("ascii").strip()
        usage = int((folder / version.usage).read_text("ascii"))
        rows = (folder / "memory.stat").read_text("ascii").splitlines()
    except OSError:
        return None
    if not limit.isdecimal():  # "max"
        return None
    cache = next((int(row.split()[1]) for row in rows if row.split()[0] == version.cache), 0)
    return max(0, int(limit) - usage + cache)
