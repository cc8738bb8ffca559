"""The state of a run, and how a run finds its own again."""

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pdarts_tf.config import CheckpointConfig, SearchConfig
from pdarts_tf.config.settings import Settings, setting
from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.checkpoint import CheckpointError
from pdarts_tf.runs.run_directory import ALPHAS, METRICS, TIMINGS, RunDirectoryError
from pdarts_tf.runs.state import Checkpoints, RunState
from pdarts_tf.search_space import SearchSpace
from pdarts_tf.training.epoch_progress import EpochProgress

CONFIG = SearchConfig(seed=3)
STEPS = 10
VARIABLES = {"x": np.float32(1.5)}


def make_state():
    """A run after two finished epochs and three steps of the next one."""
    state = RunState(STEPS, spaces=[SearchSpace.full()])
    for epoch in (1, 2):
        state.finish_epoch({METRICS: {"epoch": epoch}, TIMINGS: {"time": 8.0 * epoch}})
    state.progress = EpochProgress(3, {"loss": 0.25}, 6.5)
    return state


def checkpoints(path, config=CONFIG, writes=True):
    directory: Any = SimpleNamespace(path=path, writes=writes)
    return Checkpoints(directory, config, CheckpointConfig())


def test_everything_comes_back(tmp_path):
    checkpoints(tmp_path).save(make_state(), VARIABLES)
    again = checkpoints(tmp_path)
    assert again.load(STEPS) == make_state()
    assert again.take_arrays() == VARIABLES


def test_variables_are_handed_out_once_so_that_they_take_no_memory(tmp_path):
    checkpoints(tmp_path).save(make_state(), VARIABLES)
    again = checkpoints(tmp_path)
    again.load(STEPS)
    again.take_arrays()
    assert again.take_arrays() is None


def test_a_checkpoint_is_called_after_its_step_and_has_the_settings_of_its_run(tmp_path):
    checkpoints(tmp_path).save(make_state(), VARIABLES)
    _, position = checkpoint.load(tmp_path / "checkpoints" / "000000023.npz")
    assert SearchConfig.from_dict(position["config"]) == CONFIG


def test_the_position_is_that_of_earlier_versions():
    """Runs of the versions before are resumed: names and nesting stay as they are."""
    assert json.loads(json.dumps(make_state().to_position())) == {
        "epochs": 2,
        "progress": {"steps": 3, "logs": {"loss": 0.25}, "seconds": 6.5},
        "content": {
            "metrics.jsonl": [{"epoch": 1}, {"epoch": 2}],
            "timings.jsonl": [{"time": 8.0}, {"time": 16.0}],
            "spaces": [SearchSpace.full().to_json()],
        },
    }


def test_a_training_has_no_spaces_in_its_checkpoints():
    assert RunState(STEPS).to_position()["content"] == {}


def test_workers_that_are_not_the_chief_write_nothing(tmp_path):
    checkpoints(tmp_path, writes=False).save(make_state(), VARIABLES)
    assert not list(tmp_path.iterdir())


def test_a_new_run_has_nothing_to_load(tmp_path):
    (tmp_path / "metrics.jsonl").touch()
    found = checkpoints(tmp_path)
    assert (found.load(STEPS), found.take_arrays()) == (RunState(STEPS), None)


def test_measurements_without_a_checkpoint_are_an_error_and_no_new_run(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(CheckpointError, match=r"jsonl has measurements, but there is no c"):
        checkpoints(tmp_path).load(STEPS)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    checkpoints(tmp_path, dataclasses.replace(CONFIG, seed=4)).save(make_state(), VARIABLES)
    with pytest.raises(CheckpointError, match="is of a run with other settings"):
        checkpoints(tmp_path).load(STEPS)


@dataclasses.dataclass(frozen=True)
class Recorded(Settings):
    """Settings that earlier runs have recorded."""

    epochs: int = setting(25, "Number of epochs.")


@dataclasses.dataclass(frozen=True)
class Extended(Recorded):
    """The same after a setting was added."""

    order: str = setting("second", "Order of the step.", before="first")


def test_a_checkpoint_from_before_a_setting_existed_has_its_value_of_then(tmp_path):
    checkpoints(tmp_path, Recorded()).save(make_state(), VARIABLES)
    assert checkpoints(tmp_path, Extended(order="first")).load(STEPS) == make_state()
    with pytest.raises(CheckpointError, match="is of a run with other settings"):
        checkpoints(tmp_path, Extended()).load(STEPS)


def changed(*path, value):
    """A position in which the value at a path of keys is another one."""
    position = json.loads(json.dumps(make_state().to_position()))
    inner = position
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return position


@pytest.mark.parametrize(
    "position",
    [
        changed("epochs", value="2"),
        changed("epochs", value=-1),
        changed("epochs", value=True),
        changed("epochs", value=3),
        changed("progress", value=[]),
        changed("progress", value={}),
        changed("progress", "steps", value="3"),
        changed("progress", "steps", value=STEPS + 1),
        changed("progress", "logs", value={"loss": "low"}),
        changed("progress", "seconds", value=None),
        changed("content", value=[]),
        changed("content", "metrics.jsonl", value={"epoch": 1}),
        changed("content", "metrics.jsonl", value=[1, 2]),
        changed("content", "../../evil", value=[{}, {}]),
        changed("content", "spaces", value="all"),
        changed("content", "spaces", value=[3]),
        changed("content", "spaces", value=["{}"]),
    ],
)
def test_a_position_that_no_run_has_is_passed_over(tmp_path, position):
    good = checkpoints(tmp_path)
    good.save(make_state(), VARIABLES)
    settings = json.loads(CONFIG.to_json())
    path = tmp_path / "checkpoints" / "000000099.npz"
    path.write_bytes(checkpoint.archive(VARIABLES, {"config": settings, **position}))
    assert checkpoints(tmp_path).load(STEPS) == make_state()


@pytest.mark.parametrize("settings", [None, [], 3, {"seed": [[]]}])
def test_settings_that_are_none_are_those_of_another_run(tmp_path, settings):
    (tmp_path / "checkpoints").mkdir()
    position = {"config": settings, **make_state().to_position()}
    path = tmp_path / "checkpoints" / "000000099.npz"
    path.write_bytes(checkpoint.archive(VARIABLES, position))
    with pytest.raises(CheckpointError, match="is of a run with other settings"):
        checkpoints(tmp_path).load(STEPS)


def test_imported_weights_are_not_overwritten_by_a_new_training(tmp_path):
    (tmp_path / "weights_last.npz").touch()
    with pytest.raises(RunDirectoryError, match="holds imported weights, which a training would"):
        checkpoints(tmp_path).load(STEPS)


def test_an_epoch_that_is_finished_leaves_room_for_the_next_one():
    state = make_state()
    state.finish_epoch({METRICS: {"epoch": 3}, TIMINGS: {"time": 24.0}})
    assert (state.epochs, state.step, state.progress) == (3, 30, EpochProgress())
    assert state.epoch(-1) == {METRICS: {"epoch": 3}, TIMINGS: {"time": 24.0}}
    assert (len(state.metrics), state.alphas) == (3, [])


def test_alphas_are_the_records_of_their_file():
    state = RunState(STEPS)
    state.finish_epoch({ALPHAS: {"normal": []}})
    assert state.alphas == [{"normal": []}]
