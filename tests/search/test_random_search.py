"""Random search: how cells are drawn, which one wins, and that it resumes."""

import functools
import itertools
import signal
from collections import Counter
from unittest import mock

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from flags.command_line import recipe_settings
from pdarts_tf.config import SearchConfig
from pdarts_tf.config.settings import ConfigError
from pdarts_tf.data.images import ImageData, Split
from pdarts_tf.errors import StoppedError
from pdarts_tf.layers.operations import Operation
from pdarts_tf.report.watchers import search_watchers
from pdarts_tf.runs import job
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import RunDirectory
from pdarts_tf.search.choosing import best_sample
from pdarts_tf.search.random_search import RandomSearch, SampleTraining, random_alphas
from pdarts_tf.training.loop import TrainingLoop
from pdarts_tf.training.optimizers import weight_optimizer
from pdarts_tf.training.supervised import SupervisedNetwork
from tests.cheap_search import EVERY_STEP
from tests.interruptions import assert_same_run
from tests.one_layer import untraced
from tests.run_directories import ONE_STAGE

CONFIG = SearchConfig(
    **ONE_STAGE,
    samples=3,
    init_channels=4,
    epochs=2,
    warmup_epochs=0,
    validation_epochs=1,
    batch_size=16,
    learning_rate=0.1,
    crop_padding=0,
    flip=False,
    seed=1,
)


@pytest.fixture(scope="module")
def drawn():
    """Many cells, unrestricted."""
    return [random_alphas(0, sample).derive() for sample in range(3000)]


@pytest.mark.parametrize("cell", ["normal", "reduce"])
def test_every_operation_but_none_is_equally_likely(drawn, cell):
    counts = Counter(name for genotype in drawn for name, _ in getattr(genotype, cell))
    assert len(counts) == 7
    assert "none" not in counts
    assert scipy.stats.chisquare(list(counts.values())).pvalue > 0.01


@pytest.mark.parametrize("node", [0, 1, 2, 3])
def test_every_pair_of_edges_into_a_node_is_equally_likely(drawn, node):
    counts = Counter(
        tuple(source for _, source in genotype.normal[2 * node :][:2]) for genotype in drawn
    )
    assert set(counts) == set(itertools.combinations(range(node + 2), 2))
    assert len(counts) == 1 or scipy.stats.chisquare(list(counts.values())).pvalue > 0.01


def test_operations_of_the_two_edges_of_a_node_are_independent(drawn):
    table = np.zeros((7, 7))
    names = sorted({name for genotype in drawn for name, _ in genotype.normal})
    for genotype in drawn:
        first, second = (name for name, _ in genotype.normal[:2])
        table[names.index(first), names.index(second)] += 1
    assert scipy.stats.chi2_contingency(table).pvalue > 0.01


def test_limit_on_skip_connects_is_that_of_the_derivation():
    counts = {random_alphas(0, sample).derive(1).num_skip_connects for sample in range(50)}
    assert counts == {0, 1}


def test_a_sample_is_a_function_of_seed_and_number():
    assert random_alphas(3, 1).to_record() == random_alphas(3, 1).to_record()
    assert random_alphas(3, 1).to_record() != random_alphas(3, 2).to_record()
    assert random_alphas(3, 1).to_record() != random_alphas(4, 1).to_record()


