"""What is said when memory is not enough."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from pdarts_tf.cost.memory import Memory
from pdarts_tf.runs import out_of_memory as memory
from pdarts_tf.runs.out_of_memory import OutOfMemoryError, explain_out_of_memory, present_memory

GB = 2**30
MEMORY = Memory(fixed=1 * GB, per_image=GB // 16)


@pytest.mark.parametrize(
    "error", [tf.errors.ResourceExhaustedError(None, None, "OOM"), MemoryError()]
)
def test_the_estimate_and_the_batch_size_to_try_are_named(error):
    with (
        pytest.raises(OutOfMemoryError) as raised,
        explain_out_of_memory(MEMORY, 96, "stage 2"),
    ):
        raise error
    assert str(raised.value).startswith(
        "out of memory in stage 2: a plain run on one device with --batch_size=96 is estimated to "
        "need 7.00 GiB besides data and program, 1.00 GiB of it whatever the batch size; try "
        "--batch_size=48 (4.00 GiB) or --rematerialize in another --output_dir"
    )
    assert raised.value.__cause__ is error


def test_half_an_image_is_no_advice():
    message = str(OutOfMemoryError(MEMORY, 1, "the training"))
    assert "try fewer --layers or --init_channels or --rematerialize in another" in message


@pytest.mark.parametrize("scarce", [True, False])
def test_what_will_not_fit_is_said_before(monkeypatch, scarce):
    free = SimpleNamespace(available=6 * GB if scarce else 7 * GB)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    held = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=GB // 2))
    monkeypatch.setattr("psutil.Process", lambda: held)
    said: list[str] = []
    monkeypatch.setattr(memory.logger(), "warning", said.append)
    with explain_out_of_memory(MEMORY, 96, "stage 2"):
        pass
    line = (
        "warning: a plain run of stage 2 is estimated to need 7.00 GiB of memory, and 6.50 GiB are "
        "free; if it dies, try --batch_size=48 (4.00 GiB) or --rematerialize in another "
        "--output_dir"
    )
    assert said == [line][:scarce]


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), explain_out_of_memory(MEMORY, 8, "stage 1"):
        raise ZeroDivisionError


def test_a_process_with_tensorflow_takes_some_hundred_megabytes():
    before = present_memory()
    assert 100 * 2**20 < before < 100 * GB
    block = bytearray(before + 2**26)
    block[::4096] = bytes(len(block[::4096]))  # touched, so that it is there
    assert present_memory() > before
