"""Feeds tensors of any shape to a SavedModel by the names of its tensors, as a server does.

    python -I feed_as_server.py ONEDNN MODEL/1 SHAPE...

Prints what came of every shape of images, of two wrong shapes of encoded images, and at last of a
valid request. Like a server's session it does not check shapes before it runs the graph.
"""

import os
import sys

onednn, directory, *shapes = sys.argv[1:]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = onednn
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.core.protobuf import config_pb2  # noqa: E402

session = tf.compat.v1.Session(graph=tf.Graph())
with session.graph.as_default():
    signatures = tf.compat.v1.saved_model.load(session, ["serve"], directory).signature_def


def answer(name, key, value):
    """The shape of the logits, or the name of the error."""
    signature, options = signatures[name], config_pb2.CallableOptions()
    options.feed.append(signature.inputs[key].name)
    options.fetch.extend([signature.outputs["logits"].name, signature.outputs["classes"].name])
    try:
        # Unlike Session.run, this leaves the check of shapes to the graph.
        return session._make_callable_from_options(options)(value)[0].shape
    except tf.errors.OpError as error:
        return type(error).__name__


for shape in shapes:
    sizes = [int(size) for size in shape.split(",") if size]
    print(answer("serving_default", "images", np.full(sizes, 100, np.float32)))
print(answer("predict_bytes", "image_bytes", np.array(b"one", object)))
print(answer("predict_bytes", "image_bytes", np.array([[b"one"]], object)))
valid = [each.size for each in signatures["serving_default"].inputs["images"].tensor_shape.dim][1:]
print(answer("serving_default", "images", np.full([1, *valid], 100, np.float32)))
