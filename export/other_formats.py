"""The exported network for other runtimes: one file that takes pixels and gives logits.

TensorFlow Lite's converter comes with TensorFlow; ONNX needs requirements-onnx.txt.
"""

import pathlib

import numpy as np
import tensorflow as tf

from export import exporter, versions, warmup
from pdarts_tf.data.augmentation import normalize
from pdarts_tf.errors import InputError
from pdarts_tf.runs.files import write_whole

SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx"}
_OPSET = 17


def write(form, network, data, export_dir, version=None):
    """Writes MODEL/<version>.tflite or .onnx, and the names of the classes beside it.

    The file is beside the directories that TensorFlow Serving loads, not among them. Input:
    `images` float32 (batch, height, width, channels), pixels from 0 to 255. Outputs:
    `probabilities` and `logits`, float32 (batch, num_classes).

    Args:
        form: a key of `SUFFIXES`.
        network, data: see `exporter.load_network`.
        export_dir: the model's directory; made if missing.
        version: its number; above all that are there if None.

    Returns:
        Lines for people.

    Raises:
        VersionError: the file exists.
        InputError: the converter is not installed.
        RunError: the logits are not those of the network; nothing was written.
    """
    directory = pathlib.Path(export_dir)
    path = _free_path(directory, SUFFIXES[form], version)
    content = _CONVERTERS[form](exporter.served_model(network, data))
    pixels = warmup.example_images(data["image_shape"], 1)
    images = normalize(tf.constant(pixels), data["mean"], data["std"])
    expected = network(images, training=False).numpy()
    received = _RUNNERS[form](content, pixels.astype(np.float32))
    difference = exporter.compare(expected, received)
    directory.mkdir(parents=True, exist_ok=True)
    names = "".join(f"{name}\n" for name in data["class_names"])
    write_whole(path.with_suffix(".classes.txt"), names)
    write_whole(path, content)
    return (
        f"Exported {path}: {len(content):,} bytes\n"
        f"Its logits differ from the network's by {difference:.1e} at most."
    )


def _free_path(directory, suffix, version):
    if version is None:
        files = (int(file.stem) for file in directory.glob(f"*{suffix}") if file.stem.isdecimal())
        version = max(files, default=0) + 1
    path = directory / f"{version}{suffix}"
    if path.exists():
        raise versions.VersionError(f"{path} exists, and is never overwritten; leave out --version")
    return path


def _function(model):
    """Returns the function that is converted."""

    def predict(images):
        logits = model.pixel_logits(images)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    spec = tf.TensorSpec((None, *model.image_shape), tf.float32, name="images")
    return tf.function(predict, input_signature=[spec], autograph=False)


def _to_tflite(model):
    function = _function(model).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()


def _to_onnx(model):
    try:
        import tf2onnx
    except ImportError as error:
        raise InputError("--format=onnx needs: pip install -r requirements-onnx.txt") from error
    function = _function(model)
    spec = function.input_signature
    return tf2onnx.convert.from_function(function, spec, opset=_OPSET)[0].SerializeToString()


def _run_tflite(content, images):
    interpreter = tf.lite.Interpreter(model_content=content)
    return interpreter.get_signature_runner()(images=images)["logits"]


def _run_onnx(content, images):
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": images})[0]


_CONVERTERS = {"tflite": _to_tflite, "onnx": _to_onnx}
_RUNNERS = {"tflite": _run_tflite, "onnx": _run_onnx}
