"""Export of a trained network for other runtimes, as one file from pixels to logits.

The converter to TensorFlow Lite is part of TensorFlow; that to ONNX comes with the extra `onnx`.
"""

import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from export import exporter, versions, warmup
from export.signatures import ServedModel
from pdarts_tf.data.augmentation import normalize
from pdarts_tf.errors import InputError
from pdarts_tf.exported_models import as_number
from pdarts_tf.layers.device_kind import traced_for
from pdarts_tf.models.network import EvaluationNetwork
from pdarts_tf.runs.files import write_whole

SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx"}
_OPSET = 17
_Floats = npt.NDArray[np.float32]


def write(
    file_format: str,
    network: EvaluationNetwork,
    data: Mapping[str, Any],
    export_dir: str | os.PathLike[str],
    *,
    version: int | None = None,
) -> str:
    """Writes MODEL/<version>.tflite or .onnx, and the names of the classes beside it.

    The file is beside the directories that TensorFlow Serving loads, not among them. Input:
    `images` float32 (batch, height, width, channels), pixels from 0 to 255. Outputs:
    `probabilities` and `logits`, float32 (batch, num_classes).

    Args:
        file_format: A key of `SUFFIXES`.
        network: Trained network.
        data: Description of its data, see `stored_network`.
        export_dir: Directory of the model; created if missing.
        version: Version number; the one after the highest existing one if None.

    Returns:
        A summary of several lines.

    Raises:
        VersionError: If the file exists.
        InputError: If the converter is not installed.
        RunError: If the logits are not those of the network; nothing is written.
    """
    directory = pathlib.Path(export_dir)
    path = _free_path(directory, SUFFIXES[file_format], version)
    content = _CONVERTERS[file_format](exporter.served_model(network, data))
    pixels = warmup.example_images(data["image_shape"], 1)
    images = normalize(tf.constant(pixels), data["mean"], data["std"])
    expected = network(images, training=False).numpy()
    received = _RUNNERS[file_format](content, pixels.astype(np.float32))
    difference = exporter.compare(expected, received)
    directory.mkdir(parents=True, exist_ok=True)
    names = "".join(f"{name}\n" for name in data["class_names"])
    write_whole(path.with_suffix(".classes.txt"), names)
    write_whole(path, content)
    return (
        f"Exported {path}: {len(content):,} bytes\n"
        f"Its logits differ from the network's by {difference:.1e} at most."
    )


def _free_path(directory: pathlib.Path, suffix: str, version: int | None) -> pathlib.Path:
    if version is None:
        found = (as_number(file.stem) for file in directory.glob(f"*{suffix}"))
        version = max((number for number in found if number is not None), default=0) + 1
    path = directory / f"{version}{suffix}"
    if path.exists():
        raise versions.VersionError(f"{path} exists, and is never overwritten; leave out --version")
    return path


def _function(model: ServedModel) -> Any:
    """Returns the `tf.function` to convert, which computes a whole batch at once.

    The operations are those for a CPU, also on a machine with a GPU: they are what was tested.
    """

    def predict(images: tf.Tensor) -> dict[str, tf.Tensor]:
        with traced_for("CPU"):
            logits = model.pixel_logits(images)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    spec = tf.TensorSpec((None, *model.image_shape), tf.float32, name="images")
    return tf.function(predict, input_signature=[spec], autograph=False)


def _to_tflite(model: ServedModel) -> bytes:
    function = _function(model).get_concrete_function()
    content: bytes = tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()
    return content


def _to_onnx(model: ServedModel) -> bytes:
    try:
        import onnxruntime  # noqa: F401, which runs the file afterwards
        import tf2onnx
    except ImportError as error:
        raise InputError("--format=onnx needs the extra: pip install 'pdarts-tf[onnx]'") from error
    function = _function(model)
    proto, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=_OPSET)
    content: bytes = proto.SerializeToString()
    return content


def _run_tflite(content: bytes, images: _Floats) -> _Floats:
    interpreter = tf.lite.Interpreter(model_content=content)
    logits: _Floats = interpreter.get_signature_runner()(images=images)["logits"]
    return logits


def _run_onnx(content: bytes, images: _Floats) -> _Floats:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    logits: _Floats = session.run(["logits"], {"images": images})[0]
    return logits


_CONVERTERS: dict[str, Callable[[ServedModel], bytes]] = {"tflite": _to_tflite, "onnx": _to_onnx}
_RUNNERS: dict[str, Callable[[bytes, _Floats], _Floats]] = {
    "tflite": _run_tflite,
    "onnx": _run_onnx,
}
