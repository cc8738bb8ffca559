"""Workers that are not the chief: nothing is written, and all of them stop together."""

import contextlib
import signal
from types import SimpleNamespace

import pytest

from pdarts_tf.config import TrainConfig
from pdarts_tf.errors import StoppedError
from pdarts_tf.runs import job, workers
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import CONFIG
from pdarts_tf.runs.state import CHECKPOINTS
from pdarts_tf.training.devices import Task


@pytest.fixture
def exchange(monkeypatch):
    """Stands for the other workers: notes what this one sends, and adds what they do."""
    made = SimpleNamespace(sent=[], others=[0, 0])

    def add(strategy, numbers):
        made.sent.append(numbers)
        return [mine + theirs for mine, theirs in zip(numbers, made.others, strict=False)]

    monkeypatch.setattr(workers, "_sum_over_workers", add)
    return made


def test_a_worker_that_is_not_the_chief_writes_nothing_and_nobody_watches_it(tmp_path):
    task = SimpleNamespace(steps=2, run=lambda session: SimpleNamespace(files={"a.json": "{}"}))
    with workers.ReadOnlyDirectory(tmp_path) as directory:
        stop = SimpleNamespace(signal=None)
        job.finish(task, lambda *_: pytest.fail(), TrainConfig(), RunOptions(), directory, stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("mine", "others", "agreed"),
    [
        (None, [0, 0], None),
        (None, [1, 0], signal.SIGTERM),
        (signal.SIGINT, [0, 0], signal.SIGINT),
        (signal.SIGINT, [0, 1], signal.SIGINT),
        (signal.SIGINT, [1, 0], signal.SIGTERM),
    ],
)
def test_all_workers_are_asked_to_stop_if_one_is(exchange, mine, others, agreed):
    exchange.others = others
    assert workers.AgreedStop(None, SimpleNamespace(signal=mine)).signal == agreed


@pytest.mark.parametrize(
    ("error", "waits"),
    [(None, 1), (StoppedError(signal.SIGTERM), 1), (ValueError("of this worker alone"), 0)],
)
def test_workers_wait_for_each_other_unless_one_has_failed(exchange, tmp_path, error, waits):
    (tmp_path / CONFIG).write_text("{}")
    chief, stop = Task(num_workers=2), SimpleNamespace(signal=None)
    ending = contextlib.nullcontext() if error is None else pytest.raises(type(error))
    with ending, workers.together(None, chief, tmp_path, stop):
        begun = len(exchange.sent)
        if error is not None:
            raise error
    assert len(exchange.sent) - begun == waits


@pytest.mark.parametrize(
    ("task", "sent"),
    [
        (Task("worker", 0, 3), [40, 0, 0]),
        (Task("worker", 2, 3), [0, 0, 40]),
        (Task("chief", 0, 3, has_chief=True), [40, 0, 0]),
        (Task("worker", 1, 3, has_chief=True), [0, 0, 40]),
    ],
)
def test_the_smallest_number_of_all_workers(exchange, task, sent):
    exchange.others = [0 if number else 36 + i for i, number in enumerate(sent)]
    assert workers.smallest(None, task, 40) == min(n for n in [40, *exchange.others] if n)
    assert exchange.sent == [sent]


def test_directories_are_the_same_if_settings_and_checkpoints_are(tmp_path):
    (tmp_path / CONFIG).write_text("{}")
    (tmp_path / CHECKPOINTS).mkdir()
    (tmp_path / CHECKPOINTS / "000000004.npz").write_bytes(b"12345")
    first = workers._contents(tmp_path)
    assert first == [[f"{CHECKPOINTS}/000000004.npz", 5], [CONFIG, 2]]
    (tmp_path / "run.log").write_text("a line, which only the chief's machine may know so far")
    assert workers._contents(tmp_path) == first


def test_a_link_whose_file_is_gone_does_not_keep_workers_from_meeting(exchange, tmp_path):
    (tmp_path / CONFIG).write_text("{}")
    folder = tmp_path / CHECKPOINTS
    folder.mkdir()
    (folder / "000000001.npz").write_bytes(b"12")
    (folder / "000000002.npz").symlink_to(tmp_path / "gone")
    (folder / "copy.npz").write_bytes(b"of no concern")
    chief, stop = Task(num_workers=2), SimpleNamespace(signal=None)
    with workers.together(None, chief, tmp_path, stop):
        pass
    assert workers._contents(tmp_path) == [
        [f"{CHECKPOINTS}/000000001.npz", 2],
        [f"{CHECKPOINTS}/000000002.npz", None],
        [CONFIG, 2],
    ]
