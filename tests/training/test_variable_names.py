"""The names of variables in checkpoints, and their order.

Another name, and a run begun with an earlier version cannot be resumed; another order, and the
norm of its gradients is rounded differently. These are the names of the first version.
"""

import pdarts_tf as pd
from pdarts_tf.runs.checkpoint import metrics_of, variables_of
from pdarts_tf.training.supervised import SupervisedNetwork

CELL = [("skip_connect", 0), ("sep_conv_3x3", 1)]
MOVING = ("moving_mean", "moving_variance")
NORM = ("gamma", "beta", *MOVING)
DENSE = ("kernel", "bias")
NOT_TRAINED = (*MOVING, "alphas_normal", "alphas_reduce", "forward_passes", "_rate")


def under(prefix, *names):
    return [f"{prefix}/{name}" for name in names]


def kernels(count):
    return [f"kernel_{i}" for i in range(count)]


def preprocess(index, count, norm):
    return under(f"preprocess{index}", *kernels(count), *under("norm", *norm))


def search_cell(index, first, *stacks):
    inputs = preprocess(0, first, MOVING) + preprocess(1, 1, MOVING)
    return under(f"cell_{index}", *inputs, *under("mixed", *stacks, *MOVING))


def evaluation_cell(index, first, *skip):
    convolution = kernels(4) + under("norm_0", *NORM) + under("norm_1", *NORM)
    operations = [*under("operation_0", *skip), *under("operation_1", *convolution)]
    inputs = preprocess(0, first, NORM) + preprocess(1, 1, NORM)
    return under(f"cell_{index}", *inputs, *operations)


STACKS = ("depthwise_3", "pointwise_1", "depthwise_5")
SUPERNET = [
    "stem_kernel",
    "alphas_normal",
    "alphas_reduce",
    "skip_dropout_rate",
    "forward_passes",
    *under("stem_norm", *NORM),
    *under("classifier", *DENSE),
    *search_cell(0, 1, *STACKS),
    *search_cell(1, 1, "half_1", *STACKS),
    *search_cell(2, 2, "half_1", *STACKS),
]
REDUCING = (*kernels(2), *under("norm_0", *NORM))
NETWORK = [
    "drop_path_rate",
    "forward_passes",
    *under("stem_0", "kernel", *under("norm", *NORM)),
    *evaluation_cell(0, 1),
    *evaluation_cell(1, 1, *REDUCING),
    *evaluation_cell(2, 2, *REDUCING),
    *under("auxiliary_head", *kernels(2), *under("norm_0", *NORM), *under("norm_1", *NORM)),
    *under("auxiliary_head/classifier", *DENSE),
    *under("classifier", *DENSE),
]


def velocities(model, names):
    """Of the optimizer of the weights, which come in the order of the weights."""
    paths = [f"{model}/{name}" for name in names if not name.endswith(NOT_TRAINED)]
    return [path.replace("/", "_") + "_velocity" for path in paths]


def means(*names):
    return [f"metrics/{name}/{part}" for name in names for part in ("total", "count")]


def test_names_of_a_supernet():
    model = pd.Supernet(
        pd.SearchSpace.full(),
        init_channels=2,
        num_layers=3,
        skip_dropout_rate=0.5,
        name="supernet",
    )
    model.build((None, 8, 8, 3))
    model.compile(pd.weight_optimizer(), pd.arch_optimizer())
    model.build_optimizers()
    alphas = [
        f"supernet_alphas_{cell}_{moment}"
        for cell in ("normal", "reduce")
        for moment in ("mean", "square")
    ]
    state = ("iteration", "learning_rate")
    assert list(variables_of(model, model.optimizer, model.arch_optimizer)) == [
        *under("model/supernet", *SUPERNET),
        *under("weights/weights", *state, *velocities("supernet", SUPERNET)),
        *under("architecture/architecture", *state, *alphas),
    ]
    assert list(metrics_of(model)) == means(
        "loss",
        "accuracy",
        "weight_grad_norm",
        "arch_loss",
        "arch_accuracy",
        "arch_grad_norm",
        "valid_loss",
        "valid_accuracy",
    )


def test_names_of_a_network():
    model = SupervisedNetwork(
        pd.Genotype(CELL, [2], CELL, [2]),
        init_channels=2,
        num_layers=3,
        auxiliary=True,
        dtype="mixed_float16",
        name="network",
    )
    model.build((None, 24, 24, 3))
    model.compile(pd.weight_optimizer())
    model.optimizer.build(model.trainable_variables)
    state = ("iteration", "learning_rate", *velocities("network", NETWORK))
    scale = ("loss_scale", "steps_of_loss_scale")
    assert list(variables_of(model, model.optimizer)) == [
        *under("model/network", *NETWORK),
        *under("weights/weights", *state, *scale),
    ]
    assert list(metrics_of(model)) == means(
        "loss", "accuracy", "weight_grad_norm", "test_loss", "test_accuracy", "test_top5"
    )
