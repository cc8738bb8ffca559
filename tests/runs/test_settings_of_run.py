"""Settings of a run: those that nobody has given follow from the data, once and for good."""

import dataclasses

import numpy as np
import pytest

from pdarts_tf.config import TrainConfig
from pdarts_tf.config.data_rules import CHOSEN
from pdarts_tf.data.array_source import image_data
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import RunDirectoryError
from pdarts_tf.runs.settings_of_run import settings_of_run

IMAGES = np.zeros((40, 8, 8, 1), np.uint8)
LABELS = np.arange(40) % 4
CONFIG = TrainConfig(dataset="arrays", epochs=3)
NAMES = frozenset({"dataset", "epochs"})
GIVEN = RunOptions(given=NAMES)


def load(config, options, stored):
    """The images as they are."""
    return image_data((IMAGES, LABELS), name="arrays", stored=stored)


def test_what_was_not_given_follows_from_the_data():
    config, lines = settings_of_run(CONFIG, None, GIVEN, load, 1)
    assert (config.batch_size, config.layers, config.crop_padding) == (8, 8, 1)
    assert "36 training images of 8x8 pixels in 4 classes" in lines[0]


def test_what_was_given_stays():
    given = dataclasses.replace(GIVEN, given=NAMES | {"batch_size"})
    config, _ = settings_of_run(CONFIG, None, given, load, 1)
    assert (config.epochs, config.batch_size) == (3, CONFIG.batch_size)


def test_where_all_was_given_the_data_is_not_looked_at():
    options = RunOptions(given=CHOSEN)
    assert settings_of_run(CONFIG, None, options, None, 1) == (CONFIG, [])  # type: ignore[arg-type]


def test_a_recipe_leaves_nothing_to_the_data():
    assert settings_of_run(CONFIG, None, RunOptions(), load, 1) == (CONFIG, [])


def test_a_run_goes_on_with_its_own_settings():
    own = dataclasses.replace(CONFIG, batch_size=5)
    assert settings_of_run(CONFIG, own, GIVEN, load, 1) == (own, [])


@pytest.fixture
def used(tmp_path):
    """Directory of a run whose data has chosen a batch of 5."""
    config = dataclasses.replace(CONFIG, batch_size=5)
    with run_directory.RunDirectory(tmp_path, config, {}, GIVEN.to_record):
        pass
    return tmp_path


def test_the_settings_of_the_run_are_found(used):
    stored = run_directory.check(used, CONFIG, GIVEN.unset(CONFIG))
    assert stored is not None
    assert stored.batch_size == 5


def test_other_settings_than_those_given_are_refused(used):
    given = dataclasses.replace(GIVEN, given=NAMES | {"batch_size"})
    with pytest.raises(RunDirectoryError, match="its --batch_size is 5, not 128"):
        run_directory.check(used, CONFIG, given.unset(CONFIG))


def test_settings_that_no_data_chooses_are_never_left_open(used):
    other = dataclasses.replace(CONFIG, momentum=0.5)
    with pytest.raises(RunDirectoryError, match=r"its --momentum is 0\.9, not 0\.5"):
        run_directory.check(used, other, GIVEN.unset(other))
