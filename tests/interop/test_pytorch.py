"""Checkpoints of the official code, as run directories."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.config import TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.errors import InputError
from pdarts_tf.interop.imports import import_network, import_search
from pdarts_tf.interop.state_dict import network_settings, read_state_dict
from pdarts_tf.interop.torch_names import network_slots
from pdarts_tf.runs import job, run_directory
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import read_settings
from pdarts_tf.train.evaluation import Training

PDARTS = pd.GENOTYPES["PDARTS"]


@pytest.fixture(scope="module")
def arrays():
    """A state dict of a small network for digits, in the official names and layout."""
    model = pd.EvaluationNetwork(PDARTS, init_channels=4, num_layers=3)
    model.build((None, 8, 8, 1))
    rng = np.random.default_rng(0)
    shapes = {name: slot.torch_shape for name, slot in network_slots(model).items()}
    return {name: rng.random(shape, np.float32) for name, shape in shapes.items()}


def settings(arrays):
    """Settings of a training of that network."""
    return TrainConfig(dataset="digits", genotype=str(PDARTS), **network_settings(arrays))


@pytest.fixture(scope="module")
def run(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("imported") / "run"
    import_network(arrays, settings(arrays), None, path)
    return path


def test_depth_and_width_are_read_off_the_file(run):
    config = read_settings(run, TrainConfig)
    assert (config.layers, config.init_channels, config.auxiliary) == (3, 4, False)


def test_the_weights_arrive(run, arrays):
    with np.load(run / "weights_last.npz") as stored:
        kernel = stored["model/network/classifier/kernel"]
    np.testing.assert_array_equal(kernel, arrays["classifier.weight"].T)


def test_nothing_was_chosen_by_validation(run):
    config = read_settings(run, TrainConfig)
    assert config.validation_portion == 0
    assert run_directory.stored_weights(run, config) == run / "weights_last.npz"
    assert not (run / "weights_best.npz").exists()


def test_the_data_of_the_network_is_described(run):
    data = json.loads((run / "config.json").read_text())["data"]
    assert data["class_names"] == list("0123456789")


def test_an_unfitting_file_names_its_first_odd_parameter(arrays, tmp_path):
    missing = {name: a for name, a in arrays.items() if name != "cells.1.preprocess0.op.1.weight"}
    with pytest.raises(InputError, match=r"lacks 'cells.1.preprocess0.op.1.weight' of shape"):
        import_network(missing, settings(arrays), None, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_without_a_network_is_refused():
    with pytest.raises(InputError, match=r"lacks 'stem.0.weight'"):
        network_settings({"weight": np.zeros(3)})


def test_an_imagenet_stem_is_recognised():
    shapes = {
        "stem0.0.weight": (4, 3, 3, 3),
        "stem0.3.weight": (8, 4, 3, 3),
        "cells.0.x": (1,),
        "classifier.weight": (5, 8),
    }
    arrays = {name: np.zeros(shape) for name, shape in shapes.items()}
    assert network_settings(arrays) == {
        "stem": "imagenet",
        "init_channels": 8,
        "layers": 1,
        "auxiliary": False,
    }


def alphas(candidates):
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=(14, candidates)) for name in ("alphas_normal", "alphas_reduce")}


def test_the_checkpoint_of_a_supernet_gives_its_genotype(tmp_path):
    import_search(alphas(8), None, tmp_path / "run")
    found = pd.Genotype.from_json((tmp_path / "run" / "genotype.json").read_text())
    normal, reduce = alphas(8).values()
    assert found == pd.derive_genotype(pd.SearchSpace.full(), normal, reduce, 2)


def test_a_later_stage_needs_its_candidates(tmp_path):
    with pytest.raises(InputError, match="name --search_space"):
        import_search(alphas(3), None, tmp_path / "run")


def test_a_directory_with_files_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(InputError, match="new or an empty directory"):
        import_search(alphas(8), None, tmp_path)


@pytest.mark.parametrize("wrapped", [False, True])
def test_names_may_be_prefixed_and_wrapped(tmp_path, wrapped):
    torch = pytest.importorskip("torch", reason="the torch extra is not installed")
    content = {"module.a": torch.ones(2)}
    torch.save({"state_dict": content} if wrapped else content, tmp_path / "w.pt")
    arrays = read_state_dict(tmp_path / "w.pt")
    np.testing.assert_array_equal(arrays["a"], [1, 1])


def test_code_instead_of_weights_is_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="the torch extra is not installed")
    torch.save({"a": print}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="cannot be read as PyTorch weights"):
        read_state_dict(tmp_path / "w.pt")


def test_an_import_never_overwrites_a_run(run, arrays):
    before = (run / "weights_last.npz").read_bytes()
    with pytest.raises(InputError, match="new or an empty directory"):
        import_network(arrays, settings(arrays), None, run)
    assert (run / "weights_last.npz").read_bytes() == before


def test_a_training_never_overwrites_an_import(run):
    before = (run / "weights_last.npz").read_bytes()
    config = read_settings(run, TrainConfig)
    data = sources.load("digits")
    with (
        run_directory.RunDirectory(run, config, data.description()) as opened,
        pytest.raises(InputError, match="holds imported weights"),
    ):
        options, stop = RunOptions(), SimpleNamespace(signal=None)
        job.finish(Training(config, data), lambda *_: pytest.fail(), config, options, opened, stop)
    assert (run / "weights_last.npz").read_bytes() == before
