"""Networks of trained runs, and drawings, for notebooks."""

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.runs.run_directory import RunDirectoryError
from tests.export.conftest import trained
from tests.run_directories import write_search, write_training


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network as a training leaves it."""
    return trained(tmp_path_factory.mktemp("run"))


def test_the_network_of_a_run_has_its_weights(run):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3)).astype(np.float32)
    expected = run.logits(pixels)
    network = pd.load_network(run.run_dir)
    assert isinstance(network, pd.EvaluationNetwork)
    for model, images in (
        (pd.load_network(pd.load_run(run.run_dir), normalize=True), pixels),
        (network, (pixels / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.25, 0.3]),
    ):
        np.testing.assert_allclose(model(images.astype(np.float32)), expected, atol=1e-5)


def test_weights_that_are_not_there_are_an_error(run):
    with pytest.raises(RunDirectoryError, match=r"has no weights_last\.npz"):
        pd.load_network(run.run_dir, "last")
    with pytest.raises(
        ValueError, match=r"`weights` must be one of best, last\. Received: 'worst'"
    ):
        pd.load_network(run.run_dir, "worst")


def test_a_training_is_loaded_with_its_scores(tmp_path):
    result = pd.load_run(write_training(tmp_path / "run"))
    assert isinstance(result, pd.TrainingResult)
    assert result.genotype == pd.GENOTYPES["DARTS_V2"]
    assert result.scores["last"]["test_accuracy"] == result.metrics[-1]["test_accuracy"]
    assert "<img" in result._repr_html_()


def test_an_unfinished_search_is_loaded_as_far_as_it_is(tmp_path):
    result = pd.load_run(write_search(tmp_path / "run", epochs=3))
    assert isinstance(result, pd.SearchResult)
    assert (result.finished, len(result.alphas), result.genotypes) == (False, 3, {})
    assert "not finished" in result._repr_html_()
    with pytest.raises(RunDirectoryError, match="the search is not finished; start it again"):
        _ = result.genotype


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunDirectoryError, match="expected a run directory"):
        pd.load_run(tmp_path)


@pytest.mark.parametrize("suffix", ["svg", "PNG"])
def test_a_plot_is_saved(suffix, tmp_path):
    path = tmp_path / f"cell.{suffix}"
    pd.plot("PDARTS").save(path)
    assert path.read_bytes()[:5] in (b"<?xml", b"\x89PNG\r")


def test_a_plot_is_not_saved_as_anything_else(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.svg or \.png\. Received: .*cell\.jpg"):
        pd.plot(pd.GENOTYPES["DARTS_V1"]).save(tmp_path / "cell.jpg")


def test_notebooks_show_a_plot():
    assert pd.plot("DARTS")._repr_html_().startswith("<img alt=")
