"""The inference graph of an evaluation network, reduced to what serving needs.

No batch norms (they are folded into kernels), no auxiliary head, no drop-path, no variables: the
weights are constants, which lets TensorFlow lay them out for its kernels once. What an operation
computes is defined in `pdarts_tf.layers.forms`, for training and inference alike.
"""

from collections.abc import Callable

import tensorflow as tf

from export.folding import FoldedKernels
from pdarts_tf.layers.device_kind import traced_for
from pdarts_tf.layers.forms import compute_pixels, factorized_reduce
from pdarts_tf.layers.operations import Operation
from pdarts_tf.layers.preprocess import Preprocess
from pdarts_tf.layers.source import SourceViews
from pdarts_tf.layers.stem import ConvNorm, apply_stem
from pdarts_tf.models.cells import EvaluationCell
from pdarts_tf.models.network import EvaluationNetwork
from pdarts_tf.stems import STEMS

LogitsFunction = Callable[[tf.Tensor], tf.Tensor]

PART = 8
"""Number of images that are computed together, see `in_parts`."""


def inference_function(network: EvaluationNetwork) -> LogitsFunction:
    """Returns the function that a trained network computes in inference.

    Args:
        network: Built; its weights are copied.

    Returns:
        A function of normalized images (batch, height, width, channels), height and width known,
        that returns logits (batch, num_classes).
    """
    stem = [_stem_layer(layer) for layer in network.stem_layers]
    reads_two = STEMS[network.stem].reads_two
    cells = [_cell(cell) for cell in network.cells]
    kernel, bias = network.head.kernel.numpy(), network.head.bias.numpy()

    def logits(images: tf.Tensor) -> tf.Tensor:
        before, last = apply_stem(stem, images, reads_two=reads_two)
        # Two cells read every output: they share its relu.
        views = [SourceViews(before, 2), SourceViews(last, 2)]
        for cell in cells:
            views = [views[1], SourceViews(cell(*views), 2)]
        pooled = tf.reduce_mean(views[1].x, (1, 2))
        return tf.nn.bias_add(tf.matmul(pooled, kernel), bias)

    return logits


def for_device(logits: LogitsFunction, kind: str) -> LogitsFunction:
    """Returns the same function in the form for a kind of device.

    On a CPU it computes a batch in parts, see `in_parts`; on a GPU, whose processors share the
    images of a batch among themselves, the whole batch at once, without a loop.

    Args:
        logits: Function of images (batch, height, width, channels) to logits.
        kind: One of `device_kind.KINDS`, whichever of them this process has.

    Raises:
        ValueError: When the function is called, if the kind is unknown.
    """
    form = in_parts(logits) if kind == "CPU" else logits

    def traced(images: tf.Tensor) -> tf.Tensor:
        with traced_for(kind):
            return form(images)

    return traced


def in_parts(logits: LogitsFunction) -> LogitsFunction:
    """Returns the same function, which computes `PART` images of a batch at a time.

    What a part needs stays in the processor's caches, and two parts at a time leave no core idle at
    the end of a cell: a third faster for 64 CIFAR images on two cores.

    Args:
        logits: Function of images (batch, height, width, channels) to logits.
    """

    def in_turn(images: tf.Tensor) -> tf.Tensor:
        count = tf.maximum(1, (tf.shape(images)[0] + PART - 1) // PART)
        results = tf.TensorArray(tf.float32, count, infer_shape=False)
        _, results = tf.while_loop(
            lambda i, _: i < count,
            lambda i, done: (i + 1, done.write(i, logits(images[i * PART : (i + 1) * PART]))),
            (0, results),
        )
        return results.concat()

    return in_turn


def _stem_layer(layer: ConvNorm) -> Callable[[tf.Tensor], tf.Tensor]:
    folded = FoldedKernels([layer.kernel], [layer.norm])
    strides = layer.stride, layer.stride
    return lambda x: folded.conv_norm(x, kernel=0, norm=0, strides=strides)


def _cell(cell: EvaluationCell) -> Callable[[SourceViews, SourceViews], tf.Tensor]:
    """Returns the function of a cell, from the views of its inputs to its output."""
    preprocess = [_preprocess(layer) for layer in cell.preprocess]
    operations = [lower(each) for each in cell.operations]

    def apply(before: SourceViews, last: SourceViews) -> tf.Tensor:
        nodes = [layer(x) for layer, x in zip(preprocess, (before, last), strict=True)]
        views = [SourceViews(x, cell.input_stride) for x in nodes]
        for first in range(0, len(operations), 2):
            nodes.append(
                tf.add_n([operations[i](views[cell.sources[i]]) for i in (first, first + 1)])
            )
            views.append(SourceViews(nodes[-1], 1))
        return tf.concat([nodes[i] for i in cell.concat], -1)

    return apply


def _preprocess(layer: Preprocess) -> Callable[[SourceViews], tf.Tensor]:
    folded = FoldedKernels(layer.kernels, [layer.norm])
    if layer.stride == 2:
        return lambda views: factorized_reduce(views, folded)
    return lambda views: folded.pointwise_norm(views.relu, kernel=0, norm=0)


def lower(operation: Operation) -> Callable[[SourceViews], tf.Tensor]:
    """Returns the function that a built `Operation` computes in inference.

    Args:
        operation: Its weights are copied.

    Returns:
        A function of the views of the source, for the operation's stride, that returns (batch,
        height / stride, width / stride, channels).
    """
    folded = FoldedKernels(operation.kernels, operation.norms)
    return lambda views: compute_pixels(operation.primitive, views, folded)
