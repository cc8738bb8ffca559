"""What users of Keras' `compile`, `fit` and `evaluate` hand over, checked at once.

Checks read structures, types and static shapes: they add nothing to the graph of a step whose
batches are as the loop's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pdarts_tf.errors import quoted
from pdarts_tf.layers import replicas
from pdarts_tf.training.optimizers import TorchOptimizer

_PAIRS = (
    "a supernet learns from pairs of batches, ((images, labels), (images, labels)): the weights "
    "from the first, the alphas from the second, as of tf.data.Dataset.zip(train, valid). Weights "
    "of images stand third in their pair."
)


class LabelledImages(NamedTuple):
    """A batch.

    Args:
        images: (batch, height, width, channels).
        labels: (batch,), int32 or int64; of a training also the share of every class, (batch,
            classes), float32.
        weights: Weights of the images in the loss, (batch,) float32, or None.
    """

    images: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor | None = None


def checked_optimizer(argument: str, optimizer: object) -> TorchOptimizer:
    """Returns an optimizer that has what the steps need: clipping, L2 and the norm they report.

    Raises:
        ValueError: If it is another one, such as one of Keras'.
    """
    if isinstance(optimizer, TorchOptimizer):
        return optimizer
    function = "arch_optimizer()" if argument == "arch_optimizer" else "weight_optimizer(0.025)"
    raise ValueError(
        f"`{argument}` must be an optimizer of this package, since it also clips the gradient and "
        f"adds L2 to it, as PyTorch does: pass pdarts_tf.{function}. Received: {quoted(optimizer)}"
    )


def check_no_others(arguments: Mapping[str, object]) -> None:
    """Checks that `compile` of a supernet has got no further arguments, as of Keras' `compile`.

    Raises:
        TypeError: If there are any.
    """
    if arguments:
        raise TypeError(
            "A supernet is compiled with weight_optimizer=pdarts_tf.weight_optimizer(0.025), "
            "arch_optimizer=pdarts_tf.arch_optimizer() and arch_order; its loss is the cross "
            f"entropy, and its metrics are given. Received: {', '.join(arguments)}"
        )


def labelled_images(data: Any) -> LabelledImages:
    """Returns the batch of a step that takes (images, labels) or (images, labels, weights).

    Raises:
        ValueError: If the data has another structure, or its labels are no class numbers.

    Example:

    >>> labelled_images((tf.zeros((2, 8, 8, 3)), tf.constant([[1], [0]]))).labels.numpy()
    array([1, 0], dtype=int32)
    """
    _check_batch(data)
    images, labels, *rest = data
    weights = tf.cast(rest[0], tf.float32) if rest and rest[0] is not None else None
    return LabelledImages(images, _class_numbers(labels), weights)


def images_with_targets(data: Any, num_classes: int) -> LabelledImages:
    """Returns the batch of a training step, whose labels may be shares of classes.

    Args:
        data: As of `labelled_images`, or with floats (batch, classes) in the place of the labels.
        num_classes: Number of classes.

    Raises:
        ValueError: See `labelled_images`.

    Example:

    >>> shares = [[0.0, 1.0], [0.75, 0.25]]
    >>> images_with_targets((tf.zeros((2, 8, 8, 3)), tf.constant(shares)), 2).labels.shape
    TensorShape([2, 2])
    """
    _check_batch(data)
    images, targets, *weights = data
    targets = tf.convert_to_tensor(targets)
    if targets.dtype.is_floating and targets.shape[1:] == (num_classes,):
        targets = tf.cast(targets, tf.float32)
        return LabelledImages(images, targets, weights[0] if weights else None)
    return labelled_images(data)


def pair_of_batches(data: Any) -> tuple[LabelledImages, LabelledImages]:
    """Returns the batches of a bilevel step: for the weights, and for the alphas.

    Raises:
        ValueError: If the data has another structure, or its labels are no class numbers.
    """
    if isinstance(data, Sequence) and len(data) == 3 and data[2] is None:
        data = data[:2]  # as of Keras' `train_on_batch`
    if not isinstance(data, Sequence) or len(data) != 2 or not all(map(_is_batch, data)):
        raise ValueError(f"The data does not fit: {_PAIRS} Received: {_shown(data)}")
    train, valid = map(labelled_images, data)
    return train, valid


def check_validation(validation_data: Any, validation_split: float) -> None:
    """Checks the validation data of `fit` before its first epoch, after which they are needed.

    Args:
        validation_data: As `fit` takes it; of generators the first batch tells.
        validation_split: As `fit` takes it.

    Raises:
        ValueError: If they do not fit.
    """
    if validation_split:
        raise ValueError(
            "`validation_split` would validate on pairs of batches: leave it out, and pass "
            f"validation_data=(images, labels). Received: {quoted(validation_split)}"
        )
    data = getattr(validation_data, "element_spec", validation_data)
    if isinstance(data, Sequence):
        _check_batch(data)
        _check_labels(data[1])


def _check_batch(data: Any) -> None:
    if not _is_batch(data):
        raise ValueError(
            "What is measured are (images, labels) or (images, labels, weights of the images), "
            f"such as validation_data=(x, y). Received: {_shown(data)}"
        )


def _is_batch(data: Any) -> bool:
    if not isinstance(data, Sequence) or len(data) not in (2, 3):
        return False
    return all(not isinstance(each, Sequence | Mapping | None) for each in data[:2])


def _class_numbers(labels: Any) -> tf.Tensor:
    """Returns labels as the loss takes them; a column becomes a vector."""
    labels = tf.convert_to_tensor(labels)
    _check_labels(labels)
    if labels.shape.rank == 2:
        labels = labels[:, 0]
    return labels if labels.dtype in (tf.int32, tf.int64) else tf.cast(labels, tf.int64)


def _check_labels(labels: Any) -> None:
    """Checks labels, or what describes them, by their shape and type."""
    shape, dtype = tf.TensorShape(labels.shape), tf.as_dtype(labels.dtype)
    column = shape.rank == 2 and shape[1] == 1
    if not (dtype.is_integer and (column or shape.rank in (1, None))):
        raise ValueError(
            "Labels must be class numbers, integers of shape (batch,); tf.argmax(labels, -1) makes "
            f"them of one-hot vectors. Received: {dtype.name} of shape {shape}"
        )


def _shown(data: Any) -> str:
    """Returns the structure of data with shapes in the place of tensors."""
    shapes = tf.nest.map_structure(lambda each: str(getattr(each, "shape", type(each))), data)
    return quoted(shapes)


def class_weights(weights: Mapping[int, float], num_classes: int) -> tuple[float, ...]:
    """Returns the weight of every class of Keras' `class_weight`.

    Args:
        weights: {class number: weight}, 1 where it has none.
        num_classes: Number of classes.

    Raises:
        ValueError: If a class does not exist, or a weight is no number that is at least 0.

    Example:

    >>> class_weights({1: 2.0}, num_classes=3)
    (1.0, 2.0, 1.0)
    """
    table = [1.0] * num_classes
    for number, weight in weights.items():
        known = isinstance(number, int | np.integer) and 0 <= number < num_classes
        if not (known and isinstance(weight, int | float | np.number) and 0 <= weight < np.inf):
            raise ValueError(
                f"`class_weight` must have weights of at least 0 for classes 0 to "
                f"{num_classes - 1}. Received: {quoted(number)}: {quoted(weight)}"
            )
        table[number] = float(weight)
    return tuple(table)


def checked_class_weights(
    weights: Sequence[float] | None, num_classes: int
) -> tuple[float, ...] | None:
    """Returns the weights of all classes that `compile` is given, if any.

    Raises:
        ValueError: If there is not one weight per class, or one is no number that is at least 0.

    Example:

    >>> checked_class_weights([1.0, 3.0], num_classes=2)
    (1.0, 3.0)
    """
    if weights is None:
        return None
    if len(weights) != num_classes:
        raise ValueError(
            f"`class_weights` must have one weight for each of {num_classes} classes. "
            f"Received: {quoted(weights)}"
        )
    return class_weights(dict(enumerate(weights)), num_classes)


def check_replica(model: keras.Model, images: tf.Tensor) -> None:
    """Checks, inside the step of a replica, that the replicas can take it together.

    Args:
        model: Model of the step, with its optimizers.
        images: The replica's own.

    Raises:
        ValueError: If variables would be created in the step, or replicas may have different
            numbers of images, which would count differently.
    """
    if replicas.count() == 1:
        return
    if not (model.built and all(optimizer.built for optimizer in model.optimizers)):
        raise ValueError(
            "Before steps under a strategy, create all variables in strategy.scope(): "
            "model.build((None, height, width, channels)), model.build_optimizers()"
        )
    if images.shape[0] is None:
        raise ValueError(
            "Under a strategy all replicas need equally many images: batch with "
            f"drop_remainder=True, and a multiple of {replicas.count()} images. Received: batches "
            f"of shape {images.shape}"
        )


def build_for(model: keras.Model, data: Any) -> None:
    """Builds a model and its optimizers for the data of `fit` or `evaluate` under a strategy.

    Keras would create variables inside the first step, where replicas cannot.

    Raises:
        ValueError: If model or optimizers were created outside of the strategy's scope, or the
            model is not built and the data does not show the shape of its images.
    """
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync == 1 or not model.compiled:  # Keras says what is missing
        return
    counters = [model.forward_passes, *(each.iterations for each in model.optimizers)]
    if not all(isinstance(each.value, tf.distribute.DistributedValues) for each in counters):
        raise ValueError(
            "Create the model, its optimizers and what they are made of inside strategy.scope()"
        )
    with strategy.scope():
        if not model.built:
            model.build(_image_shape(data))
        model.build_optimizers()


def _image_shape(data: Any) -> tuple[int | None, ...]:
    leaf = tf.nest.flatten(getattr(data, "element_spec", data))[0]
    shape = getattr(leaf, "shape", None)
    if shape is None or len(shape) != 4:
        raise ValueError(
            "Under a strategy, build the model first, in strategy.scope(): "
            f"model.build((None, height, width, channels)). Received: {quoted(data)}"
        )
    return (None, *shape[1:])
