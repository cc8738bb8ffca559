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
from pdarts_tf.interop.state_dict import network_settings
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
    import_network(arrays, settings(arrays), RunOptions(), path)
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
        import_network(missing, settings(arrays), RunOptions(), tmp_path / "run")
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


def pc_darts(scale=3.0):
    """Alphas and betas of a search by PC-DARTS, in which the betas decide."""
    rng = np.random.default_rng(2)
    betas = {name: scale * rng.normal(size=14) for name in ("betas_normal", "betas_reduce")}
    return {name: 1e-3 * array for name, array in alphas(8).items()} | betas


def derived_by_pc_darts(alphas, betas):
    """What `Network.genotype` of PC-DARTS keeps, in its own order of computation."""
    names, found, first = pd.PRIMITIVES, [], 0
    for node in range(2, 6):
        weights = np.exp(alphas[first : first + node])
        weights /= weights.sum(-1, keepdims=True)
        shares = np.exp(betas[first : first + node])
        weights *= (shares / shares.sum())[:, None]
        strongest = sorted(range(node), key=lambda edge: -max(weights[edge][1:]))[:2]
        found += [(names[1 + weights[edge][1:].argmax()], edge) for edge in sorted(strongest)]
        first += node
    return tuple(found)


def test_the_betas_of_pc_darts_weigh_the_edges(tmp_path):
    arrays = pc_darts()
    import_search(arrays, None, tmp_path / "run")
    found = pd.Genotype.from_json((tmp_path / "run" / "genotype.json").read_text())
    for cell in ("normal", "reduce"):
        expected = derived_by_pc_darts(arrays[f"alphas_{cell}"], arrays[f"betas_{cell}"])
        assert getattr(found, cell) == expected
    without = pd.derive_genotype(pd.SearchSpace.full(), *alphas(8).values())
    assert found.normal != without.normal


def test_pc_darts_has_no_limit_on_skip_connects(tmp_path):
    arrays = pc_darts()
    arrays["alphas_normal"][:, pd.PRIMITIVES.index("skip_connect")] += 1
    import_search(arrays, None, tmp_path / "run")
    found = pd.Genotype.from_json((tmp_path / "run" / "genotype.json").read_text())
    assert found.num_skip_connects == 8


@pytest.mark.parametrize("missing", ["betas_reduce", "alphas_normal"])
def test_one_of_two_architecture_parameters_is_missed(tmp_path, missing):
    arrays = {name: array for name, array in pc_darts().items() if name != missing}
    with pytest.raises(InputError, match=f"lacks '{missing}'"):
        import_search(arrays, None, tmp_path / "run")


def test_architecture_parameters_that_nobody_knows_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"has 'gammas_normal', and how a genotype depends on"):
        import_search(alphas(8) | {"gammas_normal": np.ones(14)}, None, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_weights_of_the_supernet_do_not_matter(tmp_path):
    arrays = alphas(8) | {"stem.0.weight": np.ones((6, 3, 3, 3)), "cells.0.total_ops": np.ones(1)}
    import_search(arrays, None, tmp_path / "run")


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({"alphas_normal": np.float32(1).reshape(())}, r"alphas_normal to be .* shape \(\)"),
        ({"alphas_reduce": np.ones((14, 9))}, r"alphas_reduce to be .* shape \(14, 9\)"),
        ({"betas_normal": np.ones((14, 1))}, r"betas_normal to be .* shape \(14, 1\)"),
        ({"betas_reduce": np.full(14, np.nan)}, "betas_reduce to be .* NaN or infinity"),
    ],
)
def test_architecture_parameters_of_odd_shapes_are_one_line(tmp_path, odd, message):
    with pytest.raises(InputError, match=message):
        import_search(pc_darts() | odd, None, tmp_path / "run")


def test_a_supernet_without_alphas_is_known_as_such():
    arrays = {
        "stem.0.weight": np.zeros((6, 1, 3, 3)),
        "classifier.weight": np.zeros((10, 8)),
        "cells.0._ops.0._ops.4.op.1.weight": np.zeros((2, 1, 3, 3)),
    }
    with pytest.raises(InputError, match="of a supernet without its architecture parameters"):
        network_settings(arrays)


@pytest.mark.parametrize("shape", [(), (6,), (6, 3, 3)])
def test_a_stem_of_another_shape_is_one_line(shape):
    arrays = {"stem.0.weight": np.zeros(shape), "classifier.weight": np.zeros((10, 8))}
    with pytest.raises(InputError, match=r"expected 'stem.0.weight' to have 4 dimensions"):
        network_settings(arrays)


def test_an_import_never_overwrites_a_run(run, arrays):
    before = (run / "weights_last.npz").read_bytes()
    with pytest.raises(InputError, match="new or an empty directory"):
        import_network(arrays, settings(arrays), RunOptions(), run)
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
