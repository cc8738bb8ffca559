"""One cell of an evaluation network.

Reference: P-DARTS, section 4.3; DARTS (arXiv 1806.09055), section 2.1.
"""

import functools

import keras
import tensorflow as tf

from pdarts_tf.layers.operations import make_operation
from pdarts_tf.layers.preprocess import Preprocess
from pdarts_tf.layers.regularization import drop_path, split_seed
from pdarts_tf.layers.source import SourceViews


class EvaluationCell(keras.layers.Layer):
    """One cell of an evaluation network: two operations lead to every node, which adds them up.

    Args:
        layout: its place in the network, a `stacking.CellLayout`.
        edges: (operation, input) pairs, two per node, as in a `Genotype`.
        concat: the nodes that make up the output.
        seed: of the initialization.
    """

    def __init__(self, layout, edges, concat, seed, **kwargs):
        super().__init__(autocast=False, **kwargs)  # the rate of drop-path stays as exact as it is
        self.channels = layout.channels
        self.layout = layout
        self.sources = tuple(source for _, source in edges)
        self.concat = tuple(concat)
        self.input_stride = 2 if layout.reduction else 1
        stride = 2 if layout.reduction_prev else 1
        self.preprocess = [
            Preprocess(layout.channels, stride, seed=seed, name="preprocess0"),
            Preprocess(layout.channels, seed=seed + 10, name="preprocess1"),
        ]
        self.operations = [
            make_operation(
                primitive,
                self.input_stride if source < 2 else 1,
                seed=seed + 10 * (i + 2),
                name=f"operation_{i}",
            )
            for i, (primitive, source) in enumerate(edges)
        ]

    @property
    def norms(self):
        """All batch norms of the cell."""
        operations = [norm for operation in self.operations for norm in operation.norms]
        return [layer.norm for layer in self.preprocess] + operations

    @property
    def kind(self):
        """What cells of one genotype have in common that compute the same: layout and shapes."""
        return self.layout, *(tuple(variable.shape) for variable in self.variables)

    @property
    def output_channels(self):
        """Channels of the concatenated nodes."""
        return len(self.concat) * self.channels

    def build(self, input_shapes):
        """Builds the layers for the shapes of the outputs of the two cells before."""
        for layer, shape in zip(self.preprocess, input_shapes, strict=True):
            layer.build(shape)
        for operation in self.operations:
            operation.build((None, None, None, self.channels))

    def call(self, inputs, dropping=None, training=False):
        """Returns (batch, height, width, output_channels) from the outputs of the two cells before.

        Args:
            inputs: two tensors (batch, height, width, channels).
            dropping: None, or (rate, seed, first_image) of drop-path: a scalar, two int32, and see
                `regularization.drop_elements`.
            training: normalize by the batch and update running statistics.
        """
        nodes = [
            layer(x, training=training) for layer, x in zip(self.preprocess, inputs, strict=True)
        ]
        views = [SourceViews(x, self.input_stride) for x in nodes]
        drops = self._drops(dropping)
        for first in range(0, len(self.operations), 2):
            terms = [
                drops[i](self.operations[i].apply_to(views[self.sources[i]], training))
                for i in (first, first + 1)
            ]
            nodes.append(tf.add_n(terms))
            views.append(SourceViews(nodes[-1], 1))
        return tf.concat([nodes[i] for i in self.concat], -1)

    def _drops(self, dropping):
        """Returns what follows each operation: drop-path, or nothing after an identity."""
        if dropping is None:
            return [tf.identity] * len(self.operations)
        rate, seed, first_image = dropping
        seeds = tf.unstack(split_seed(seed, len(self.operations)))
        return [
            tf.identity
            if operation.is_identity
            else functools.partial(drop_path, rate=rate, seed=s, first_image=first_image)
            for operation, s in zip(self.operations, seeds, strict=True)
        ]
