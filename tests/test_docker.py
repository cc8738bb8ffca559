"""The Dockerfile, as far as it can be checked without a container engine; and launch scripts."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pdarts_tf.training.devices import read_task
from tests.source_tree import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"
LAUNCHING = (ROOT / "docs" / "distributed.md").read_text("utf-8")


def instructions():
    """(name, arguments) of each instruction, lines continued by a backslash joined."""
    text = re.sub(r"\\\n", " ", DOCKERFILE.read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_has_the_pinned_tensorflow():
    lock = (ROOT / "requirements-lock.txt").read_text("utf-8")
    pinned = re.search(r"^tensorflow==(\S+)", lock, re.M)
    assert pinned is not None
    assert instructions()[0] == ("FROM", f"tensorflow/tensorflow:{pinned[1]}-gpu")


def test_the_sources_of_every_copy_exist():
    copies = [arguments.split()[:-1] for name, arguments in instructions() if name == "COPY"]
    assert copies
    assert all((ROOT / source).exists() for sources in copies for source in sources)


def ignored(folder, names):
    """What .dockerignore leaves out of the build: by its path, or by its name at any depth."""
    patterns = (ROOT / ".dockerignore").read_text("utf-8").split()
    inside = Path(folder).relative_to(ROOT)
    return [n for n in names if f"**/{n}" in patterns or str(inside / n) in patterns]


@pytest.mark.slow  # installs TensorFlow
@pytest.mark.timeout(3600)
def test_the_commands_of_the_dockerfile_run_in_a_clean_environment(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PATH"] = f"{tmp_path / 'venv' / 'bin'}:{environment['PATH']}"
    folder = tmp_path / "image"
    for name, arguments in instructions():
        if name == "WORKDIR":
            folder = tmp_path / "image" / arguments.lstrip("/")
            folder.mkdir(parents=True)
        elif name == "COPY":
            source, target = arguments.split()
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=ignored, dirs_exist_ok=True)
            else:
                shutil.copy(ROOT / source, folder / target)
        elif name in ("RUN", "CMD"):
            command = json.loads(arguments) if name == "CMD" else ["sh", "-ec", arguments]
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert "--skip_dropout_rates" in done.stdout  # of CMD: --help


def script(language):
    """The only code block of a language in the documentation."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", LAUNCHING, re.S)
    return block


def test_the_slurm_script_numbers_its_workers(tmp_path):
    for name, body in {
        "scontrol": "printf 'node1\\nnode2\\n'",
        "srun": 'shift; for SLURM_PROCID in 0 1; do export SLURM_PROCID; "$@"; done',
        "python": 'echo "$TF_CONFIG"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", script("sh")],
        env=environment | {"SLURM_JOB_NODELIST": "node[1-2]"},
        capture_output=True,
        text=True,
        check=True,
    )
    configs = done.stdout.splitlines()
    assert json.loads(configs[0])["cluster"] == {"worker": ["node1:12345", "node2:12345"]}
    assert [read_task(text).index for text in configs] == [0, 1]


def test_the_kubernetes_pods_number_themselves(tmp_path):
    (tmp_path / "python").write_text('#!/bin/bash\necho "$TF_CONFIG"\n')
    (tmp_path / "python").chmod(0o755)
    block = script("yaml")
    (command,) = re.findall(r"- \|\n((?: {14}.*\n)+)", block)
    texts = [
        subprocess.run(
            ["bash", "-euc", command],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "JOB_COMPLETION_INDEX": str(i)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for i in range(2)
    ]
    assert [read_task(text).index for text in texts] == [0, 1]
    assert [read_task(text).num_workers for text in texts] == [2, 2]
