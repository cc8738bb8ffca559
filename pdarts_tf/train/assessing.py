"""Assessment of a network on the images of a split."""

import base64
import dataclasses
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image

from pdarts_tf.data.decoding import in_memory
from pdarts_tf.data.images import AnySplit, EncodedSplit
from pdarts_tf.models.network import EvaluationNetwork
from pdarts_tf.train.assessment import Answers, Assessment, Mistake

_THUMBNAIL = 64  # pixels along the longer side


def assess(network: EvaluationNetwork, batches: Iterable[Any], split: AnySplit) -> Assessment:
    """Returns what the answers of a network are worth, with the images of the worst mistakes.

    Args:
        network: A network with its weights.
        batches: Batches of the split, see `pipeline.evaluation_batches`.
        split: The images.
    """
    probabilities = tf.function(
        lambda images: tf.nn.softmax(network(images, training=False)), autograph=False
    )
    answers = Answers(network.num_classes)
    for images, labels, weights in batches:
        counted = weights.numpy() > 0
        answers.add(probabilities(images).numpy()[counted], labels.numpy()[counted])
    found = answers.assessment()
    return dataclasses.replace(found, mistakes=_shown(found.mistakes, split))


def _shown(mistakes: Iterable[Mistake], split: AnySplit) -> list[Mistake]:
    """Returns mistakes with the names of their files and their thumbnails."""
    mistakes = list(mistakes)
    if not mistakes:
        return []
    wrong = split.take(np.array([each.index for each in mistakes]))
    names = [""] * len(mistakes)
    if isinstance(wrong, EncodedSplit):
        names = [wrong.contents.name(i) for i in range(len(mistakes))]
    pictures = in_memory(wrong).images
    return [
        dataclasses.replace(mistake, image=name, thumbnail=thumbnail(picture))
        for mistake, name, picture in zip(mistakes, names, pictures, strict=True)
    ]


def thumbnail(pixels: npt.NDArray[np.uint8]) -> str:
    """Returns an image as a small PNG file in Base64.

    Args:
        pixels: (height, width, channels), of 1, 3 or 4 channels.
    """
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
