"""Warm-up requests, which a server answers before it announces a version as available.

TensorFlow optimizes a graph in its first call, which would take seconds of the first client's time.
"""

import os
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,  # noqa: F401, registers messages that prediction_log needs
    predict_pb2,
    prediction_log_pb2,
)

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


def records(model_name: str, image_shape: Sequence[int]) -> list[prediction_log_pb2.PredictionLog]:
    """Returns one request per signature and batch size.

    Args:
        model_name: Name of the model on the server.
        image_shape: (height, width, channels).
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


def write(path: str | os.PathLike[str], logs: Iterable[prediction_log_pb2.PredictionLog]) -> None:
    """Writes requests to a TFRecord file, the format that a server reads."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def _predict(
    model_name: str, signature: str, key: str, values: np.ndarray
) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log)


def _classify(model_name: str, encoded: Iterable[bytes]) -> prediction_log_pb2.PredictionLog:
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = CLASSIFY
    request.input.example_list.examples.extend(example(each) for each in encoded)
    log = prediction_log_pb2.ClassifyLog(request=request)
    return prediction_log_pb2.PredictionLog(classify_log=log)
