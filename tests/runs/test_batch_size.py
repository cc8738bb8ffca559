"""--batch_size=auto: as many images as fit, on one device and on several."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.cost.memory import Memory
from pdarts_tf.cost.plan import Part, Plan, search_plan, train_plan
from pdarts_tf.runs import room as rooms
from pdarts_tf.runs.batch_size import (
    SHARE,
    BatchSizeError,
    ChosenBatch,
    chosen_batch,
    largest_batch,
)
from pdarts_tf.runs.room import LEFT_TO_DRIVER, Room, measured_room
from pdarts_tf.training.devices_in_use import DevicesInUse

MIB = 2**20
GIB = 2**30
CIFAR10: Any = SimpleNamespace(
    name="cifar10",
    image_shape=(32, 32, 3),
    num_classes=10,
    train=SimpleNamespace(num_images=50_000),
    test=SimpleNamespace(num_images=10_000),
    tested_on="the test split",
)
ONE_CPU = DevicesInUse("CPU", 1, 1)
TWO_GPUS = DevicesInUse("GPU", 2, 2)


def plan(*memories, num_images=10_000):
    parts = [Part({"stage": 1}, 1000, memory, memory) for memory in memories]
    return Plan("Searching", parts, 3, 10, batch_size=1, note="", num_images=num_images)


def memory(fixed=100, per_image=10, on_gpu=20):
    return Memory(fixed * MIB, per_image * MIB, on_gpu * MIB)


def room(used, mib):
    """Room of which the share that is filled has so many MiB."""
    return Room(used, round(mib * MIB / SHARE))


@pytest.mark.parametrize(
    ("used", "size"),
    [
        (ONE_CPU, 90),
        (DevicesInUse("CPU", 2, 2), 90),  # logical devices share the memory of one machine
        (DevicesInUse("CPU", 1, 2), 180),  # and machines have one each
        (DevicesInUse("GPU", 1, 1), 98),  # a GPU holds no graphs
        (TWO_GPUS, 196),
        (DevicesInUse("GPU", 2, 4), 392),
    ],
)
def test_every_memory_takes_its_share_of_a_batch(used, size):
    assert largest_batch(plan(memory()), room(used, 1000.001), used.total).size == size


def test_the_part_that_needs_most_has_to_fit():
    heavy = memory(per_image=30)
    assert largest_batch(plan(memory(), heavy, memory()), room(ONE_CPU, 1000.001), 1).size == 30


def test_what_is_only_possible_has_to_fit_too():
    parts = [Part({"stage": 1}, 1000, memory(), memory(per_image=30))]
    possible = Plan("Searching", parts, 3, 10, batch_size=1, note="", num_images=10_000)
    assert largest_batch(possible, room(ONE_CPU, 1000.001), 1).size == 30


@pytest.mark.parametrize(("multiple", "size"), [(1, 50), (4, 48), (50, 50)])
def test_no_batch_has_more_images_than_there_are(multiple, size):
    chosen = largest_batch(plan(memory(), num_images=50), room(ONE_CPU, 1000.001), multiple)
    assert chosen.size == size
    assert "of 50 images, though 90 would fit into 80% of the" in chosen.reason


@given(st.integers(0, 2**41), st.integers(1, 64))
def test_a_batch_fits_and_the_next_multiple_does_not(free, multiple):
    needs, one = memory(), Room(ONE_CPU, free)
    limit = SHARE * free
    try:
        size = largest_batch(plan(needs, num_images=2**60), one, multiple).size
    except BatchSizeError:
        size = 0
    assert size % multiple == 0
    assert size == 0 or one.needed(needs, size) <= limit
    assert one.needed(needs, size + multiple) > limit - 1


@pytest.mark.parametrize(
    ("found", "multiple", "message"),
    [
        (Room(TWO_GPUS, None), 2, "how much memory of each of 2 GPUs is free, and nvidia-smi does"),
        (
            room(ONE_CPU, 105),
            1,
            "estimated not to fit into 80% of the 0.13 GiB that a run may take on",
        ),
        (room(ONE_CPU, 1000), 64, "must be a multiple of 64, but there are too few images; use"),
    ],
)
def test_a_batch_that_cannot_be_chosen_ends_with_one_line(found, multiple, message):
    with pytest.raises(BatchSizeError, match=message) as raised:
        largest_batch(plan(memory(), num_images=50), found, multiple)
    assert "\n" not in str(raised.value)


def test_a_run_keeps_the_batch_size_that_it_has():
    chosen = chosen_batch(SearchConfig(), lambda config: pytest.fail(), Room(ONE_CPU, None), 24)
    assert chosen.line(0.025) == (
        "--batch_size=auto is 24, as this run began with; --learning_rate=0.025 is left as it is"
    )


def test_workers_take_what_the_one_with_the_least_memory_can():
    own = ChosenBatch(96, "as this run began with")
    assert own.limited(96) == own
    assert own.limited(80).line(0.1).startswith("--batch_size=auto is 80, the most that the worker")


def test_devices_and_parts_divide_a_batch():
    config = TrainConfig(gradient_accumulation=3)
    asked: list[int] = []

    def make_plan(config):
        asked.append(config.batch_size)
        return plan(memory())

    assert chosen_batch(config, make_plan, room(TWO_GPUS, 1000.001), None).size == 192
    assert asked == [1]  # which no data are too few for


def gpus(monkeypatch, count, gib):
    monkeypatch.setattr(rooms, "free_gpu_memory", lambda used: gib * GIB)
    return measured_room(DevicesInUse("GPU", count, count))


@pytest.mark.parametrize(("count", "gib", "expected"), [(1, 8, 44), (1, 16, 101), (2, 16, 202)])
def test_the_papers_search_on_faked_gpus(monkeypatch, count, gib, expected):
    """On a P100 of 16 GiB, as the paper's, its batch of 96 fits."""
    found = gpus(monkeypatch, count, gib)
    assert found.free == gib * GIB - LEFT_TO_DRIVER
    planned = search_plan(SearchConfig(), CIFAR10, (25_000, 25_000), 260)
    size = largest_batch(planned, found, count).size
    needs = [found.needed(part.most, size) for part in planned.parts]
    assert (
        max(needs)
        <= SHARE * found.free
        < max(found.needed(part.most, size + count) for part in planned.parts)
    )
    assert size == expected


def test_a_plan_is_compared_with_the_memory_of_a_gpu(monkeypatch):
    planned = train_plan(TrainConfig(dataset="cifar10"), CIFAR10, (50_000, 0), 390)
    (line,) = gpus(monkeypatch, 1, 16).compared(planned)
    assert line.startswith("A plain run is estimated to need at most ")
    assert line.endswith("GiB of the GPU, and may take 14.24 GiB.")
    assert Room(ONE_CPU, GIB).compared(planned) == []
    assert Room(DevicesInUse("GPU"), None).compared(planned)[0].endswith("take an unknown part.")
