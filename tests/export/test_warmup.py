"""Warm-up requests are encoded as the classes of tensorflow-serving-api encode them."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,  # noqa: F401, registers messages that prediction_log needs
    predict_pb2,
    prediction_log_pb2,
)

from export import warmup

NAME = "pdarts-ü" * 30  # longer than 127 bytes, the longest that a single byte can tell


def encoded_images(size):
    images = warmup.example_images((8, 12, 3), size)
    return images, [tf.io.encode_png(image).numpy() for image in images]


def prediction(signature, key, values):
    """A PredictionLog of a predict request."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, signature
    request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log)


def classification(encoded):
    """A PredictionLog of a classify request."""
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, "classify"
    request.input.example_list.examples.extend(map(warmup.example, encoded))
    log = prediction_log_pb2.ClassifyLog(request=request)
    return prediction_log_pb2.PredictionLog(classify_log=log)


@pytest.fixture(scope="module")
def records():
    return warmup.records(NAME, (8, 12, 3))


@pytest.mark.parametrize("position", range(len(warmup.BATCH_SIZES)))
def test_records_are_those_of_the_messages(records, position):
    images, encoded = encoded_images(warmup.BATCH_SIZES[position])
    expected = [
        prediction("serving_default", "images", images.astype(np.float32)),
        prediction("predict_bytes", "image_bytes", np.array(encoded, object)),
        classification(encoded),
    ]
    received = records[3 * position : 3 * position + 3]
    assert received == [each.SerializeToString() for each in expected]


def test_records_are_read_back_by_the_message(records):
    log = prediction_log_pb2.PredictionLog.FromString(records[0])
    assert log.predict_log.request.model_spec.name == NAME
