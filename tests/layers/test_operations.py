"""Every operation: the official numbers, and one contract for all primitives and strides."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.layers.forms import FORMS
from pdarts_tf.layers.operations import Operation, make_operation
from pdarts_tf.primitives import TABLE
from tests import numpy_layers

with np.load(Path(__file__).parents[1] / "goldens" / "operations.npz") as _file:
    GOLDENS = dict(_file)

OFFICIAL = [name for name, row in TABLE.items() if row.is_pool or row.torch_names is not None]

every_operation = pytest.mark.parametrize("primitive", TABLE)
every_official_operation = pytest.mark.parametrize("primitive", OFFICIAL)
both_strides = pytest.mark.parametrize("stride", [1, 2])


def from_torch(kernel):
    """A kernel (out, in, height, width) in TensorFlow's layout."""
    depthwise = kernel.shape[1] == 1
    return kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))


def images(*shape):
    """Standard normal float32 images, the same for the same shape."""
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def golden():
    """Function (primitive, stride) -> {name without prefix: array in TensorFlow's layout}."""

    def read(primitive, stride):
        prefix = f"{primitive}/stride{stride}/"
        found = {}
        for name in sorted(name for name in GOLDENS if name.startswith(prefix)):
            array, short = GOLDENS[name], name.removeprefix(prefix)
            kernel = short.startswith(("param/", "grad/"))
            found[short] = from_torch(array) if kernel else array.transpose(0, 2, 3, 1)
        return found

    return read


@pytest.fixture(scope="module")
def computed(golden):
    """Function (primitive, stride) -> (y, dx, gradients of the kernels), in training mode."""

    def compute(primitive, stride):
        arrays = golden(primitive, stride)
        operation = make_operation(primitive, stride, affine=False)
        x = tf.constant(arrays["x"])
        operation.build(x.shape)
        kernels = [array for name, array in arrays.items() if name.startswith("param/")]
        for variable, kernel in zip(operation.kernels, kernels, strict=True):
            variable.assign(kernel.reshape(variable.shape))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = operation(x, training=True)
        variables = [variable.value for variable in operation.kernels]
        dx, gradients = tape.gradient(y, [x, variables], arrays["dy"])
        return y, dx, gradients

    return compute


def test_goldens_have_every_official_operation_at_both_strides():
    cases = {tuple(name.split("/")[:2]) for name in GOLDENS}
    assert cases == {(name, f"stride{stride}") for name in OFFICIAL for stride in (1, 2)}


@every_official_operation
@both_strides
def test_output_is_the_official_one(golden, computed, primitive, stride):
    y, _, _ = computed(primitive, stride)
    np.testing.assert_allclose(y, golden(primitive, stride)["y"], rtol=0, atol=1e-4)


@every_official_operation
@both_strides
def test_gradient_of_the_input_is_the_official_one(golden, computed, primitive, stride):
    _, dx, _ = computed(primitive, stride)
    np.testing.assert_allclose(dx, golden(primitive, stride)["dx"], rtol=0, atol=1e-4)


@every_official_operation
@both_strides
def test_gradients_of_the_kernels_are_the_official_ones(golden, computed, primitive, stride):
    _, _, gradients = computed(primitive, stride)
    arrays = golden(primitive, stride)
    expected = [array for name, array in arrays.items() if name.startswith("grad/")]
    for gradient, reference in zip(gradients, expected, strict=True):
        reference = reference.reshape(gradient.shape)
        np.testing.assert_allclose(gradient, reference, rtol=0, atol=1e-4)


