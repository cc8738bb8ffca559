"""Warm-up requests, which a server answers before it announces a version as available.

TensorFlow optimizes a graph in its first call, which would take seconds of the first client's time.

The requests are protocol buffers of TensorFlow Serving. They are encoded here, so that an export
does not need the package that has their classes, tensorflow-serving-api; a test compares the bytes
with those of its classes.

Reference: https://protobuf.dev/programming-guides/encoding; prediction_log.proto, predict.proto,
classification.proto, input.proto and model.proto in tensorflow_serving/apis.
"""

import os
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from export.client_model import CLASSIFY, CLASSIFY_FEATURE, PREDICT, PREDICT_INPUT

PATH = "assets.extra/tf_serving_warmup_requests"
BATCH_SIZES = (1, 4)


def example_images(image_shape: Sequence[int], count: int) -> npt.NDArray[np.uint8]:
    """Returns smooth images, the same in every call.

    Args:
        image_shape: (height, width, channels).
        count: Number of images.

    Returns:
        Pixels (count, height, width, channels).

    Example:

    >>> example_images((8, 12, 3), 2).shape
    (2, 8, 12, 3)
    """
    height, width, channels = image_shape
    rows = np.linspace(0, 1, height)[:, None, None]
    columns = np.linspace(0, 1, width)[None, :, None]
    phases = np.arange(count)[:, None, None, None] + np.arange(channels) / channels
    waves = 1 + np.sin(5 * (rows + columns) + 2 * phases)
    return np.round(127.5 * waves).astype(np.uint8)


def records(model_name: str, image_shape: Sequence[int]) -> list[bytes]:
    """Returns one request per signature and batch size.

    Args:
        model_name: Name of the model on the server.
        image_shape: (height, width, channels).

    Returns:
        Encoded messages `tensorflow.serving.PredictionLog`.
    """
    logs = []
    for size in BATCH_SIZES:
        images = example_images(image_shape, size)
        encoded = [tf.io.encode_png(image).numpy() for image in images]
        logs += [
            _predict(model_name, "serving_default", "images", images.astype(np.float32)),
            _predict(model_name, PREDICT, PREDICT_INPUT, np.array(encoded, object)),
            _classify(model_name, encoded),
        ]
    return logs


def example(encoded: bytes) -> tf.train.Example:
    """Returns the `tf.train.Example` of one encoded image, as the signature classify expects it."""
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    return tf.train.Example(features=tf.train.Features(feature={CLASSIFY_FEATURE: feature}))


def write(path: str | os.PathLike[str], logs: Iterable[bytes]) -> None:
    """Writes requests to a TFRecord file, the format that a server reads."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log)


def _predict(model_name: str, signature: str, key: str, values: np.ndarray) -> bytes:
    tensor = tf.make_tensor_proto(values).SerializeToString()
    inputs = _field(1, key.encode()) + _field(2, tensor)  # an entry of a map
    request = _field(1, _model_spec(model_name, signature)) + _field(2, inputs)
    return _field(6, _field(1, request))  # PredictionLog.predict_log.request


def _classify(model_name: str, encoded: Iterable[bytes]) -> bytes:
    examples = b"".join(_field(1, example(each).SerializeToString()) for each in encoded)
    request = _field(1, _model_spec(model_name, CLASSIFY)) + _field(2, _field(1, examples))
    return _field(2, _field(1, request))  # PredictionLog.classify_log.request


def _model_spec(name: str, signature: str) -> bytes:
    return _field(1, name.encode()) + _field(3, signature.encode())


def _field(number: int, content: bytes) -> bytes:
    """Returns a string, or a message in a message: tag, length, content."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Returns an integer in groups of seven bits, lowest first, all but the last marked.

    Example:

    >>> _varint(300).hex()
    'ac02'
    """
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])
