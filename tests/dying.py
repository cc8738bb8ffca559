"""An entry point that SIGKILL ends at a file operation: python -m tests.dying MOMENT MODULE FLAG…

MOMENT is WHEN:NAME:COUNT, such as before:genotype.json:1. WHEN is `before` or `after` the renaming
that gives a file its name for the COUNTth time in this process, or `inside` the writing of its
temporary sibling, half of which is then on the disk.
"""

import fnmatch
import os
import pathlib
import runpy
import signal
import sys


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def arm(when, name, count):
    """Makes `os.replace` and `os.fsync` deadly."""
    replace, fsync = os.replace, os.fsync
    left = [count]

    def is_it(path):
        if not fnmatch.fnmatch(pathlib.Path(path).name, name):
            return False
        left[0] -= 1
        return left[0] == 0

    def deadly_replace(source, target):
        meant = when in ("before", "after") and is_it(target)
        if meant and when == "before":
            die()
        replace(source, target)
        if meant:
            die()

    def deadly_fsync(descriptor):
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if when == "inside" and is_it(
            pathlib.Path(path).name.removeprefix(".").removesuffix(".tmp")
        ):
            os.truncate(path, os.path.getsize(path) // 2)
            die()
        fsync(descriptor)

    # By name, for mypy: they take fewer arguments than those in whose place they stand.
    setattr(os, "replace", deadly_replace)  # noqa: B010
    setattr(os, "fsync", deadly_fsync)  # noqa: B010


if __name__ == "__main__":
    moment, module, *flags = sys.argv[1:]
    when, name, count = moment.split(":")
    arm(when, name, int(count))
    sys.argv = [module, *flags]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
