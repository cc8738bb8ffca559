"""Parameters and multiply-accumulates of models, exact and without building them.

They follow from the model's arguments (`cost.counting`); tests compare them with the variables of
built networks and with the counts of the official code.
"""

from collections.abc import Sequence

import numpy as np

from pdarts_tf.cost.counting import (
    Block,
    auxiliary_parameters,
    network_blocks,
    supernet_blocks,
    total,
)
from pdarts_tf.models.network import EvaluationNetwork
from pdarts_tf.models.supernet import SearchNetwork
from pdarts_tf.stems import image_divisor

Model = EvaluationNetwork | SearchNetwork

_RGB = 3


def model_blocks(model: Model, image_size: int | Sequence[int]) -> list[Block]:
    """Returns the blocks of a model in the order of execution, without an auxiliary head.

    Args:
        model: An `EvaluationNetwork` or a `Supernet`. If it is not built, images of three channels
            are assumed.
        image_size: Pixels along a side, or (height, width).

    Raises:
        ValueError: The model is neither, or cannot take such images.
    """
    height, width = np.broadcast_to(image_size, 2).tolist()
    if isinstance(model, EvaluationNetwork):
        blocks = network_blocks(
            model.genotype,
            model.init_channels,
            model.num_layers,
            model.num_classes,
            model.stem,
            (height, width),
            model.stem_layers[0].kernel.shape[2] if model.built else _RGB,
        )
        return blocks if model.include_top else blocks[:-1]  # the last is the classifier
    if isinstance(model, SearchNetwork):
        return supernet_blocks(
            model.space,
            model.init_channels,
            model.num_layers,
            model.num_classes,
            model.stem,
            (height, width),
            model.stem_kernel.shape[2] if model.built else _RGB,
        )
    raise ValueError(f"`model` must be an EvaluationNetwork or a Supernet. Received: {model!r}")


def count_parameters(model: Model, include_auxiliary: bool = False) -> int:
    """Returns the number of trainable parameters.

    Args:
        model: An `EvaluationNetwork`, or a `Supernet`, whose alphas are not counted.
        include_auxiliary: Whether to count the auxiliary head, if the model has one. Published
            figures leave it out, since it only serves training.

    Raises:
        ValueError: The model is neither.

    Example:

    >>> from pdarts_tf.genotype import GENOTYPES
    >>> count_parameters(EvaluationNetwork(GENOTYPES["PDARTS"], init_channels=4, num_layers=3))
    9070
    """
    # Parameters do not depend on the size of the images: the smallest one will do.
    stem = getattr(model, "stem", "cifar")  # `model_blocks` refuses what is no model
    parameters = total(model_blocks(model, image_divisor(stem))).parameters
    if include_auxiliary and getattr(model, "auxiliary_head", None) is not None:
        parameters += auxiliary_parameters(
            model.genotype, model.init_channels, model.num_layers, model.num_classes
        )
    return parameters


def count_macs(model: Model, image_size: int | Sequence[int]) -> int:
    """Returns the multiply-accumulates of the convolutions and the classifier for one image.

    Args:
        model: An `EvaluationNetwork` (its auxiliary head does not count), or a `Supernet` with all
            its candidates.
        image_size: Pixels along a side, or (height, width).

    Raises:
        ValueError: The model is neither, or cannot take such images.

    Example:

    >>> from pdarts_tf.genotype import GENOTYPES
    >>> network = EvaluationNetwork(GENOTYPES["PDARTS"], init_channels=4, num_layers=3)
    >>> count_macs(network, image_size=32)
    2134656
    """
    return total(model_blocks(model, image_size)).macs
