"""What is said when memory is not enough."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from pdarts_tf.cost.memory import Memory
from pdarts_tf.runs import out_of_memory as memory
from pdarts_tf.runs.out_of_memory import OutOfMemoryError, explain_out_of_memory, present_memory
from pdarts_tf.runs.room import Room
from pdarts_tf.training.devices_in_use import DevicesInUse

GB = 2**30
MEMORY = Memory(fixed=1 * GB, per_image=GB // 16, on_gpu=GB // 4)
ONE = tf.distribute.get_strategy()


@pytest.mark.parametrize(
    "error", [tf.errors.ResourceExhaustedError(None, None, "OOM"), MemoryError()]
)
def test_the_estimate_and_the_batch_size_to_try_are_named(error):
    with (
        pytest.raises(OutOfMemoryError) as raised,
        explain_out_of_memory(MEMORY, 96, "stage 2", ONE),
    ):
        raise error
    assert str(raised.value).startswith(
        "out of memory in stage 2: a plain run on one device with --batch_size=96 is estimated to "
        "need 7.00 GiB besides data and program, 1.00 GiB of it whatever the batch size; try "
        "--batch_size=48 (4.00 GiB) or --rematerialize in another --output_dir"
    )
    assert raised.value.__cause__ is error


def test_half_an_image_is_no_advice():
    message = str(OutOfMemoryError(MEMORY, 1, "the training", Room(DevicesInUse(), None)))
    assert "try fewer --layers or --init_channels or --rematerialize in another" in message


@pytest.mark.parametrize("scarce", [True, False])
def test_what_will_not_fit_is_said_before(monkeypatch, scarce):
    free = 6 * GB if scarce else 7 * GB
    monkeypatch.setattr(memory, "measured_room", lambda used: Room(used, free))
    held = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=GB // 2))
    monkeypatch.setattr("psutil.Process", lambda: held)
    said: list[str] = []
    monkeypatch.setattr(memory.logger(), "warning", said.append)
    with explain_out_of_memory(MEMORY, 96, "stage 2", ONE):
        pass
    line = (
        "warning: a plain run of stage 2 is estimated to need 7.00 GiB of memory, and 6.50 GiB are "
        "free; if it dies, try --batch_size=48 (4.00 GiB) or --rematerialize in another "
        "--output_dir"
    )
    assert said == [line][:scarce]


@pytest.mark.parametrize("free", [4 * GB, None])
def test_what_will_not_fit_on_the_gpus_is_said_before(monkeypatch, free):
    used = DevicesInUse("GPU", here=2, total=2)
    monkeypatch.setattr(memory, "devices_in_use", lambda strategy: used)
    monkeypatch.setattr(memory, "measured_room", lambda used: Room(used, free))
    said: list[str] = []
    monkeypatch.setattr(memory.logger(), "warning", said.append)
    with (
        pytest.raises(OutOfMemoryError) as raised,
        explain_out_of_memory(MEMORY, 130, "stage 2", ONE),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")
    line = (
        "warning: a plain run of stage 2 is estimated to need 4.31 GiB of memory of each of 2 "
        "GPUs, and 4.00 GiB are free; if it dies, try --batch_size=64 (2.25 GiB) or "
        "--rematerialize in another --output_dir"
    )
    assert said == [line][: free is not None]
    assert str(raised.value).startswith(
        "out of memory in stage 2: a plain run with --batch_size=130 is estimated to need 4.31 "
        "GiB of each of 2 GPUs, 0.25 GiB of it whatever the batch size; try --batch_size=64"
    )


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), explain_out_of_memory(MEMORY, 8, "stage 1", ONE):
        raise ZeroDivisionError


@pytest.mark.slow
def test_a_process_with_tensorflow_takes_some_hundred_megabytes():
    before = present_memory()
    assert 100 * 2**20 < before < 100 * GB
    block = bytearray(before + 2**26)
    block[::4096] = bytes(len(block[::4096]))  # touched, so that it is there
    assert present_memory() > before
