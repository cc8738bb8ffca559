"""Requests that a server answers before it says that a version is available.

TensorFlow optimizes a graph when it is first asked for: without warm-up, seconds of the first
client's time.
"""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,  # noqa: F401, registers messages that prediction_log needs
    predict_pb2,
    prediction_log_pb2,
)

from export.client_model import CLASSIFY_FEATURE

PATH = "assets.extra/tf_serving_warmup_requests"
BATCH_SIZES = (1, 4)


def example_images(image_shape, count):
    """Returns smooth pictures, uint8 (count, height, width, channels), the same ones every time."""
    height, width, channels = image_shape
    rows = np.linspace(0, 1, height)[:, None, None]
    columns = np.linspace(0, 1, width)[None, :, None]
    phases = np.arange(count)[:, None, None, None] + np.arange(channels) / channels
    return np.uint8(np.round(127.5 * (1 + np.sin(5 * (rows + columns) + 2 * phases))))


def records(model_name, image_shape):
    """Returns one `PredictionLog` per signature and batch size.

    Args:
        model_name: that the server will know the model by.
        image_shape: (height, width, channels).
    """
    logs = []
    for size in BATCH_SIZES:
        images = example_images(image_shape, size)
        encoded = [tf.io.encode_png(image).numpy() for image in images]
        logs += [
            _predict(model_name, "serving_default", "images", images.astype(np.float32)),
            _predict(model_name, "predict_bytes", "image_bytes", np.array(encoded, object)),
            _classify(model_name, encoded),
        ]
    return logs


def example(encoded):
    """Returns the `tf.Example` of one encoded image."""
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    return tf.train.Example(features=tf.train.Features(feature={CLASSIFY_FEATURE: feature}))


def write(path, logs):
    """Writes records as a server reads them."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def _predict(model_name, signature, key, values):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log)


def _classify(model_name, encoded):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = "classify"
    request.input.example_list.examples.extend(example(each) for each in encoded)
    log = prediction_log_pb2.ClassifyLog(request=request)
    return prediction_log_pb2.PredictionLog(classify_log=log)
