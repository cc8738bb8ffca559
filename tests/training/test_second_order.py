"""The second-order gradient of the alphas: exact derivatives, the official numbers, what moves."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.layers.mixed_op import compute_mixed_operations
from pdarts_tf.training import second_order
from pdarts_tf.training.bilevel import cross_entropy
from tests.supernets import (
    GOLDENS,
    build_skip_supernet,
    compile_search,
    restore,
    skip_images,
    snapshot,
    state_of,
)


def joined(tensors):
    """One vector in float64 of all values."""
    return np.concatenate([np.ravel(each).astype(np.float64) for each in tensors])


def relative_error(received, expected):
    received, expected = joined(received), joined(expected)
    return np.linalg.norm(received - expected) / np.linalg.norm(expected)


# The example of the paper's Figure 2: L_valid = alpha w - 2 alpha + 1, L_train = (w - alpha)^2
# up to terms that w has nothing to do with. Its solution is alpha = w = 1.


def figure_2_train(weights, alphas, differentiate):
    del differentiate
    (w,), (alpha,) = weights, alphas
    return w**2 - 2 * alpha * w + alpha**2, w


def figure_2_valid(weights, alphas, differentiate):
    del differentiate
    (w,), (alpha,) = weights, alphas
    return alpha * w - 2 * alpha + 1, w


@tf.function
def figure_2_step(w, alpha, xi):
    found = second_order.arch_gradient(
        figure_2_train,
        figure_2_valid,
        [w],
        [alpha],
        unroll=lambda gradients: [w - xi * gradients[0]],
        learning_rate=xi,
    )
    return w - 0.2 * (w - alpha), alpha - 0.2 * found.gradients[0]


@pytest.mark.parametrize(("xi", "expected"), [(0.0, 2.0), (0.25, 4 / 3), (0.5, 1.0)])
def test_the_papers_example_ends_where_the_step_of_the_weights_makes_it(xi, expected):
    """At 2 / (1 + 2 xi): in second order at the solution, in first order, xi = 0, elsewhere."""
    w, alpha, rate = (tf.constant(value, tf.float64) for value in (-2.0, 2.0, xi))
    for _ in range(100):
        w, alpha = figure_2_step(w, alpha, rate)
    assert (float(w), float(alpha)) == pytest.approx((expected, expected), abs=1e-3)


class Perceptron:
    """A network of two layers in float64, the first of which mixes two activations by alpha."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        draw = lambda *shape: tf.constant(rng.normal(size=shape))  # noqa: E731
        self.weights = [draw(5, 7), draw(7, 3)]
        self.velocities = [draw(5, 7), draw(7, 3)]
        self.alphas = [draw(7, 2)]
        self.batches = [(draw(8, 5), tf.constant(rng.integers(0, 3, 8))) for _ in range(2)]
        self.asked = []

    def loss(self, batch):
        x, labels = self.batches[batch]

        def run(weights, alphas, differentiate):
            self.asked.append((batch, differentiate))
            share = tf.unstack(tf.nn.softmax(alphas[0]), axis=1)
            hidden = x @ weights[0]
            logits = (share[0] * tf.tanh(hidden) + share[1] * tf.sin(hidden)) @ weights[1]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            return tf.reduce_mean(losses), logits

        return run

    def unroll(self, gradients):
        return [
            w - 0.5 * (0.9 * v + g + 0.01 * w)
            for w, v, g in zip(self.weights, self.velocities, gradients, strict=True)
        ]

    def found(self):
        return second_order.arch_gradient(
            self.loss(0),
            self.loss(1),
            self.weights,
            self.alphas,
            unroll=self.unroll,
            learning_rate=tf.constant(0.5, tf.float64),
        )

    def exact(self):
        return exact_gradients(self.loss(0), self.loss(1), self.weights, self.alphas, self.unroll)


def exact_gradients(train, valid, weights, alphas, unroll):
    """The gradient of the alphas by automatic differentiation through the unrolled step.

    Returns:
        (gradients, their first terms): the latter take the unrolled weights as constants.
    """
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(alphas)
        with tf.GradientTape() as inner:
            inner.watch(weights)
            loss, _ = train(weights, alphas, "all")
        unrolled = unroll(inner.gradient(loss, weights))
        through, _ = valid(unrolled, alphas, "all")
        direct, _ = valid([tf.stop_gradient(w) for w in unrolled], alphas, "all")
    return outer.gradient(through, alphas), outer.gradient(direct, alphas)


