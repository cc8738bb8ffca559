"""`make release`: what it installs and runs; it is too slow to be run here."""

import pathlib
import subprocess
import sys
import tomllib

import pytest

from tests.source_tree import ROOT
from tools import release

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FOLDER, WHEEL = pathlib.Path("/somewhere"), pathlib.Path("dist/x.whl")


def test_the_oldest_versions_are_the_lower_ends_of_the_ranges():
    extras: dict[str, list[str]] = {name: [] for name in release.EXTRAS} | {"dev": ["c>=3"]}
    extras["onnx"] = ["d<9", "e", "f>=4.0; sys_platform == 'linux'"]
    project = {"dependencies": ["a>=1.2,<2", "b[x]>=3"], "optional-dependencies": extras}
    assert release.oldest(project) == ["a==1.2", "b==3", "f==4.0"]


def test_everything_that_is_tried_has_a_lower_end():
    extras = [PROJECT["optional-dependencies"][name] for name in release.EXTRAS]
    assert len(release.oldest(PROJECT)) == sum(map(len, [PROJECT["dependencies"], *extras]))


def test_later_interpreters_have_no_wheels_of_the_oldest_versions():
    received = f"{sys.version_info.major}.{sys.version_info.minor}"
    release.check_python(f">={received},<4")
    with pytest.raises(SystemExit, match=r"^error: expected Python 3\.1, .*=python3\.1 setup`$"):
        release.check_python(">=3.1,<3.14")


def test_the_wheel_is_installed_plainly_and_with_constraints():
    commands = release.install(FOLDER, "python3", WHEEL)
    (pip,) = [command for command in commands if "install" in command]
    assert pip[-2:] == (str(FOLDER / "constraints.txt"), str(WHEEL))
    assert commands[-1][-2:] == ("pip", "check")


def test_extras_come_after_the_demo():
    commands = release.demo(FOLDER, WHEEL)
    assert commands[0][-1] == str(ROOT / "tools/demo.py")
    assert commands[1][-1] == f"{WHEEL}[onnx,openvino,ray,serving]"
    assert set(release.EXTRAS) <= set(PROJECT["optional-dependencies"])


def test_every_command_runs_in_its_environment():
    for command in [*release.demo(FOLDER, WHEEL), *release.few_steps(FOLDER, WHEEL)]:
        assert command[0].startswith(f"{FOLDER}/venv/bin/")


def test_nothing_leads_back_to_the_repository(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert "PYTHONPATH" not in release.environment()


def test_a_failing_command_ends_the_release(tmp_path, capfd):
    with pytest.raises(SystemExit, match="3"):
        release.run((sys.executable, "-c", "raise SystemExit(3)"), tmp_path)
    assert "error: the last command ended with exit code 3" in capfd.readouterr().err


def test_the_versions_are_those_of_the_environment(monkeypatch):
    def told(command, **options):
        assert command == [f"{FOLDER}/venv/bin/pdarts", "--version"]
        return subprocess.CompletedProcess(command, 0, "python 3.12.1\n")

    monkeypatch.setattr(subprocess, "run", told)
    assert release.versions(FOLDER) == "python 3.12.1"
