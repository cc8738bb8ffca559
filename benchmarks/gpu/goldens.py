"""How far a device is from the official numbers: exactly, with TF32, and in bfloat16."""

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.gpu.cases import Case
from benchmarks.gpu.setup import configure
from benchmarks.gpu.sizes import Sizes

GOLDENS = pathlib.Path(__file__).parents[2] / "tests" / "goldens"
DTYPES = {"float32": "float32", "tf32": "float32", "bfloat16": "mixed_bfloat16"}
"""Dtype policy by precision, the exact one first."""


def measure(case: Case, sizes: Sizes) -> Iterator[dict[str, float]]:
    """Yields the relative differences so far: {precision, network, and what was compared: value}.

    A difference is the largest one, as a share of the largest official value.
    """
    tf = configure(case)
    precisions = list(DTYPES) if tf.config.list_physical_devices("GPU") else ["float32", "bfloat16"]
    found: dict[str, float] = {}
    for precision in precisions:
        tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
        for stage in sizes.goldens:
            differences = _supernet(tf, stage, DTYPES[precision])
            found |= {f"{precision} stage {stage} {k}": v for k, v in differences.items()}
            yield found
        if sizes.golden_network:
            differences = _network(tf, DTYPES[precision])
            found |= {f"{precision} network {k}": v for k, v in differences.items()}
            yield found


def _supernet(tf: Any, stage: int, dtype: str) -> dict[str, float]:
    """Compares logits, loss, and the gradients of the alphas."""
    import pdarts_tf as pd
    from pdarts_tf.training.bilevel import cross_entropy

    golden = _load(f"supernet_stage{stage}")
    space = pd.SearchSpace(golden["switches_normal"], golden["switches_reduce"])
    model = pd.Supernet(space, init_channels=4, num_layers=5, dtype=dtype)
    model.build((None, 16, 16, 3))
    pd.load_torch_state_dict(model, _weights(golden))

    def forward_and_backward(images, labels):
        alphas = [variable.value for variable in model.arch_variables]
        with tf.GradientTape() as tape:
            tape.watch(alphas)
            logits = model(images, training=True, differentiate="architecture")
            loss = cross_entropy(labels, logits)
        return logits, loss, *tape.gradient(loss, alphas)

    inference = tf.function(lambda images: model(images), autograph=False)
    received = [inference(_nhwc(golden["train/x"]))]
    step = tf.function(forward_and_backward, autograph=False)
    received += step(_nhwc(golden["valid/x"]), golden["valid/y"])
    gradients = ("valid/grad/alphas_normal", "valid/grad/alphas_reduce")
    names = ("eval_logits", "valid/logits", "valid/loss", *gradients)
    return {
        name: _difference(value, golden[name]) for name, value in zip(names, received, strict=True)
    }


def _network(tf: Any, dtype: str) -> dict[str, float]:
    """Compares the logits of inference and of training."""
    import pdarts_tf as pd

    golden = _load("network_cifar_pdarts")
    model = pd.EvaluationNetwork(
        pd.GENOTYPES["PDARTS"], init_channels=4, num_layers=5, auxiliary=True, dtype=dtype
    )
    model.build((None, 32, 32, 3))
    pd.load_torch_state_dict(model, _weights(golden))
    images = _nhwc(golden["x"])
    inference = tf.function(lambda x: model(x, training=False), autograph=False)
    training = tf.function(lambda x: model(x, training=True), autograph=False)
    received = [inference(images), *training(images)]
    names = ("eval_logits", "train_logits", "aux_logits")
    return {
        name: _difference(value, golden[name]) for name, value in zip(names, received, strict=True)
    }


def _load(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDENS / f"{name}.npz") as file:
        return dict(file)


def _weights(golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    prefix = "before/"
    return {k.removeprefix(prefix): v for k, v in golden.items() if k.startswith(prefix)}


def _nhwc(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 2, 3, 1)


def _difference(received: Any, expected: np.ndarray) -> float:
    largest = np.abs(np.asarray(received, np.float32) - expected).max()
    return float(largest / np.abs(expected).max())
