"""Modules that --plugins imports first."""

import sys

import pytest
from absl import flags

from flags.importing import define_plugins, import_plugins
from pdarts_tf.errors import InputError


def import_those_of(*argv):
    """Imports what a command line names."""
    values = flags.FlagValues()
    define_plugins(flag_values=values)
    values(["program", *argv])
    import_plugins(values)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module into the working directory; it is forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "plugin_of_a_test", raising=False)

    def write(text):
        (tmp_path / "plugin_of_a_test.py").write_text(text)

    yield write
    sys.modules.pop("plugin_of_a_test", None)


def test_modules_of_the_working_directory_are_imported(module):
    module("FOUND = 1")
    import_those_of("--plugins=json,plugin_of_a_test")
    assert sys.modules["plugin_of_a_test"].FOUND == 1


def test_commands_without_the_flag_import_nothing():
    import_plugins(flags.FlagValues())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("def broken(:", "invalid syntax"),
        ("raise ValueError('not a\\nname')", r"not a\\nname"),
    ],
)
def test_a_module_that_does_not_run_is_one_line(module, text, reason):
    module(text)
    with pytest.raises(InputError, match=rf"^--plugins=plugin_of_a_test cannot .*{reason}"):
        import_those_of("--plugins=plugin_of_a_test")
