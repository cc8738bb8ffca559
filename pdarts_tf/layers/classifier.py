"""The dense layer that ends a network."""

import keras

from pdarts_tf.layers.convolution import fan_in_uniform


def make_classifier(num_classes: int, fan_in: int, *, seeds: tuple[int, int]) -> keras.layers.Dense:
    """Returns a dense layer of logits, which stays float32 in mixed precision.

    Args:
        num_classes: Number of logits.
        fan_in: Number of features.
        seeds: Seeds of the initialization of kernel and bias.
    """
    kernel, bias = (fan_in_uniform(fan_in, seed) for seed in seeds)
    return keras.layers.Dense(
        num_classes,
        kernel_initializer=kernel,
        bias_initializer=bias,
        dtype="float32",
        name="classifier",
    )
