"""Devices of a run in words, and the memory of its GPUs."""

import os

import pytest
import tensorflow as tf

from pdarts_tf.training import devices_in_use as in_use
from pdarts_tf.training import gpus, runtime
from pdarts_tf.training.devices import Devices, DevicesError, Task
from pdarts_tf.training.devices_in_use import DevicesInUse, described, planned_devices
from pdarts_tf.training.gpus import GpuCard

GIB = 2**30
P100 = "Tesla P100-PCIE-16GB"


@pytest.fixture
def two_gpus(monkeypatch):
    """TensorFlow lists two GPUs with 16 GiB each, of which the second has less free."""
    listed = ["GPU 0", "GPU 1"]
    details = {"device_name": P100, "compute_capability": (6, 0)}
    cards = tuple(GpuCard(i, f"GPU-{i}", P100, 16 * GIB, (15 - i) * GIB) for i in range(2))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: listed)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    monkeypatch.setattr(gpus, "cards", lambda: cards)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return listed


def test_the_cpu_is_named_with_its_cores(monkeypatch):
    monkeypatch.setattr(gpus, "why_none", lambda: None)
    cores = len(os.sched_getaffinity(0))
    plural = "" if cores == 1 else "s"
    assert described(DevicesInUse()) == f"Devices: CPU, {cores} core{plural}"


def test_why_gpus_are_not_used_is_said_behind_the_cpu(monkeypatch):
    monkeypatch.setattr(gpus, "why_none", lambda: "the driver is too old")
    assert described(DevicesInUse()).endswith(" (the driver is too old)")


def test_gpus_are_named_with_capability_and_memory(two_gpus):
    line = described(DevicesInUse("GPU", here=2, total=4))
    assert line == (
        f"Devices: {P100} (compute capability 6.0, 15.0 of 16.0 GiB free); "
        f"{P100} (compute capability 6.0, 14.0 of 16.0 GiB free); and those of 1 other worker"
    )


def test_a_gpu_whose_memory_is_unknown_is_named_too(two_gpus, monkeypatch):
    monkeypatch.setattr(gpus, "cards", tuple)
    line = described(DevicesInUse("GPU"))
    assert line == f"Devices: {P100} (compute capability 6.0, memory unknown)"
    assert in_use.free_gpu_memory(DevicesInUse("GPU")) is None


@pytest.mark.parametrize(("here", "free"), [(1, 15), (2, 14)])
def test_of_several_gpus_the_one_with_the_least_memory_counts(two_gpus, here, free):
    assert in_use.free_gpu_memory(DevicesInUse("GPU", here, here)) == free * GIB


@pytest.mark.parametrize(
    ("devices", "used"),
    [
        (Devices("auto"), DevicesInUse("GPU", 2, 2)),
        (Devices("one"), DevicesInUse("GPU", 1, 1)),
        (Devices("auto", 4), DevicesInUse("CPU", 4, 4)),
        (Devices("auto", 1, Task(num_workers=3)), DevicesInUse("GPU", 2, 6)),
    ],
)
def test_devices_are_known_before_there_is_a_strategy(two_gpus, devices, used):
    assert planned_devices(devices) == used


def test_without_gpus_the_cpu_is_planned(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    assert planned_devices(Devices()) == DevicesInUse("CPU", 1, 1)


def test_the_default_strategy_uses_one_device():
    assert in_use.devices_in_use(tf.distribute.get_strategy()) == DevicesInUse("CPU", 1, 1)


@pytest.mark.parametrize(("setting", "growing"), [("grow", 2), ("all", 0)])
def test_memory_of_gpus_grows_unless_all_is_asked_for(two_gpus, monkeypatch, setting, growing):
    asked: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda *each: asked.append(each)
    )
    runtime._set_gpu_memory(tf, setting)
    assert asked == [(name, True) for name in two_gpus][:growing]


def test_a_gpu_that_fails_ends_with_one_line(two_gpus, monkeypatch, capfd):
    def fail(kind):
        os.write(2, b"a page of messages\n")
        raise tf.errors.InternalError(None, None, "cudaGetDevice() failed")

    monkeypatch.setattr(tf.config, "list_logical_devices", fail)
    monkeypatch.setattr(gpus, "_driver_version", lambda: "470.57.02")
    with pytest.raises(DevicesError, match=r"cannot use the GPUs: .* 470.57.02 is too old"):
        Devices().make_strategy()
    assert capfd.readouterr().err == ""


def test_mirrored_without_gpus_says_why_there_are_none(monkeypatch):
    monkeypatch.setattr(gpus, "why_none", lambda: "the driver is too old")
    with pytest.raises(DevicesError, match=r"Received: 0 \(the driver is too old\); use --dist"):
        Devices("mirrored").make_strategy()
