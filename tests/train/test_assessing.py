"""Assessment of a network on a split: its answers, and the images of its mistakes."""

import base64
import io

import numpy as np
import tensorflow as tf
from PIL import Image

from pdarts_tf.data.images import Split
from pdarts_tf.data.pipeline import evaluation_batches
from pdarts_tf.train.assessing import assess, thumbnail

LABELS = np.array([0, 1, 0, 1, 1])
IMAGES = np.zeros((5, 8, 8, 1), np.uint8)
IMAGES[[0, 3, 4]] = 255  # 0: dark, 1: light; so the images 0 and 1 are wrong


class Brightness(tf.Module):
    """Logits by the mean of an image."""

    num_classes = 2

    def __call__(self, images, training):
        light = tf.reduce_mean(images, (1, 2, 3))
        return tf.stack([-light, light], 1)


def test_answers_to_a_split_are_assessed_whatever_the_batches():
    split = Split(IMAGES, LABELS)
    for batch_size in (2, 8):  # the last batch is padded
        found = assess(Brightness(), evaluation_batches(split, batch_size, [0.5], [0.5]), split)
        assert found.confusion == [[1, 1], [1, 2]]
        assert [each.index for each in found.mistakes] == [0, 1]


def test_mistakes_bear_their_images():
    split = Split(IMAGES, LABELS)
    found = assess(Brightness(), evaluation_batches(split, 8, [0.5], [0.5]), split)
    pictures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(each.thumbnail))))
        for each in found.mistakes
    ]
    np.testing.assert_array_equal(pictures, IMAGES[:2, ..., 0])


def test_large_images_are_shown_small():
    picture = base64.b64decode(thumbnail(np.zeros((200, 100, 3), np.uint8)))
    assert Image.open(io.BytesIO(picture)).size == (32, 64)
