"""Both commands with --batch_size=auto, on machines whose memory and driver are made up."""

import json

import pytest

from tests.commands import run_command

SMALL = (
    *("--layers=3", "--candidates=8", "--skip_dropout_rates=0", "--add_channels=0"),
    *("--epochs=2", "--warmup_epochs=1", "--validation_epochs=1", "--max_steps_per_epoch=2"),
)
NO_DRIVER = "/nonexistent"
OLD = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.57.02  Tue Jul 13 16:14:05 UTC 2021\n"


def run(free, command, *flags, driver=NO_DRIVER, **options):
    return run_command(
        "tests.faked_machine", free, driver, f"pdarts_tf.{command}", "--dataset=digits", *flags,
        **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """The directory of a search, and what it printed."""
    path = tmp_path_factory.mktemp("auto") / "run"
    done = run(1000, "search", *SMALL, "--batch_size=auto", f"--output_dir={path}")
    assert (done.returncode, done.stderr) == (0, "")
    return path, done.stdout


def recorded(path):
    return json.loads((path / "config.json").read_text())["config"]["batch_size"]


def test_the_number_is_what_the_run_keeps(begun):
    path, stdout = begun
    size = recorded(path)
    assert 8 < size < 716
    line = f"--batch_size=auto is {size}, the largest that is estimated to fit into 80% of the 0.98"
    assert stdout.startswith(line)
    assert "; --learning_rate=0.05 is left as it is\n" in stdout
    assert f" {line}" in (path / "run.log").read_text()


def test_the_devices_are_printed_below_the_plan(begun):
    path, stdout = begun
    lines = stdout.splitlines()
    (after,) = (i for i, line in enumerate(lines) if line.startswith("Devices: CPU, "))
    assert "steps of" in lines[after - 1]
    assert lines[after] in (path / "run.log").read_text()


def test_another_machine_goes_on_with_the_same_number(begun):
    path, _ = begun
    size = recorded(path)
    (path / "genotype.json").rename(path / "was_finished.json")
    again = run(600, "search", *SMALL, "--batch_size=auto", f"--output_dir={path}")
    (path / "was_finished.json").unlink()
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith(f"--batch_size=auto is {size}, as this run began with; --learn")
    assert recorded(path) == size
    dry = run(600, "search", *SMALL, "--batch_size=auto", "--dry_run", f"--output_dir={path}")
    assert f"--batch_size=auto is {size}, as this run began with" in dry.stdout


def test_another_number_is_another_run(begun):
    path, _ = begun
    done = run(600, "search", *SMALL, "--batch_size=8", f"--output_dir={path}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"its --batch_size is {recorded(path)}, not 8" in done.stderr


def test_a_dry_training_prints_the_number_that_fits(tmp_path):
    flags = "--genotype=PDARTS", "--batch_size=auto", "--dry_run", "--gradient_accumulation=5"
    done = run(600, "train", *flags, "--num_cpu_devices=2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
    *_, devices, chosen = done.stdout.splitlines()
    assert devices.startswith("Devices: CPU, ")
    assert devices.endswith(", split into 2 logical devices")
    words = chosen.split()
    assert words[0:2] == ["--batch_size=auto", "is"]
    size = int(words[2].rstrip(","))
    assert size % 10 == 0
    assert f"steps of {size} images in all" in done.stdout
    assert "the largest multiple of 10 that is estimated to fit into" in chosen


def test_too_little_memory_ends_with_one_line(tmp_path):
    done = run(100, "search", *SMALL, "--batch_size=auto", f"--output_dir={tmp_path / 'run'}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "must be a multiple of 1, but so many are estimated not to fit into" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_driver_that_is_too_old_is_one_line_of_the_output(tmp_path):
    """Though the process may not use GPUs, as in all tests, it is told of one."""
    driver = tmp_path / "version"
    driver.write_text(OLD)
    flags = *SMALL, "--batch_size=8", f"--output_dir={tmp_path / 'run'}"
    done = run(1000, "search", *flags, driver=driver, CUDA_VISIBLE_DEVICES="0")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = (line for line in done.stdout.splitlines() if "470.57.02" in line)
    assert line.startswith("Devices: CPU, ")
    assert line.endswith(
        " (the NVIDIA driver 470.57.02 is too old for CUDA 12: install 525.60.13 or newer)"
    )
    assert line in (tmp_path / "run" / "run.log").read_text()
