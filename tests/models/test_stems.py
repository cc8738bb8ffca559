"""Networks with every stem: the official code's numbers, shapes, counts, export and import."""

import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from export.inference import inference_function
from pdarts_tf.cost.complexity import count_parameters
from pdarts_tf.stems import STEMS
from tests.supernets import GOLDENS, state_of, uniform_space

SIZES = {"init_channels": 4, "num_layers": 3, "num_classes": 3}
SEARCHED = uniform_space("avg_pool_3x3", "skip_connect", "dil_conv_3x3")
every_stem = pytest.mark.parametrize("stem", STEMS)


@pytest.fixture(scope="module")
def arrays():
    """What the official code computed, in PyTorch's layout."""
    with np.load(GOLDENS / "stems.npz") as file:
        return dict(file)


def loaded(model, arrays, prefix):
    """A model with the official weights."""
    model.build((None, 64, 64, 3))
    pd.load_torch_state_dict(model, state_of(arrays, prefix))
    return model


def check_logits(model, arrays, prefix):
    images = tf.constant(arrays["x"].transpose(0, 2, 3, 1))
    for training, name in ((False, "eval_logits"), (True, "train_logits")):
        logits = model(images, training=training)
        np.testing.assert_allclose(logits, arrays[f"{prefix}/{name}"], rtol=0, atol=2e-5)


def test_the_stem_of_imagenet_before_searched_cells_is_the_official_one(arrays):
    model = pd.Supernet(SEARCHED, stem="imagenet", **SIZES)
    check_logits(loaded(model, arrays, "search/before/"), arrays, "search")


def test_the_network_of_pc_darts_for_imagenet_is_the_official_one(arrays):
    model = pd.EvaluationNetwork(pd.GENOTYPES["PC_DARTS_IMAGENET"], stem="imagenet", **SIZES)
    check_logits(loaded(model, arrays, "network/before/"), arrays, "network")


@pytest.fixture(scope="module")
def genotype():
    """A genotype with a node and little to trace."""
    edges = [("skip_connect", 0), ("sep_conv_3x3", 1)]
    return pd.Genotype(edges, [2], edges, [2])


def pixels(model):
    """Height and width that the first cell of a network gets."""
    sizes = []
    apply = model.cells[0].call

    def recording(inputs, *args, **options):
        sizes.append([int(x.shape[1]) for x in inputs])
        return apply(inputs, *args, **options)

    model.cells[0].call = recording
    model(tf.zeros((1, 64, 64, 3)))
    return sizes[0]


@every_stem
def test_cells_see_the_images_divided_by_the_stride(stem, genotype):
    expected = {"cifar": [64, 64], "stride2": [32, 32], "stride4": [16, 16], "imagenet": [16, 8]}
    assert pixels(pd.EvaluationNetwork(genotype, stem=stem, **SIZES)) == expected[stem]
    assert pixels(pd.Supernet(SEARCHED, stem=stem, **SIZES)) == expected[stem]


@every_stem
def test_parameters_on_paper_are_those_of_the_variables(stem, genotype):
    networks = (
        pd.EvaluationNetwork(genotype, stem=stem, **SIZES),
        pd.Supernet(SEARCHED, stem=stem, **SIZES),
    )
    for model in networks:
        model.build((None, 32, 32, 3))
        variables = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        assert count_parameters(model) == variables


@every_stem
def test_the_exported_function_computes_what_the_network_does(stem, genotype):
    model = pd.EvaluationNetwork(genotype, stem=stem, **SIZES)
    images = tf.random.stateless_normal((2, 32, 32, 3), (1, 2))
    model(images, training=True)
    np.testing.assert_allclose(inference_function(model)(images), model(images), atol=1e-5)


@every_stem
def test_a_supernet_is_made_again_from_its_configuration(stem):
    model = pd.Supernet(SEARCHED, stem=stem, **SIZES)
    assert type(model).from_config(model.get_config()).stem == stem


def test_unknown_stems_are_refused():
    with pytest.raises(ValueError, match="`stem` must be one of cifar, stride2, stride4, imagenet"):
        pd.Supernet(SEARCHED, stem="stride3", **SIZES)