@every_operation
@both_strides
@pytest.mark.parametrize("affine", [True, False])
def test_output_is_finite_float32_of_the_strided_size(primitive, stride, affine):
    operation = make_operation(primitive, stride, affine=affine, seed=1)
    y = operation(images(2, 8, 12, 4), training=True)
    assert y.shape == (2, 8 // stride, 12 // stride, 4)
    assert y.dtype == tf.float32
    assert np.isfinite(y).all()


@every_operation
@both_strides
def test_inference_leaves_the_running_statistics(primitive, stride):
    operation = make_operation(primitive, stride, seed=1)
    operation.build((2, 8, 8, 4))
    before = [variable.numpy() for variable in operation.non_trainable_variables]
    operation(images(2, 8, 8, 4))
    for variable, value in zip(operation.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


@every_operation
@both_strides
def test_affine_norms_add_a_scale_and_an_offset_each(primitive, stride):
    plain, affine = (make_operation(primitive, stride, affine=a) for a in (False, True))
    for operation in (plain, affine):
        operation.build((2, 8, 8, 4))
    norms = TABLE[primitive].num_norms[stride]
    assert len(plain.trainable_variables) == len(TABLE[primitive].kernels[stride])
    assert len(affine.trainable_variables) == len(plain.trainable_variables) + 2 * norms


@every_operation
def test_odd_images_keep_their_size_at_stride_1(primitive):
    y = make_operation(primitive, 1, seed=1)(images(2, 7, 7, 4), training=True)
    assert y.shape == (2, 7, 7, 4)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("shape", [(7, 7), (7, 8), (8, 8)], ids=str)
def test_dilated_convolution_of_any_image_equals_numpy(size, shape):
    operation = make_operation(f"dil_conv_{size}x{size}", 1, affine=False, seed=1)
    x = images(2, *shape, 4)
    y = operation(x, training=True)
    depthwise, pointwise = (kernel.numpy() for kernel in operation.kernels)
    z = numpy_layers.depthwise(np.maximum(x, 0.0), depthwise, dilation=2) @ pointwise
    np.testing.assert_allclose(y, numpy_layers.batch_norm(z), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [3, 5, 7])
@both_strides
def test_separable_convolution_of_odd_images_equals_numpy(size, stride):
    operation = make_operation(f"sep_conv_{size}x{size}", stride, affine=False, seed=1)
    x = images(2, 7, 9, 4)
    y = operation(x, training=True)
    kernels = [kernel.numpy() for kernel in operation.kernels]
    z = numpy_layers.depthwise(np.maximum(x, 0.0), kernels[0], stride) @ kernels[1]
    z = np.maximum(numpy_layers.batch_norm(z), 0.0)
    z = numpy_layers.depthwise(z, kernels[2]) @ kernels[3]
    np.testing.assert_allclose(y, numpy_layers.batch_norm(z), rtol=1e-4, atol=1e-4)


def test_skip_connect_at_stride_1_is_the_identity():
    x = images(2, 8, 8, 4)
    np.testing.assert_array_equal(make_operation("skip_connect")(x, training=True), x)


def test_every_form_is_that_of_a_row():
    assert set(FORMS) == {row.form for row in TABLE.values()}


@every_operation
@both_strides
def test_seed_fixes_the_kernels(primitive, stride):
    first, again, other = (make_operation(primitive, stride, seed=seed) for seed in (1, 1, 9))
    for operation in (first, again, other):
        operation.build((2, 8, 8, 4))
    for a, b, c in zip(first.kernels, again.kernels, other.kernels, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert not np.array_equal(a.numpy(), c.numpy())


@every_operation
@both_strides
def test_config_round_trip(primitive, stride):
    operation = make_operation(primitive, stride, affine=False, seed=3)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(operation))
    assert again.get_config() == operation.get_config()
    assert (again.primitive, again.stride, again.affine, again.seed) == (
        primitive,
        stride,
        False,
        3,
    )


@pytest.mark.parametrize("primitive", ["zero", "sep_conv_0x0", None])
def test_an_unknown_primitive_is_refused(primitive):
    with pytest.raises(ValueError, match=rf"`primitive` must be one of .* Received: {primitive!r}"):
        make_operation(primitive)


@pytest.mark.parametrize("stride", [0, 3, None])
def test_another_stride_is_refused(stride):
    with pytest.raises(ValueError, match=rf"`stride` must be 1 or 2\. Received: {stride!r}"):
        Operation("skip_connect", stride)


def test_the_gradient_of_an_identity_has_a_buffer_of_its_own():
    """Else the order in which AddN sums the gradients of a node would depend on timing."""
    layer = make_operation("skip_connect")
    layer.build((None, 4, 4, 2))

    @tf.function(autograph=False)
    def gradient_op(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        gradient = tape.gradient(y, x, output_gradients=dy)
        ops.append(gradient.op.type)
        return gradient

    ops: list[str] = []
    dy = tf.random.stateless_normal((1, 4, 4, 2), (0, 0))
    np.testing.assert_array_equal(gradient_op(tf.zeros((1, 4, 4, 2)), dy), dy)
    assert ops == ["Mul"]


@both_strides
def test_none_is_zero_and_so_is_its_gradient(stride):
    """The source has a gradient all the same, as in the official code."""
    x = tf.constant(images(2, 6, 6, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = make_operation("none", stride)(x)
    assert y.shape == (2, 6 // stride, 6 // stride, 3)
    assert not np.any(y)
    gradient = tape.gradient(y, x)
    assert gradient is not None
    assert not np.any(gradient)