def test_of_equally_accurate_samples_the_one_with_the_lower_loss_is_the_best():
    records = [{"valid_accuracy": 0.5, "valid_loss": loss} for loss in (1.0, 0.9, 0.9)]
    assert best_sample(records) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"strategy": "evolution"}, "--strategy must be gradient or random"),
        ({"strategy": "random"}, r"--layers must be one value.*Received: 5,11,17"),
        ({**ONE_STAGE, "samples": 0}, "--samples must be at least 1"),
        ({**ONE_STAGE, "validation_epochs": 0}, "--validation_epochs must be at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        SearchConfig(**values)


def test_there_is_a_stage_for_every_sample():
    assert [stage.index for stage in CONFIG.stages] == list(range(3))


class NoCell(keras.layers.Layer):
    """Stands for the cells of a network."""

    output_channels = 4


class OneOperation(SupervisedNetwork):
    """The first operation of the normal cell on the images, their mean, and a classifier."""

    def __init__(self, genotype, seed):
        super().__init__(genotype, 4, 3, num_classes=2, seed=seed, name="network")
        self.operation = Operation(genotype.normal[0][0], seed=seed)
        self.classifier = keras.layers.Dense(
            2, kernel_initializer=keras.initializers.GlorotUniform(seed)
        )

    def _make_cells(self, layouts, seeds):
        return [NoCell()]

    def build(self, input_shape):
        self.operation.build((None, 8, 8, 4))
        self.classifier.build((None, 4))

    def call(self, images, training=False, first_image=None):
        x = self.operation(tf.tile(images, (1, 1, 1, 4)), training=training)
        return self.classifier(tf.reduce_mean(x, (1, 2)))


def one_operation(training):
    """Stands for `SampleTraining._built_model`."""
    config = training.config
    genotype = training.alphas.derive(config.max_skip_connects)
    model = OneOperation(genotype, config.seed)
    model.build((None, 8, 8, 1))
    model.compile(weight_optimizer(config.learning_rate))
    model.optimizer.build(model.trainable_variables)
    return model


def stripes(count):
    """Images of stripes of one pixel, vertical or horizontal, in either phase.

    Their means and the maxima of their windows are equal, so that pools and skip-connects cannot
    tell them apart, and a convolution only after the rectified output of another.
    """
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    ramp = (np.arange(8)[None] + rng.integers(0, 2, (count, 1))) % 2 * 255
    images = np.where(labels[:, None, None] == 1, ramp[:, :, None], ramp[:, None, :]) * np.ones(
        (1, 8, 8), int
    )
    return Split(images[..., None].astype(np.uint8), labels)


@pytest.fixture
def toy():
    """The stripes as a data set."""
    return ImageData(
        name="stripes",
        train=stripes(320),
        test=stripes(16),
        class_names=("vertical", "horizontal"),
        mean=(0.5,),
        std=(0.5,),
    )


@pytest.fixture(autouse=True)
def cheap():
    """Networks of one operation, whose few steps are not traced."""
    with (
        mock.patch.object(SampleTraining, "_built_model", one_operation),
        mock.patch.object(TrainingLoop, "_traced", untraced),
    ):
        yield


class StopAt:
    """Asks to stop after so many questions; never after 0."""

    def __init__(self, count):
        self.left = count

    @property
    def signal(self):
        self.left -= 1
        return None if self.left else signal.SIGTERM


def run(path, data, stop):
    """Searches in a run directory as the command does."""
    with RunDirectory(path, CONFIG, data.description()) as directory:
        watchers = functools.partial(search_watchers, recipes=recipe_settings)
        search = RandomSearch(CONFIG, data)
        return job.finish(
            search, watchers, CONFIG, RunOptions(checkpoints=EVERY_STEP), directory, stop
        )


@pytest.mark.slow  # 20 s
def test_it_finds_the_operation_that_the_images_need_and_resumes(toy, tmp_path):
    result = run(tmp_path / "whole", toy, StopAt(0))
    firsts = [alphas.derive().normal[0][0] for alphas in result.stages]
    assert any(not name.startswith("sep_conv") for name in firsts)
    assert result.genotype.normal[0][0].startswith("sep_conv")
    with pytest.raises(StoppedError):
        run(tmp_path / "stopped", toy, StopAt(30))
    run(tmp_path / "stopped", toy, StopAt(0))
    files = ("genotype.json", "genotypes.json", "alphas.jsonl", "metrics.jsonl")
    assert_same_run(tmp_path / "stopped", tmp_path / "whole", files)


def test_cells_may_be_drawn_from_other_primitives():
    names = ("sep_conv_7x7", "conv_7x1_1x7")
    drawn = [random_alphas(0, sample, names).derive() for sample in range(20)]
    operations = {operation for genotype in drawn for operation, _ in genotype.normal}
    assert operations == set(names)