def test_the_gradient_is_that_through_the_unrolled_step():
    toy = Perceptron()
    exact, direct = toy.exact()
    # In float64 all that is left of the error is that of central differences, some eps^2.
    assert relative_error(toy.found().gradients, exact) < 1e-4
    assert relative_error(direct, exact) > 0.1


def test_loss_and_logits_are_those_of_the_unrolled_weights():
    toy = Perceptron()
    found = toy.found()
    with tf.GradientTape() as tape:
        tape.watch(toy.weights)
        loss, _ = toy.loss(0)(toy.weights, toy.alphas, "weights")
    expected = toy.loss(1)(toy.unroll(tape.gradient(loss, toy.weights)), toy.alphas, "all")
    np.testing.assert_allclose(found.loss, expected[0])
    np.testing.assert_allclose(found.logits, expected[1])


def test_no_pass_is_asked_for_more_than_it_has_to_give():
    toy = Perceptron()
    toy.found()
    train, valid = 0, 1
    passes = [(train, "weights"), (valid, "all"), *[(train, "architecture")] * 2]
    assert toy.asked == passes


# A choice between two operations, a linear one and squares: the product of two coordinates tells
# classes that only squares can separate, their sum others.


def by_product(rng):
    points = rng.choice([-1.0, 1.0], (32, 2)) + rng.normal(0.0, 0.2, (32, 2))
    return tf.constant(points), tf.constant(np.int64(points[:, 0] * points[:, 1] > 0))


def by_sum(rng):
    points = rng.choice([-1.0, 1.0], (32, 2)) + rng.normal(0.0, 0.2, (32, 2))
    return tf.constant(points), tf.constant(np.int64(points[:, 0] + 0.3 * points[:, 1] > 0))


def choice_loss(points, labels):
    def run(weights, alphas, differentiate):
        del differentiate
        linear, square = tf.unstack(tf.nn.softmax(alphas[0]))
        hidden = points @ weights[0]
        logits = (linear * hidden + square * hidden**2) @ weights[1]
        return cross_entropy(labels, logits), logits

    return run


@tf.function(autograph=False)
def choice_step(weights, alphas, train, valid):
    rate = tf.constant(0.3, tf.float64)

    def unroll(gradients):
        return [w - rate * g for w, g in zip(weights, gradients, strict=True)]

    loss = choice_loss(*train)
    found = second_order.arch_gradient(
        loss, choice_loss(*valid), weights, alphas, unroll=unroll, learning_rate=rate
    )
    with tf.GradientTape() as tape:
        tape.watch(weights)
        value, _ = loss(weights, alphas, "weights")
    return unroll(tape.gradient(value, weights)), [alphas[0] - rate * found.gradients[0]]


@pytest.mark.parametrize(("problem", "needed"), [(by_sum, 0), (by_product, 1)])
def test_the_operation_that_tells_the_classes_is_chosen(problem, needed):
    rng = np.random.default_rng(0)
    weights = [tf.constant(rng.normal(0.0, 0.5, shape)) for shape in ((2, 6), (6, 2))]
    alphas = [tf.zeros(2, tf.float64)]
    for _ in range(100):
        weights, alphas = choice_step(weights, alphas, problem(rng), problem(rng))
    assert tf.nn.softmax(alphas[0])[needed] > 0.7


def test_a_vector_of_zeros_has_a_product_of_zeros():
    toy = Perceptron()
    zeros = [tf.zeros_like(w) for w in toy.weights]
    products = second_order.mixed_derivative(toy.loss(0), toy.weights, toy.alphas, zeros)
    np.testing.assert_array_equal(products[0], np.zeros((7, 2)))


def test_the_second_of_two_equal_passes_waits_for_the_first():
    """Also with what depends on no weights, such as the softmax of the alphas."""
    toy = Perceptron()

    @tf.function(autograph=False)
    def products():
        return second_order.mixed_derivative(toy.loss(0), toy.weights, toy.alphas, toy.weights)

    operations = products.get_concrete_function().graph.get_operations()
    waiting = [bool(op.control_inputs) for op in operations if op.type == "Softmax"]
    assert waiting == [False, True]


# The official numbers: see tests/goldens/README.md.


@pytest.fixture(scope="module")
def official():
    """The golden arrays of a second-order step of the official DARTS code."""
    with np.load(GOLDENS / "second_order.npz") as file:
        return dict(file)


