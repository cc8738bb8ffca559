"""A search that dies between any two of its file operations ends like one that did not.

What a dead process leaves is what the operations before have done: here the process lives on, but
from the fatal operation on none has any effect.
"""

import builtins
import contextlib
import os
import pathlib

import pytest

from tests.cheap_search import FILES, search
from tests.interruptions import assert_same_run


class Died(BaseException):
    """The end of a process, past all that expects errors."""


class Operations:
    """Counts what a process does to files, and lets it die before one of them.

    Args:
        fatal: which operation it dies before, counted from 0; None for a process that lives.
    """

    def __init__(self, fatal=None):
        self.fatal = fatal
        self.names: list[str] = []

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        for owner, name in (
            (os, "replace"),
            (os, "fsync"),
            (pathlib.Path, "unlink"),
            (pathlib.Path, "mkdir"),
            (builtins, "open"),
        ):
            self._stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, self._counted(getattr(owner, name), name))
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def _counted(self, function, name):
        def call(*args, **kwargs):
            if name == "open" and not set("wa") & set(str(args[1:2])):
                return function(*args, **kwargs)  # reading changes nothing
            if self.fatal is not None and len(self.names) >= self.fatal:
                raise Died
            self.names.append(name)
            return function(*args, **kwargs)

        return call


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A run that was left alone, and how many file operations it took."""
    path = tmp_path_factory.mktemp("reference") / "run"
    with Operations() as operations:
        search(path)
    assert set(operations.names) == {"replace", "fsync", "unlink", "mkdir", "open"}
    return path, len(operations.names)


def dies_and_goes_on(path, fatal):
    with Operations(fatal), pytest.raises(Died):
        search(path)
    search(path)


@pytest.mark.parametrize("part", [pytest.param(0.4, marks=pytest.mark.slow), 1.0])
def test_death_at_one_of_many_file_operations_changes_nothing(tmp_path, reference, part):
    finished, count = reference
    dies_and_goes_on(tmp_path / "run", int(part * (count - 1)))
    assert_same_run(tmp_path / "run", finished, FILES)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_death_at_any_file_operation_changes_nothing(tmp_path, reference):
    finished, count = reference
    for fatal in range(count):
        dies_and_goes_on(tmp_path / str(fatal), fatal)
        assert_same_run(tmp_path / str(fatal), finished, FILES)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_death_at_every_few_file_operations_changes_nothing(tmp_path, reference):
    """One run that dies again and again, each time a little later."""
    finished, count = reference
    fatal = 1
    while True:
        try:
            with Operations(fatal):
                search(tmp_path / "run")
            break
        except Died:
            fatal += 1
            assert fatal < count
    assert_same_run(tmp_path / "run", finished, FILES)
