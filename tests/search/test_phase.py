"""What the phases of both kinds of search have in common."""

from typing import Any
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.config import SearchConfig
from pdarts_tf.data.images import ImageData, Split
from pdarts_tf.runs.state import RunState
from pdarts_tf.search import stage as stage_module
from pdarts_tf.search.random_search import SampleTraining, random_alphas
from pdarts_tf.search.split import split_images
from pdarts_tf.search.stage import StageSearch
from pdarts_tf.search_space import SearchSpace
from tests.image_files import pixels
from tests.one_layer import one_layer
from tests.run_directories import ONE_STAGE

SETTINGS: dict[str, Any] = {"batch_size": 4, "init_channels": 2, "stem": "cifar"}
LABELS = np.repeat([0, 1, 2], [4, 8, 12])
IMAGES = Split(pixels(24, (8, 8, 1), 0), LABELS)
DATA = ImageData("noise", ("a", "b", "c"), IMAGES, IMAGES, (0.5,), (0.3,))


def phase(kind, **settings):
    """The first phase of a search."""
    settings |= ONE_STAGE if kind is SampleTraining else {}
    config = SearchConfig(**SETTINGS, **settings)
    starts_with = SearchSpace.full() if kind is StageSearch else random_alphas(0, 0)
    with mock.patch.object(stage_module, "make_supernet", one_layer):
        return kind(
            config,
            config.stages[0],
            starts_with,
            split_images(config, DATA),
            tf.distribute.get_strategy(),
        )


@pytest.mark.parametrize("kind", [StageSearch, SampleTraining])
def test_class_weights_are_those_of_all_training_images(kind):
    weighted = phase(kind, class_weights="balanced")
    assert weighted.model.class_weights == pytest.approx((2, 1, 2 / 3))


@pytest.mark.parametrize("kind", [StageSearch, SampleTraining])
def test_by_default_all_images_weigh_alike_and_no_phase_ends_early(kind):
    plain = phase(kind)
    assert plain.model.class_weights is None
    assert not plain.ends_early(RunState(6))