def official_supernet(arrays, *prefixes):
    """A supernet with the arrays of some prefixes, the last of which counts."""
    space = pd.SearchSpace(arrays["switches_normal"], arrays["switches_reduce"])
    model = pd.Supernet(space, init_channels=4, num_layers=3, num_classes=3)
    model.compute = compute_mixed_operations  # few steps are done before they are traced
    pd.load_torch_state_dict(model, state_of(arrays, *prefixes))
    return model


def official_batch(arrays, half):
    images = tf.constant(arrays[f"{half}/x"].transpose(0, 2, 3, 1))
    return images, tf.constant(arrays[f"{half}/y"])


def official_alphas(arrays, prefix):
    return [arrays[f"{prefix}/{name}"] for name in ("alphas_normal", "alphas_reduce")]


@pytest.fixture(scope="module")
def our_step(official):
    """`ArchGradient` of a supernet in the state, and with the settings, of the official step."""
    model = official_supernet(official, "before/")
    optimizer = pd.weight_optimizer(
        float(official["learning_rate"]),
        momentum=float(official["momentum"]),
        l2=float(official["weight_decay"]),
    )
    model.compile(optimizer, pd.arch_optimizer(), arch_order="second")
    model.build_optimizers()
    buffers = official_supernet(official, "before/", "momentum/")
    restore(optimizer.velocities, snapshot(buffers.trainable_variables))
    halves = [official_batch(official, half) for half in ("valid", "train")]
    return model._second_order(*halves)


# Between its results in float32 and in float64 the official code has a relative difference of 4e-6
# for the gradient and for its second term (up to 8e-6 for other draws of the weights). Another
# order of summation in every operation of ours is allowed to make several times as much.
ROUNDING = 5e-5


def test_the_gradient_is_the_official_one(official, our_step):
    expected = official_alphas(official, "float64/dalpha")
    assert relative_error(our_step.gradients, expected) < ROUNDING
    assert relative_error(official_alphas(official, "dalpha"), expected) < ROUNDING


def test_the_second_term_is_the_official_one(official, our_step):
    """Alone, since the first could hide it: both terms are of the order of their sum."""
    direct = joined(official_alphas(official, "float64/dalpha"))
    direct += official["learning_rate"] * joined(official_alphas(official, "float64/implicit"))
    second = direct - joined(our_step.gradients)
    expected = official["learning_rate"] * joined(official_alphas(official, "float64/implicit"))
    assert relative_error([second], [expected]) < ROUNDING


def test_the_first_order_is_far_from_it(official):
    first, second = (official_alphas(official, name) for name in ("valid/grad", "dalpha"))
    assert relative_error(first, second) > 0.5


def test_the_loss_is_the_official_one_of_the_unrolled_weights(official, our_step):
    assert float(our_step.loss) == pytest.approx(float(official["unrolled_loss"]), rel=1e-5)


# A supernet with dropout.


def compile_second(model):
    """Gives a supernet optimizers with velocities, for steps of second order."""
    compile_search(model, weight_rate=0.1, arch_rate=0.1, arch_order="second")
    rng = np.random.default_rng(0)
    for velocity in model.optimizer.velocities:
        velocity.assign(rng.normal(0.0, 0.1, velocity.shape))


def new_skips():
    model = build_skip_supernet()
    model.compute = compute_mixed_operations
    compile_second(model)
    return model


@pytest.fixture(scope="module")
def initial_skips():
    """(model, its state): a small supernet with dropout."""
    model = new_skips()
    return model, snapshot(model.weights)


@pytest.fixture
def skips(initial_skips):
    """A small supernet with dropout, in its initial state."""
    model, before = initial_skips
    restore(model.weights, before)
    compile_second(model)
    model.search_alphas = True
    return model


def moved(variables, before):
    """Names of the variables that differ from their values before."""
    return {
        variable.name
        for variable, value in zip(variables, before, strict=True)
        if not np.array_equal(variable.numpy(), value)
    }


def test_only_alphas_and_the_count_of_passes_move(skips):
    """No weight, no velocity and no running statistic."""
    variables = [*skips.weights, *skips.optimizer.variables]
    before = snapshot(variables)
    skips.arch_step(*skip_images(2), skip_images(1))
    assert moved(variables, before) == {"alphas_normal", "alphas_reduce", "forward_passes"}
    assert int(skips.forward_passes.value) == 2


