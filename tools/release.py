"""`make release`: builds the distributions, and tries the wheel as those who install it would.

    python -m tools.release [PYTHON…]

Builds dist/, then installs the wheel twice, in environments of their own outside the repository:
with the oldest versions that pyproject.toml allows, and with the newest that pip finds. In each,
the demo searches, trains, exports and asks the exported model, all without extras; then the extras
are installed, an export to ONNX uses one, and tests of what the demo leaves out run: TFDS, folders,
gRPC. Every other interpreter that is named gets the newest versions and a search of a few
steps.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).parents[1]
DIST = ROOT / "dist"
# All but CUDA's libraries and PyTorch, which are large, and what developers need.
EXTRAS = ("onnx", "openvino", "ray", "serving")
_FEW_STEPS = (
    "--dataset=digits",
    "--layers=3,3,3",
    "--epochs=2",
    "--warmup_epochs=1",
    "--init_channels=4",
    "--max_steps_per_epoch=2",
    "--output_dir=runs/few_steps",
)
# What tests need, in whatever version: it is not what is tried. Some of them warn in some versions.
_TEST_TOOLS = ("hypothesis", "packaging", "pytest", "pytest-timeout")
_TESTS = ("-q", "-m", "not slow", "-p", "no:cacheprovider", "--override-ini=filterwarnings=default")
_TESTED = ("tests/data", "tests/export/test_client.py", "tests/export/test_saved_model.py")
_EXPORT = ("--run_dir=runs/demo_training", "--export_dir=models/onnx", "--format=onnx")

_Commands = list[tuple[str, ...]]


def main(pythons: Sequence[str]) -> None:
    """Builds and tries the distributions.

    Args:
        pythons: Other interpreters to try the wheel on, such as "python3.13".
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    check_python(project["requires-python"])
    wheel = build()
    tried = [
        f"oldest: {try_wheel(wheel, sys.executable, oldest(project), demo)}",
        f"newest: {try_wheel(wheel, sys.executable, [], demo)}",
        *(f"newest: {try_wheel(wheel, python, [], few_steps)}" for python in pythons),
    ]
    print("\nTried with\n" + "\n".join(tried))


def try_wheel(
    wheel: pathlib.Path,
    python: str,
    constraints: Sequence[str],
    commands: Callable[[pathlib.Path, pathlib.Path], _Commands],
) -> str:
    """Installs a wheel in an environment of its own, runs commands there, and returns the versions.

    Args:
        wheel: Path of the wheel.
        python: Interpreter.
        constraints: Lines of a constraints file.
        commands: `demo` or `few_steps`.

    Raises:
        SystemExit: If a command fails.
    """
    with tempfile.TemporaryDirectory(prefix="pdarts_release_") as name:
        folder = pathlib.Path(name)
        (folder / "constraints.txt").write_text("\n".join(constraints), "utf-8")
        for command in (*install(folder, python, wheel), *commands(folder, wheel)):
            run(command, folder)
        return versions(folder)


def check_python(required: str) -> None:
    """Checks that this interpreter is the oldest that is supported: others lack the oldest wheels.

    Args:
        required: As pyproject.toml has it, such as ">=3.11,<3.14".

    Raises:
        SystemExit: If it is another.
    """
    oldest_python = required.removeprefix(">=").split(",")[0]
    received = f"{sys.version_info.major}.{sys.version_info.minor}"
    if received != oldest_python:
        raise SystemExit(
            f"error: expected Python {oldest_python}, since later ones have no wheels of the "
            f"oldest versions. Received: Python {received}; run it in a checkout set up by "
            f"`make PYTHON=python{oldest_python} setup`"
        )


def build() -> pathlib.Path:
    """Builds and checks source distribution and wheel; returns the path of the wheel."""
    for old in DIST.glob("pdarts_tf-*"):
        old.unlink()
    run((sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT)), ROOT)
    built = sorted(map(str, DIST.glob("pdarts_tf-*")))
    run((sys.executable, "-m", "twine", "check", "--strict", *built), ROOT)
    return next(DIST.glob("pdarts_tf-*.whl"))


def oldest(project: Mapping[str, Any]) -> list[str]:
    """Returns constraints that leave of the ranges of the package and of `EXTRAS` the lower ends.

    Args:
        project: The table "project" of pyproject.toml.

    Returns:
        Lines of a constraints file; what has no lower end, has none.
    """
    extras = project["optional-dependencies"]
    groups = [project["dependencies"], *(extras[name] for name in EXTRAS)]
    found = [Requirement(text) for group in groups for text in group]
    return [
        f"{each.name}=={bound.version}"
        for each in found
        for bound in each.specifier
        if bound.operator == ">="
    ]


def install(folder: pathlib.Path, python: str, wheel: pathlib.Path) -> _Commands:
    """Returns the commands that install a wheel without extras in an environment of its own.

    Args:
        folder: Folder of the environment, with a file constraints.txt.
        python: Interpreter.
        wheel: Path of the wheel.
    """
    return [
        (python, "-m", "venv", str(folder / "venv")),
        (*_pip(folder), str(wheel)),
        (_program(folder, "python"), "-m", "pip", "check"),
    ]


def demo(folder: pathlib.Path, wheel: pathlib.Path) -> _Commands:
    """Returns the commands that run the demo without extras, and then use and test with them."""
    return [
        # -P, since the modules beside it could hide others.
        (_program(folder, "python"), "-P", str(ROOT / "tools" / "demo.py")),
        (*_pip(folder), f"{wheel}[{','.join(EXTRAS)}]"),
        (_program(folder, "python"), "-m", "pip", "check"),
        (_program(folder, "pdarts"), "export", *_EXPORT),
        (*_pip(folder), *_TEST_TOOLS),
        # The sources tested are those beside the tests, which the wheel was built from.
        (
            _program(folder, "python"),
            "-m",
            "pytest",
            *_TESTS,
            *(str(ROOT / each) for each in _TESTED),
        ),
    ]


def few_steps(folder: pathlib.Path, wheel: pathlib.Path) -> _Commands:
    """Returns the command of a search of a few steps."""
    return [(_program(folder, "pdarts"), "search", *_FEW_STEPS)]


def versions(folder: pathlib.Path) -> str:
    """Returns the versions in an environment, as `pdarts --version` tells them."""
    command = [_program(folder, "pdarts"), "--version"]
    done = subprocess.run(
        command, cwd=folder, env=environment(), check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _pip(folder: pathlib.Path) -> tuple[str, ...]:
    constraints = str(folder / "constraints.txt")
    options = ("--quiet", "--disable-pip-version-check", "--constraint", constraints)
    return (_program(folder, "python"), "-m", "pip", "install", *options)


def _program(folder: pathlib.Path, name: str) -> str:
    return str(folder / "venv" / "bin" / name)


def run(command: Sequence[str], folder: pathlib.Path) -> None:
    """Runs a command in a folder after printing it.

    Raises:
        SystemExit: If it fails, with its exit code.
    """
    print(f"\n$ {' '.join(command)}", flush=True)
    done = subprocess.run(command, cwd=folder, env=environment(), check=False)
    if done.returncode:
        print(f"error: the last command ended with exit code {done.returncode}", file=sys.stderr)
        raise SystemExit(done.returncode)


def environment() -> dict[str, str]:
    """Returns this process' environment variables without those that lead to this project."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


if __name__ == "__main__":
    main(sys.argv[1:])
