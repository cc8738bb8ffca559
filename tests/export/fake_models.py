"""The models of a stand-in for tensorflow_model_server: versions in directories, loaded and run.

SavedModels are loaded the way the server does, as a graph with a session and the signatures'
tensor names. Every version that is in a model's directory at the moment is served. Failures have
the server's error codes and messages.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2

# TensorFlow's error codes, which are gRPC's too.
INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, FAILED_PRECONDITION = 3, 5, 8, 9
_AVAILABLE, _END = 30, 50  # states of a version
_CLASSIFY_METHOD = "tensorflow/serving/classify"


class Failure(Exception):
    """A request without answer: TensorFlow's error code and message."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


class Servable:
    """One loaded version of a model."""

    def __init__(self, directory: Path):
        graph = tf.Graph()
        with graph.as_default():
            self._session = tf.compat.v1.Session(graph=graph)
            meta_graph = tf.compat.v1.saved_model.load(self._session, ["serve"], str(directory))
        self.signatures = meta_graph.signature_def

    def run(self, name, inputs):
        """Outputs by name; the inputs, by name too, are in the order and number asked for."""
        signature = self.signatures[name]
        if set(inputs) != set(signature.inputs):
            raise Failure(INVALID_ARGUMENT, "input size does not match signature")
        feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
        try:
            fetches = {key: value.name for key, value in signature.outputs.items()}
            return self._session.run(fetches, feeds)
        except tf.errors.OpError as error:
            message = error.message.removeprefix("Graph execution error:\n\n")
            raise Failure(error.error_code, message) from error

    def classify(self, name, examples):
        """Class names and scores of serialized examples."""
        if name not in self.signatures:
            raise Failure(INVALID_ARGUMENT, f"No signature was found with the name: {name}")
        if self.signatures[name].method_name != _CLASSIFY_METHOD:
            raise Failure(
                INVALID_ARGUMENT,
                f"Expected classification signature method_name to be {_CLASSIFY_METHOD}. "
                f"Was: {self.signatures[name].method_name}",
            )
        outputs = self.run(name, {"inputs": np.array(examples, object)})
        return outputs["classes"], outputs["scores"]


@dataclass
class Models:
    """The models by name, each in a directory of versions, and the requests so far."""

    directories: dict[str, Path]
    requests: list[tuple[str, int | None]] = field(default_factory=list)
    _loaded: dict[Path, Servable] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def versions(self, name):
        """Servables, or the failures to load them, by version."""
        root = self.directories.get(name)
        found = sorted(path for path in root.iterdir() if path.name.isdigit()) if root else []
        return {int(path.name): self._load(path) for path in found}

    def find(self, name, version, request):
        """A version's number and servable; the newest version's if none is asked for."""
        self.requests.append((request, version))
        ready = {k: v for k, v in self.versions(name).items() if isinstance(v, Servable)}
        if version not in ready and (version is not None or not ready):
            asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise Failure(NOT_FOUND, f"Servable not found for request: {asked}")
        number = max(ready) if version is None else version
        return number, ready[number]

    def status(self, name):
        """The status of all versions, as GetModelStatusResponse."""
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, servable in self.versions(name).items():
            item = response.model_version_status.add(version=version, state=_AVAILABLE)
            item.status.error_code = 0
            if isinstance(servable, Failure):
                item.state = _END
                item.status.error_code, item.status.error_message = servable.code, str(servable)
        if not response.model_version_status:
            raise Failure(NOT_FOUND, f"Could not find any versions of model {name}")
        return response

    def _load(self, path):
        with self._lock:
            if path not in self._loaded:
                try:
                    self._loaded[path] = Servable(path)
                except OSError as error:
                    return Failure(NOT_FOUND, str(error))
            return self._loaded[path]