def test_metrics_are_those_of_the_unrolled_weights(skips):
    found = skips._second_order(skip_images(2), skip_images(1))
    skips.forward_passes.assign(0)
    skips.arch_step(*skip_images(2), skip_images(1))
    assert float(skips.trackers["arch_loss"].result()) == pytest.approx(float(found.loss))
    norm = float(skips.trackers["arch_grad_norm"].result())
    assert norm == pytest.approx(np.linalg.norm(joined(found.gradients)), rel=1e-5)


def test_the_gradient_of_a_supernet_is_that_through_its_unrolled_step(skips, monkeypatch):
    """With the same dropout masks wherever the training batch is computed."""
    # No relu of so few changes its side within this distance, as several do within that of the
    # paper: finite differences count their jumps, automatic differentiation does not.
    monkeypatch.setattr(second_order, "PERTURBATION", 1e-4)
    found = skips._second_order(skip_images(2), skip_images(1))
    skips.forward_passes.assign(0)
    weights, alphas = (
        [tf.convert_to_tensor(variable.value) for variable in variables]
        for variables in (skips.trainable_variables, skips.arch_variables)
    )
    exact, direct = exact_gradients(
        second_order.pure_loss(skips, cross_entropy, *skip_images(1)),
        second_order.pure_loss(skips, cross_entropy, *skip_images(2)),
        weights,
        alphas,
        lambda gradients: skips.optimizer.unrolled(gradients, skips.trainable_variables),
    )
    assert relative_error(found.gradients, exact) < 0.02  # rounding, measured: 0.002
    assert relative_error(direct, exact) > 0.5


@pytest.mark.slow
def test_a_bilevel_step_takes_both_steps_with_their_batches(skips):
    skips.train_step((skip_images(1), skip_images(2)))
    together = snapshot(skips.weights)
    other = new_skips()
    other.arch_step(*skip_images(2), skip_images(1))
    other.weight_step(*skip_images(1))
    assert not moved(other.weights, together)


def test_warm_up_is_the_same_in_both_orders(skips):
    before = snapshot(skips.weights)
    skips.search_alphas = False
    after = []
    for order in ("first", "second"):
        restore(skips.weights, before)
        compile_search(skips, arch_order=order)
        skips.train_step((skip_images(1), skip_images(2)))
        after.append(snapshot(skips.weights))
    assert not moved(skips.weights, after[0])
    assert moved(skips.weights, before)


def test_an_order_without_its_batch_is_refused(skips):
    with pytest.raises(ValueError, match="needs `train`, the batch of the weights"):
        skips.arch_step(*skip_images())


def step_of(model, run):
    """How far one bilevel step takes all weights and statistics."""
    compile_second(model)
    before = snapshot(model.weights)
    run(model)
    return [now - old for now, old in zip(snapshot(model.weights), before, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"rematerialize": True}], ids=str)
def test_a_traced_step_of_shared_cells_is_the_same(skips, options):
    def train(model):
        model.train_step((skip_images(1), skip_images(2)))

    model = pd.Supernet(**skips.get_config() | {"space": skips.space} | options)
    model.build((None, 8, 8, 3))
    received = step_of(model, tf.function(train, autograph=False))
    assert relative_error(received, step_of(skips, train)) < 1e-3


# Settings.


def compiled(order, dtype="float32", optimizer=None):
    model = pd.Supernet(pd.SearchSpace.full(), init_channels=2, num_layers=3, dtype=dtype)
    model.compile(optimizer or pd.weight_optimizer(), pd.arch_optimizer(), arch_order=order)
    return model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("third",), r"`arch_order` must be one of first, second\. Received: 'third'"),
        (("second", "mixed_float16"), r"needs dtype float32, .* Received: 'float16'"),
        (("second", "mixed_bfloat16"), r"needs dtype float32, .* Received: 'bfloat16'"),
        (("second", "float32", pd.arch_optimizer()), r"needs a MomentumSGD, .* Received: "),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compiled(*arguments)


def test_the_second_order_computes_in_exact_float32():
    """Not in TF32, whose rounding is larger than finite differences."""
    tf.config.experimental.enable_tensor_float_32_execution(True)
    compiled("first")
    assert tf.config.experimental.tensor_float_32_execution_enabled()
    compiled("second")
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


@pytest.mark.parametrize("order", ["first", "second"])
def test_a_file_keeps_the_order(order):
    config = compiled(order).get_compile_config()
    assert keras.saving.deserialize_keras_object(config)["arch_order"] == order


def test_a_file_without_an_order_has_the_first():
    config = compiled("second").get_compile_config()
    del config["arch_order"]
    model = build_skip_supernet()
    model.compile_from_config(config)
    assert model.arch_order == "first"
