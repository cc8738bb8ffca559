"""Every form of the depthwise convolution: NumPy, the official numbers, and each other."""

import functools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pdarts_tf.layers import depthwise_forms
from pdarts_tf.layers.depthwise_forms import CHOICES, DEPTHWISE_FORMS, Choice, choose_form
from pdarts_tf.layers.device_kind import KINDS, traced_for
from pdarts_tf.layers.operations import make_operation
from pdarts_tf.layers.source import SourceViews
from tests import numpy_layers

TOLERANCE = 1e-5
ROUNDOFF = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
# TensorFlow has no gradient of a grouped convolution on a CPU, where XLA has one.
COMPILED = {name: name == "grouped" for name in DEPTHWISE_FORMS}
PLACES = {  # (stride, dilation, images, size of the kernel)
    "3x3": (1, 1, (6, 5), 3),
    "7x7": (1, 1, (5, 5), 7),
    "dilated_3x3": (1, 2, (6, 6), 3),
    "dilated_5x5": (1, 2, (5, 7), 5),
    "strided_3x3": (2, 1, (7, 6), 3),
    "strided_5x5": (2, 1, (8, 8), 5),
}

every_form = pytest.mark.parametrize("form", DEPTHWISE_FORMS)
every_place = pytest.mark.parametrize("place", PLACES)


def normal(*shape):
    """Standard normal values, the same for the same shape, which bfloat16 has."""
    values = np.random.default_rng(shape).normal(size=shape)
    return values.astype(tf.bfloat16.as_numpy_dtype).astype(np.float64)


