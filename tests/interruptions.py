"""Runs of the real commands that are killed again and again, and what has to come out of them."""

import signal
import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.commands import Command


class Moment(NamedTuple):
    """When a process gets a signal: so many seconds after it has reached a step of the run."""

    step: int
    delay: float = 0.0
    by: signal.Signals = signal.SIGKILL


class Write(NamedTuple):
    """When a process dies of SIGKILL: see `tests.dying`."""

    moment: str


def start(module, path, flags, write=None):
    """Starts a command, named by its module, in a run directory."""
    arguments = (module, f"--output_dir={path}", *flags)
    return (
        Command(*arguments) if write is None else Command("tests.dying", write.moment, *arguments)
    )


def newest_step(path):
    """The step of the newest checkpoint of a run, counted through; 0 if there is none."""
    return max((int(each.stem) for each in (path / "checkpoints").glob("*.npz")), default=0)


def interrupt(module, path, flags, moment):
    """Starts a command that is to be interrupted once; returns its exit code and output."""
    if isinstance(moment, Write):
        process = start(module, path, flags, moment)
        output = process.communicate()
        assert process.returncode == -signal.SIGKILL, output
        return process.returncode, *output
    process = start(module, path, flags)
    begun = newest_step(path)
    while newest_step(path) < max(moment.step, begun + 1):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    time.sleep(moment.delay)
    assert process.poll() is None, f"finished before {moment}"
    process.send_signal(moment.by)
    output = process.communicate()
    return process.returncode, *output


def run_with(module, path, flags, moments):
    """Runs a command to its end through all interruptions; returns their (code, stdout, stderr)."""
    ends = [interrupt(module, path, flags, moment) for moment in moments]
    process = start(module, path, flags)
    output = process.communicate()
    assert process.returncode == 0, output
    return [*ends, (0, *output)]


def arrays(file):
    """All arrays of an archive; where the run was is left out, since it has times."""
    with np.load(file) as content:
        return {name: content[name] for name in content.files if name != "position"}


def events(path):
    """{tag: [(step, value)]} of the curves that TensorBoard's own reader finds in a run."""
    shown = board(path)
    return {tag: shown[tag] for tag in _read(path).PluginTagToContent("scalars")}


def board(path):
    """{tag: [(step, value)]} of all that it finds: curves, pictures, texts, histograms, tables."""
    read = _read(path)
    return {
        tag: [
            (each.step, tf.make_ndarray(each.tensor_proto).tolist()) for each in read.Tensors(tag)
        ]
        for tag in read.Tags()["tensors"]
    }


def _read(path):
    directory = str(path / "tensorboard")
    return EventAccumulator(directory, size_guidance={"tensors": 0}).Reload()


def assert_same_run(path, reference, files):
    """Sees that two runs have ended alike, to the last bit of everything but times."""
    for name in files:
        assert (path / name).read_bytes() == (reference / name).read_bytes(), name
    step = newest_step(reference)
    assert newest_step(path) == step
    mine, theirs = (arrays(each / "checkpoints" / f"{step:09d}.npz") for each in (path, reference))
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    shown, expected = board(path), board(reference)
    assert shown.keys() == expected.keys()
    for tag in shown.keys() - {"speed/images_per_second"}:
        assert shown[tag] == expected[tag], tag
    speeds = [[step for step, _ in each["speed/images_per_second"]] for each in (shown, expected)]
    assert speeds[0] == speeds[1]
    assert not list(path.rglob(".*.tmp"))
