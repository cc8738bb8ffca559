"""Loads a SavedModel as TensorFlow Serving does, in an interpreter that knows nothing of us.

    python -I load_as_server.py MODEL/1 requests.npz answers.npz

Answers the requests, replays the warm-up file record by record, and prints what went wrong with
damaged images. Run with -I, so that neither this project nor the working directory is on the path.
"""

import json
import os
import sys

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["keras"] = None  # type: ignore[assignment] # TensorFlow would import it by itself; from here on nobody can
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import inference_pb2, prediction_log_pb2  # noqa: E402, F401

directory, requests_path, answers_path = sys.argv[1:]
session = tf.compat.v1.Session(graph=tf.Graph())
with session.graph.as_default():
    signatures = tf.compat.v1.saved_model.load(session, ["serve"], directory).signature_def


def run(name, key, value):
    """What a signature answers, by the names of its tensors."""
    signature = signatures[name]
    outputs = {output: info.name for output, info in signature.outputs.items()}
    return session.run(outputs, {signature.inputs[key].name: value})


def replay(log):
    """Answers one record of the warm-up file; returns (signature, batch size)."""
    if log.HasField("predict_log"):
        request = log.predict_log.request
        ((key, value),) = request.inputs.items()
        values = tf.make_ndarray(value)
    else:
        request = log.classify_log.request
        examples = request.input.example_list.examples
        key, values = "inputs", np.array([e.SerializeToString() for e in examples], object)
    name = request.model_spec.signature_name
    answer = run(name, key, values)
    if any(len(each) != len(values) for each in answer.values()):
        raise SystemExit(f"{name}: an output has another batch size than the request")
    return name, len(values)


answers: dict = {}
with np.load(requests_path, allow_pickle=True) as requests:
    for label in requests.files:
        name, key = label.split("/")
        if name != "damaged":
            answers |= {f"{name}/{k}": v for k, v in run(name, key, requests[label]).items()}
    errors = []
    for damaged in requests["damaged/image_bytes"]:
        try:
            run("predict_bytes", "image_bytes", np.array([damaged], object))
            errors.append("none")
        except tf.errors.OpError as error:
            errors.append(type(error).__name__)
    after = run("predict_bytes", "image_bytes", requests["predict_bytes/image_bytes"])
    answers["after/logits"] = after["logits"]
warmup = os.path.join(directory, "assets.extra", "tf_serving_warmup_requests")
records = list(tf.compat.v1.io.tf_record_iterator(warmup))
replayed = [replay(prediction_log_pb2.PredictionLog.FromString(record)) for record in records]
np.savez(answers_path, **answers)


def described(infos):
    """Types and shapes by name."""
    return {k: [v.dtype, [d.size for d in v.tensor_shape.dim]] for k, v in infos.items()}


def operations_of(nodes, functions):
    """The operations of nodes, and of all functions that they call."""
    found = {node.op for node in nodes}
    called = {
        name
        for node in nodes
        for value in node.attr.values()
        for name in [value.func.name, *(each.name for each in value.list.func)]
        if name in functions
    }
    for name in called:
        found |= operations_of(functions[name].node_def, functions)
    return found


graph = session.graph.as_graph_def()
outputs = [
    info.name.split(":")[0]
    for signature in signatures.values()
    if signature.method_name  # else it is the initialization
    for info in signature.outputs.values()
]
used = tf.compat.v1.graph_util.extract_sub_graph(graph, outputs).node
functions = {function.signature.name: function for function in graph.library.function}
print(
    json.dumps(
        {
            "errors": errors,
            "replayed": replayed,
            "signatures": {
                name: {
                    "method": signature.method_name,
                    "inputs": described(signature.inputs),
                    "outputs": described(signature.outputs),
                }
                for name, signature in signatures.items()
            },
            "ours": sorted({"pdarts_tf", "export", "flags"} & set(sys.modules)),
            "operations": sorted(operations_of(used, functions)),
        }
    )
)
