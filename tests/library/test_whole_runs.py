"""Functions that search and train: the same as the commands, on arrays too."""

import dataclasses

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.config import ConfigError
from pdarts_tf.data import sources
from pdarts_tf.data.decoding import in_memory
from pdarts_tf.data.images import DataError
from tests import cheap_search
from tests.one_layer import one_layer_supernets
from tests.run_directories import write_search
from tests.runs.test_callbacks import Recorder


@pytest.fixture(scope="module", autouse=True)
def _tensorflow_stays_as_it_is():
    """Other tests of this process have set it up for themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pdarts_tf.training.runtime.configure", lambda *arguments: None)
        yield


SETTINGS = dataclasses.asdict(cheap_search.CONFIG)


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The run directory of the command's search on digits."""
    path = tmp_path_factory.mktemp("command")
    cheap_search.search(path)
    return path


@pytest.fixture(scope="module")
def digits():
    """Images and labels for training and testing."""
    data = sources.load("digits")
    splits = [in_memory(split) for split in (data.train, data.test)]
    return [(split.images, split.labels) for split in splits]


@pytest.fixture(scope="module")
def found(digits, tmp_path_factory):
    """The result of a search on arrays, and the callback that has seen it."""
    recorder = Recorder()
    with one_layer_supernets():
        path = tmp_path_factory.mktemp("function")
        result = pd.run_search(*digits, output_dir=path, callbacks=[recorder], **SETTINGS)
    return result, recorder


@pytest.mark.parametrize("name", cheap_search.FILES)
def test_a_search_on_arrays_equals_the_command_byte_for_byte(name, command, found):
    assert (found[0].path / name).read_bytes() == (command / name).read_bytes()


def test_the_result_has_genotypes_and_alphas_of_every_epoch(found):
    result, _ = found
    assert result.finished
    assert result.genotype == pd.load_genotype(str(result.path / "genotype.json"))
    assert result.genotypes["unrestricted"].num_skip_connects >= result.genotype.num_skip_connects
    assert [alphas.space.num_candidates for alphas in result.alphas] == [8, 8, 5, 5]
    assert [record["epoch"] for record in result.metrics] == [1, 2, 1, 2]
    assert result.config.layers == (3, 3)


def test_callbacks_see_the_epochs_of_all_stages(found):
    calls = found[1].calls
    assert calls[0].startswith("begin") and calls[-1] == "end"
    ends = [call for call in calls if call.startswith("epoch") and "entropy_normal" in call]
    assert [call.split()[1] for call in ends] == ["0", "1", "2", "3"]
    assert "'valid_accuracy'" in ends[-1] or "'accuracy'" in ends[-1]


def test_the_same_call_returns_the_finished_search(digits, found):
    again = pd.run_search(*digits, output_dir=found[0].path, **SETTINGS)
    assert again.genotype == found[0].genotype


def test_another_search_is_not_overwritten(digits, found):
    with pytest.raises(ValueError, match="holds another run: its --epochs is 2, not 3"):
        pd.run_search(*digits, output_dir=found[0].path, **SETTINGS | {"epochs": 3})


@pytest.mark.slow
def test_a_data_set_of_tensorflow_gives_the_same(digits, found, tmp_path):
    import tensorflow as tf

    train, test = (tf.data.Dataset.from_tensor_slices(each).batch(100) for each in digits)
    with one_layer_supernets():
        result = pd.run_search(train, test, output_dir=tmp_path / "run", **SETTINGS)
    assert result.genotype == found[0].genotype
    np.testing.assert_array_equal(result.alphas[-1].normal, found[0].alphas[-1].normal)


def test_notebooks_show_the_result_with_its_cells(found):
    page = found[0]._repr_html_()
    assert page.count("<img") == 1
    assert "data:image/svg+xml;base64," in page


def test_the_report_is_written_where_it_says(found):
    path = found[0].report()
    assert path.parent == found[0].path
    assert "<html" in path.read_text()


@pytest.mark.parametrize(
    ("settings", "error", "expected"),
    [
        ({"epoch": 2}, TypeError, "Received: 'epoch'; did you mean 'epochs'"),
        ({"epochs": 0}, ConfigError, "epochs must be at least 1"),
        ({"dataset": "cifar10"}, DataError, "dataset must be 'digits', as the first argument says"),
        ({"class_names": ["a"] * 10}, DataError, "'digits' has test images and names of its own"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings, error, expected, tmp_path):
    with pytest.raises(error, match=expected):
        pd.run_search("digits", output_dir=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_training_within_a_budget_has_the_network_that_the_command_chooses(tmp_path):
    search = pd.load_run(write_search(tmp_path / "search"))
    settings = {"max_macs": 150_000, "epochs": 1, "max_steps_per_epoch": 1}
    result = pd.run_training(search, "digits", output_dir=tmp_path / "run", **settings)
    assert result.genotype == search.genotypes["M=0"]
    assert (result.config.layers, result.config.init_channels) == (5, 4)
    again = pd.run_training(search, "digits", output_dir=tmp_path / "run", **settings)
    assert again.config == result.config


def test_what_is_given_to_a_training_leaves_its_budget_no_choice(tmp_path):
    search = pd.load_run(write_search(tmp_path / "search"))
    given = {"layers": 5, "init_channels": 36, "max_macs": 150_000}
    with pytest.raises(ConfigError, match="macs, more than --max_macs=150,000"):
        pd.run_training(search.genotype, "digits", output_dir=tmp_path / "run", **given)
    with pytest.raises(
        ConfigError, match=r"no network fits --max_macs=150000; .* M=4, 5 cells, 36"
    ):
        pd.run_training(search.path, "digits", output_dir=tmp_path / "run", **given)
