"""`pdarts` and `python -m pdarts_tf`: the list of commands, and what runs one by its name."""

import subprocess
import sys

import pytest

from pdarts_tf import __main__ as pdarts
from pdarts_tf import own_packages
from tests import source_tree
from tests.source_tree import ROOT

COMMANDS = [
    source_tree.module_name(path).removesuffix(".__main__")
    for path in source_tree.sources("pdarts_tf", "export")
    if source_tree.is_entry_point(path) and path != "pdarts_tf/__main__.py"
]


def run(monkeypatch, *arguments):
    """Runs `pdarts` in this process."""
    monkeypatch.setattr(sys, "argv", ["pdarts", *arguments])
    pdarts.main()


def execute(*command, cwd=ROOT, **variables):
    """Runs `python -m …` in a process."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={"PATH": "", "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_command_has_a_name():
    listed = [each.module for each in pdarts._COMMANDS.values()]
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_the_commands_are_listed_a_line_each(monkeypatch, capsys, arguments):
    run(monkeypatch, *arguments)
    rows = capsys.readouterr().out.splitlines()
    for name, command in pdarts._COMMANDS.items():
        assert [row.split(maxsplit=1) for row in rows].count([name, command.summary]) == 1
    assert max(map(len, rows)) < 80


def test_versions_are_printed(monkeypatch, capsys):
    run(monkeypatch, "--version")
    out = capsys.readouterr().out
    assert "pdarts-tf " in out and "tensorflow 2." in out


@pytest.mark.parametrize(
    ("name", "hint"),
    [("serach", "'serach'; did you mean 'search'?"), ("--dataset=x\x1b", "'--dataset=x\\x1b'")],
)
def test_an_unknown_command_is_one_line(monkeypatch, capsys, name, hint):
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, name)
    error = capsys.readouterr().err
    assert error.startswith("error: expected a command: search, train, ")
    assert error.endswith(f"Received: {hint}\n")


def test_a_command_runs_as_if_it_had_been_run_alone():
    arguments = ("--genotype=PDARTS", "--json")
    by_name = execute("pdarts_tf", "describe", *arguments)
    alone = execute("pdarts_tf.describe", *arguments)
    assert (by_name.returncode, by_name.stderr) == (0, "")
    assert by_name.stdout == alone.stdout


def test_errors_and_exit_codes_are_those_of_the_command():
    by_name = execute("pdarts_tf", "describe", "--genotype=x", "--jsn")
    alone = execute("pdarts_tf.describe", "--genotype=x", "--jsn")
    assert (by_name.returncode, by_name.stderr) == (alone.returncode, alone.stderr)
    assert by_name.returncode == 2


@pytest.mark.parametrize("path", [f"{name.replace('.', '/')}" for name in COMMANDS])
def test_commands_check_for_a_hidden_package_before_they_import_it(path):
    file = next(f for f in (f"{path}.py", f"{path}/__main__.py") if (ROOT / f).is_file())
    imported = (source_tree.imported_file(item) for item in source_tree.imports(file))
    assert next(filter(None, imported)) == "pdarts_tf/own_packages.py"


@pytest.mark.parametrize("command", [["pdarts_tf.report"], ["pdarts_tf", "report"]], ids=str)
def test_a_module_of_the_working_directory_that_hides_flags_is_one_line(tmp_path, command):
    (tmp_path / "flags.py").write_text("raise SystemExit('this must not run')")
    result = execute(*command, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: expected pdarts_tf's own package 'flags'. Received: ")
    assert str(tmp_path / "flags.py") in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_package_that_hides_export_is_one_line(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export/__init__.py").write_text("raise SystemExit('this must not run')")
    result = execute("pdarts_tf", "export", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: expected pdarts_tf's own package 'export'. Received: ")


def test_a_folder_without_modules_hides_nothing(tmp_path):
    (tmp_path / "flags").mkdir()
    assert execute("pdarts_tf", "search", "--help", cwd=tmp_path).returncode == 0


def test_importing_the_library_does_not_check(tmp_path):
    (tmp_path / "flags.py").write_text("")
    code = "import pdarts_tf; print(pdarts_tf.PRIMITIVES[0])"
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)


def test_a_missing_package_is_not_hidden():
    assert own_packages.what_hides("no_such_package") is None


def test_another_package_hides():
    assert own_packages.what_hides("absl") is not None
