"""The inference graph of an evaluation network: what serving has to compute, and nothing else.

No batch norms (they are folded into kernels), no auxiliary head, no drop-path, no variables: the
weights are constants, which lets TensorFlow lay them out for its kernels once. What an operation
reads and how it is padded is decided in `pdarts_tf.layers`, for training and inference alike.
"""

import tensorflow as tf

from export.folding import fold, fold_halves
from pdarts_tf.layers import convolution
from pdarts_tf.layers.source import SourceViews

PART = 8
"""Images that are computed together, see `in_parts`."""


def inference_function(network):
    """Returns what a trained network computes in inference.

    Args:
        network: a built `EvaluationNetwork`; its weights are copied.

    Returns:
        A function of normalized images (batch, height, width, channels), height and width known,
        that returns logits (batch, num_classes).
    """
    stem = [_stem_layer(layer) for layer in network.stem_layers]
    cells = [_cell(cell) for cell in network.cells]
    kernel, bias = network.head.kernel.numpy(), network.head.bias.numpy()

    def logits(images):
        before = last = stem[0](images)
        for layer in stem[1:]:
            before, last = last, layer(tf.nn.relu(last))
        # Two cells read every output: they share its relu.
        views = [SourceViews(before, 2), SourceViews(last, 2)]
        for cell in cells:
            views = [views[1], SourceViews(cell(*views), 2)]
        pooled = tf.reduce_mean(views[1].x, (1, 2))
        return tf.nn.bias_add(tf.matmul(pooled, kernel), bias)

    return logits


def in_parts(logits):
    """Returns the same function, computed for `PART` images of a batch after the other.

    What a part needs stays in the processor's caches, and two parts at a time leave no core idle at
    the end of a cell: a third faster for 64 CIFAR images on two cores.

    Args:
        logits: function of images (batch, height, width, channels) to logits.
    """

    def in_turn(images):
        count = tf.maximum(1, (tf.shape(images)[0] + PART - 1) // PART)
        results = tf.TensorArray(tf.float32, count, infer_shape=False)
        _, results = tf.while_loop(
            lambda i, _: i < count,
            lambda i, done: (i + 1, done.write(i, logits(images[i * PART : (i + 1) * PART]))),
            (0, results),
        )
        return results.concat()

    return in_turn


def _stem_layer(layer):
    folded = fold(layer.kernel.numpy(), layer.norm)
    return lambda x: folded.conv(x, (layer.stride, layer.stride))


def _cell(cell):
    """Returns the function of an `EvaluationCell`, from the views of its inputs to its output."""
    preprocess = [_preprocess(layer) for layer in cell.preprocess]
    operations = [lower(each) for each in cell.operations]

    def apply(before, last):
        nodes = [layer(x) for layer, x in zip(preprocess, (before, last), strict=True)]
        views = [SourceViews(x, cell.input_stride) for x in nodes]
        for first in range(0, len(operations), 2):
            nodes.append(
                tf.add_n([operations[i](views[cell.sources[i]]) for i in (first, first + 1)])
            )
            views.append(SourceViews(nodes[-1], 1))
        return tf.concat([nodes[i] for i in cell.concat], -1)

    return apply


def lower(operation):
    """Returns what a built `Operation` computes in inference, a function of `SourceViews`."""
    return _LOWERINGS[operation.primitive](operation)


def _preprocess(layer):
    kernels = [kernel.numpy() for kernel in layer.kernels]
    if layer.stride == 2:
        return _factorized_reduce(kernels, layer.norm)
    folded = fold(kernels[0], layer.norm)
    return lambda views: folded.pointwise(views.relu)


def _factorized_reduce(kernels, norm):
    first, second = fold_halves(kernels, norm)

    def apply(views):
        return tf.concat([first.pointwise(views.relu_even), second.pointwise(views.relu_odd)], -1)

    return apply


def _skip_connect(operation):
    if operation.is_identity:
        return lambda views: views.x
    return _factorized_reduce([kernel.numpy() for kernel in operation.kernels], operation.norms[0])


def _max_pool(operation):
    return lambda views: views.max_pool


def _avg_pool(operation):
    return lambda views: views.avg_pool


def _sep_conv(operation):
    depthwise, pointwise, depthwise_2, pointwise_2 = (k.numpy() for k in operation.kernels)
    inner = fold(pointwise, operation.norms[0])
    outer = fold(pointwise_2, operation.norms[1])

    def apply(views):
        if operation.stride == 1:
            x = convolution.depthwise(views.relu, depthwise)
        else:
            padded = views.relu_padded(depthwise.shape[0] // 2)
            x = convolution.depthwise_strided(padded, depthwise)
        x = inner.pointwise(x, tf.nn.relu)
        return outer.pointwise(convolution.depthwise(x, depthwise_2))

    return apply


def _dil_conv(operation):
    depthwise, pointwise = (kernel.numpy() for kernel in operation.kernels)
    folded = fold(pointwise, operation.norms[0])

    def apply(views):
        if operation.stride == 2:
            return folded.pointwise(convolution.depthwise(views.relu_even, depthwise))
        if not views.has_phases:
            return folded.pointwise(convolution.depthwise_dilated(views.relu, depthwise))
        phases = folded.pointwise(convolution.depthwise(views.relu_phases, depthwise))
        return convolution.join_phases(phases)

    return apply


def _conv_7x1_1x7(operation):
    row, column = (kernel.numpy() for kernel in operation.kernels)
    folded = fold(column, operation.norms[0])

    def apply(views):
        x = convolution.conv(views.relu, row, (1, operation.stride))
        return folded.conv(x, (operation.stride, 1))

    return apply


_LOWERINGS = {
    "max_pool_3x3": _max_pool,
    "avg_pool_3x3": _avg_pool,
    "skip_connect": _skip_connect,
    "sep_conv_3x3": _sep_conv,
    "sep_conv_5x5": _sep_conv,
    "sep_conv_7x7": _sep_conv,
    "dil_conv_3x3": _dil_conv,
    "dil_conv_5x5": _dil_conv,
    "conv_7x1_1x7": _conv_7x1_1x7,
}
