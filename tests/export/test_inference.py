"""The inference graph computes what the layers compute in inference."""

import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from export import folding, inference
from pdarts_tf.layers.device_kind import KINDS, device_kind
from pdarts_tf.layers.normalization import BATCH_NORM_EPSILON, BatchNormalization
from pdarts_tf.layers.operations import make_operation
from pdarts_tf.layers.source import SourceViews
from pdarts_tf.primitives import TABLE
from tests.networks import golden_network


def randomize(norm, seed):
    """Gives a batch norm statistics and parameters unlike those of initialization."""
    random = np.random.default_rng(seed)
    for variable in norm.weights:
        variable.assign(random.uniform(0.5, 1.5, variable.shape))


def test_fold_by_hand():
    norm = BatchNormalization()
    norm.build((None, None, None, 2))
    norm.set_weights(
        [np.array(each, np.float32) for each in ([2, 3], [5, 7], [11, 13], [0.25, 4.0])]
    )
    folded = folding.InferenceNorm.of(norm).fold(np.array([[1.0, 1.0]]))
    scale = [2 / np.sqrt(0.25 + BATCH_NORM_EPSILON), 3 / np.sqrt(4.0 + BATCH_NORM_EPSILON)]
    np.testing.assert_allclose(folded.kernel, [scale], rtol=1e-6)
    np.testing.assert_allclose(folded.offset, [5 - 11 * scale[0], 7 - 13 * scale[1]], rtol=1e-6)


# Networks halve even sizes only.
@pytest.mark.parametrize(("stride", "size"), [(1, (6, 8)), (2, (6, 8)), (1, (5, 7))])
@pytest.mark.parametrize("primitive", TABLE)
def test_each_operation(primitive, stride, size):
    operation = make_operation(primitive, stride, seed=1)
    x = tf.random.stateless_normal((2, *size, 4), (1, 2))
    operation.build(x.shape)
    for i, norm in enumerate(operation.norms):
        randomize(norm, i)
    lowered = inference.lower(operation)(SourceViews(x, stride))
    np.testing.assert_allclose(lowered, operation(x), atol=2e-6)


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_golden_networks(stem):
    golden = golden_network(stem)
    golden.restart()
    logits = inference.inference_function(golden.model)(golden.images)
    expected = golden.model(golden.images, training=False)
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    np.testing.assert_allclose(logits, golden.arrays["eval_logits"], atol=1e-5)


def test_networks_of_other_numbers_of_nodes():
    network = pd.EvaluationNetwork(pd.GENOTYPES["AmoebaNet"], 4, 3, num_classes=5)
    network.build((None, 8, 8, 1))
    norms = [layer.norm for cell in network.cells for layer in cell.preprocess]
    norms += [norm for cell in network.cells for each in cell.operations for norm in each.norms]
    for i, norm in enumerate(norms):
        randomize(norm, i)
    x = tf.random.stateless_normal((2, 8, 8, 1), (1, 2))
    logits = inference.inference_function(network)(x)
    np.testing.assert_allclose(logits, network(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_forms_for_a_device_are_chosen_on_any_machine(kind):
    traced_for = []

    def logits(images):
        traced_for.append(device_kind())
        return tf.reduce_sum(images, (1, 2))

    x = tf.random.stateless_normal((11, 4, 4, 3), (1, 2))
    computed = tf.function(inference.for_device(logits, kind), autograph=False)(x)
    np.testing.assert_allclose(computed, tf.reduce_sum(x, (1, 2)), rtol=1e-6)
    assert set(traced_for) == {kind}


def test_weights_are_copied():
    network = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], 4, 3, num_classes=5)
    network.build((None, 8, 8, 1))
    function = inference.inference_function(network)
    x = tf.ones((1, 8, 8, 1))
    before = function(x).numpy()
    network.head.bias.assign_add(tf.ones(5))
    np.testing.assert_array_equal(function(x), before)