def arguments(place):
    """Images, padded if a form wants that, and a kernel; in float64."""
    stride, _, (height, width), size = PLACES[place]
    border = 0 if stride == 1 else 2 * (size // 2)
    return normal(2, height + border, width + border, 3), normal(size, size, 3, 1)


@functools.cache
def computed(form, place, precision):
    """(y, gradient of x, gradient of the kernel) of a form, in float64."""
    stride, dilation, _, _ = PLACES[place]
    x, kernel = (tf.constant(value, precision) for value in arguments(place))

    def run(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = DEPTHWISE_FORMS[form](x, kernel, stride, dilation)
        dy = tf.constant(normal(*y.shape), y.dtype)
        return y, *tape.gradient(y, [x, kernel], dy)

    return tf.function(run, jit_compile=COMPILED[form], autograph=False)(x, kernel)


def assert_close(received, expected, terms, precision):
    """Compares with what rounding may do to sums of so many terms."""
    error = np.linalg.norm(tf.cast(received, tf.float64) - expected)
    assert error <= ROUNDOFF[precision] * np.sqrt(terms) * np.linalg.norm(expected)


@every_form
@every_place
def test_every_form_equals_numpy(form, place):
    stride, dilation, (height, width), size = PLACES[place]
    x, kernel = arguments(place)
    border = 0 if stride == 1 else size // 2
    images = x[:, border : border + height, border : border + width]
    padded = np.zeros_like(x)  # what a form reads of the border has to be 0
    padded[:, border : border + height, border : border + width] = images
    function = tf.function(DEPTHWISE_FORMS[form], jit_compile=COMPILED[form], autograph=False)
    received = function(*(tf.constant(v, tf.float32) for v in (padded, kernel)), stride, dilation)
    expected = numpy_layers.depthwise(images, kernel, stride, dilation)
    np.testing.assert_allclose(received, expected, TOLERANCE, TOLERANCE)


@every_place
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    "form",
    [
        "tensorflow",
        "shifted",
        pytest.param("grouped", marks=pytest.mark.slow),
        pytest.param("shifted_compiled", marks=pytest.mark.slow),
    ],
)
def test_every_form_and_its_gradients_round_no_more_than_their_sums_do(form, place, precision):
    _, _, _, size = PLACES[place]
    received, expected = computed(form, place, precision), computed("tensorflow", place, "float64")
    pixels = int(np.prod(received[0].shape[:3]))
    assert {value.dtype for value in received} == {tf.as_dtype(precision)}
    for value, exact, terms in zip(received, expected, (size**2, size**2, pixels), strict=True):
        assert_close(value, exact, terms, precision)


@pytest.mark.parametrize("form", ["grouped", "shifted_compiled"])
@pytest.mark.parametrize("place", ["dilated_3x3", "strided_3x3"])
def test_forms_that_xla_compiles_have_the_same_gradients(form, place):
    expected = computed("tensorflow", place, "float64")
    for value, exact in zip(computed(form, place, "float32"), expected, strict=True):
        np.testing.assert_allclose(value, exact, 1e-4, 1e-4)


@pytest.mark.parametrize("place", ["3x3", "dilated_3x3", "strided_3x3"])
def test_the_shifted_form_is_twice_differentiable(place):
    """As the second order of the alphas needs it."""
    stride, dilation, _, _ = PLACES[place]
    x, kernel = map(tf.constant, arguments(place))

    def second(form):
        with tf.GradientTape() as outer:
            outer.watch([x, kernel])
            with tf.GradientTape() as inner:
                inner.watch([x, kernel])
                loss = tf.reduce_sum(DEPTHWISE_FORMS[form](x, kernel, stride, dilation) ** 3)
            gradients = inner.gradient(loss, [x, kernel])
            total = tf.add_n([tf.reduce_sum(gradient**2) for gradient in gradients])
        return outer.gradient(total, [x, kernel])

    for received, expected in zip(second("shifted"), second("tensorflow"), strict=True):
        np.testing.assert_allclose(received, expected, 1e-9)


with np.load(Path(__file__).parents[1] / "goldens" / "operations.npz") as _file:
    GOLDENS = {
        name: array for name, array in _file.items() if name.startswith(("sep_conv", "dil_conv"))
    }
PLACES_OF_GOLDENS = sorted({tuple(name.split("/")[:2]) for name in GOLDENS})


@pytest.mark.parametrize(("primitive", "where"), PLACES_OF_GOLDENS, ids=str)
@pytest.mark.parametrize(
    "form",
    [
        "shifted",
        pytest.param("grouped", marks=pytest.mark.slow),
        pytest.param("shifted_compiled", marks=pytest.mark.slow),
    ],
)
def test_operations_of_every_form_give_the_official_numbers(form, primitive, where, monkeypatch):
    """As test_operations.py has it for the form of a CPU."""
    always = Choice("CPU", for_xla=False, dtypes=("float32",), form=form, measured="not measured")
    monkeypatch.setattr(depthwise_forms, "CHOICES", (always,))
    prefix = f"{primitive}/{where}/"
    arrays = {
        name.removeprefix(prefix): array.transpose(
            (2, 3, 0, 1) if array.shape[1] == 1 else (2, 3, 1, 0)
        )
        if "/param/" in name or "/grad/" in name
        else array.transpose(0, 2, 3, 1)
        for name, array in GOLDENS.items()
        if name.startswith(prefix)
    }
    operation = make_operation(primitive, int(where[-1]), affine=False)
    operation.build(arrays["x"].shape)
    kernels = [arrays[name] for name in sorted(arrays) if name.startswith("param/")]
    for variable, kernel in zip(operation.kernels, kernels, strict=True):
        variable.assign(kernel.reshape(variable.shape))

    def run(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = operation(x, training=True)
        values = [variable.value for variable in operation.kernels]
        return y, *tape.gradient(y, [x, *values], dy)

    run = tf.function(run, jit_compile=COMPILED[form], autograph=False)
    y, dx, *gradients = run(tf.constant(arrays["x"]), tf.constant(arrays["dy"]))
    np.testing.assert_allclose(y, arrays["y"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(dx, arrays["dx"], rtol=0, atol=1e-4)
    expected = [arrays[name] for name in sorted(arrays) if name.startswith("grad/")]
    for gradient, value in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, value.reshape(gradient.shape), rtol=0, atol=1e-4)


def test_the_table_has_one_row_for_every_device_way_of_compilation_and_type():
    cases = [(row.kind, row.for_xla, dtype) for row in CHOICES for dtype in row.dtypes]
    dtypes = ("float32", "float64", "bfloat16", "float16")
    expected = [(kind, xla, dtype) for kind in KINDS for xla in (False, True) for dtype in dtypes]
    assert sorted(cases) == sorted(expected)
    assert {row.form for row in CHOICES} <= DEPTHWISE_FORMS.keys()


def test_results_on_a_cpu_are_those_of_tensorflows_operation():
    assert {
        choose_form(dtype, for_xla=for_xla)
        for dtype in (tf.float32, tf.bfloat16)
        for for_xla in (False, True)
    } == {"tensorflow"}


@pytest.mark.parametrize("for_xla", [False, True])
@pytest.mark.parametrize("primitive", ["sep_conv_3x3", "dil_conv_3x3"])
def test_operations_compute_the_form_of_the_table(primitive, for_xla):
    """Traced for a GPU, whose table has another form for XLA."""

    operation = make_operation(primitive, 1)
    operation.build((1, 8, 8, 2))

    def run(x):
        return operation.apply_to(SourceViews(x, 1, for_xla=for_xla), training=False)

    with traced_for("GPU"):
        traced = tf.function(run, autograph=False).get_concrete_function(tf.zeros((1, 8, 8, 2)))
    found = any("Depthwise" in each.type for each in traced.graph.get_operations())
    assert found != for_xla
