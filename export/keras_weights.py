"""Networks in plain Keras, which the texts of `keras_source` build, with trained weights."""

import contextlib
import importlib.util
import math
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export import exporter, warmup
from export.keras_source import live_nodes
from pdarts_tf.data.augmentation import normalize
from pdarts_tf.genotype import EDGES_PER_NODE, NUM_INPUT_NODES
from pdarts_tf.layers.normalization import BatchNormalization
from pdarts_tf.models.network import EvaluationNetwork

_CHECKED_IMAGES = 4


@dataclass(frozen=True, eq=False)
class PlainNetwork:
    """A network in plain Keras.

    Args:
        model: The functional model.
        layers: Its layers in the order in which the text makes them.
    """

    model: keras.Model
    layers: list[keras.layers.Layer]

    @property
    def num_parameters(self) -> int:
        """Number of its parameters."""
        return sum(math.prod(weight.shape) for weight in self.model.trainable_weights)

    def weights_file(self) -> bytes:
        """Returns the content of a file that `load_weights` reads."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "plain_network.weights.h5")
            self.model.save_weights(path)
            return path.read_bytes()


def build(source: str) -> PlainNetwork:
    """Returns the network that a text builds.

    Args:
        source: Text that `keras_source.network_source` has made: it is run.
    """
    with _module(source) as module:
        recorder = _Recorder()
        module.layers = recorder  # type: ignore[attr-defined]
        return PlainNetwork(module.build(), recorder.made)


class _Recorder:
    """`keras.layers` for a text; keeps the layers, whose order in a model is another."""

    def __init__(self) -> None:
        self.made: list[keras.layers.Layer] = []

    def __getattr__(self, name: str) -> Any:
        def make(*arguments: Any, **options: Any) -> keras.layers.Layer:
            self.made.append(getattr(keras.layers, name)(*arguments, **options))
            return self.made[-1]

        return make


@contextlib.contextmanager
def _module(source: str) -> Iterator[ModuleType]:
    """Imports a text as a module, which is in no list of modules."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "plain_network.py")
        path.write_text(source, "utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def copy_weights(network: EvaluationNetwork, plain: PlainNetwork) -> None:
    """Gives a network in plain Keras the weights of an evaluation network.

    Args:
        network: Built.
        plain: The network that the text of its genotype and sizes builds.
    """
    # Both have their kernels in one order, and their batch norms.
    parts = list(_parts(network))
    kernels = (_as_4d(kernel.numpy()) for each, _ in parts for kernel in each)
    norms = (norm for _, each in parts for norm in each)
    for layer in plain.layers:
        match layer:
            case keras.layers.SeparableConv2D():
                layer.set_weights([next(kernels), next(kernels)])
            case keras.layers.Conv2D():
                layer.set_weights([next(kernels)])
            case keras.layers.BatchNormalization():
                norm = next(norms)
                values = norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance
                layer.set_weights([value.numpy() for value in values])
            case keras.layers.Dense():
                layer.set_weights(network.head.get_weights())


def _parts(
    network: EvaluationNetwork,
) -> Iterator[tuple[Sequence[keras.Variable], Sequence[BatchNormalization]]]:
    """Yields (kernels, batch norms) in the order of execution, of what the text has."""
    for stem in network.stem_layers:
        yield [stem.kernel], [stem.norm]
    for cell in network.cells:
        for layer in cell.preprocess:
            yield layer.kernels, [layer.norm]
        names = [operation.primitive for operation in cell.operations]
        live = live_nodes(list(zip(names, cell.sources, strict=True)), cell.concat)
        for i, operation in enumerate(cell.operations):
            if NUM_INPUT_NODES + i // EDGES_PER_NODE in live:
                yield operation.kernels, operation.norms


def _as_4d(kernel: np.ndarray) -> np.ndarray:
    """Returns a kernel, of 1x1 convolutions too, as (height, width, in, out)."""
    return kernel if kernel.ndim == 4 else kernel[np.newaxis, np.newaxis]


def trained_network(
    network: EvaluationNetwork, source: str, data: Mapping[str, Any]
) -> tuple[PlainNetwork, float]:
    """Returns a trained network in plain Keras, compared with what it stands for.

    Args:
        network: Trained network, in float32.
        source: Its text.
        data: Description of its data, see `stored_network`.

    Returns:
        (the network, largest difference of a logit).

    Raises:
        RunError: If the logits differ by more than rounding.
    """
    plain = build(source)
    copy_weights(network, plain)
    pixels = warmup.example_images(data["image_shape"], _CHECKED_IMAGES)
    images = normalize(tf.constant(pixels), data["mean"], data["std"])
    expected = network(images, training=False).numpy()
    return plain, exporter.compare(expected, plain.model(images, training=False).numpy())
