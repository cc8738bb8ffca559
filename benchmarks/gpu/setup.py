"""TensorFlow as a case asks for it, and which devices there are."""

import os
import platform
import resource
import shutil
import subprocess
from typing import Any

from benchmarks.gpu.cases import Case


def configure(case: Case) -> Any:
    """Sets TensorFlow up and returns it."""
    from pdarts_tf.training import runtime

    runtime.configure()
    import tensorflow as tf
    from tensorflow.python.framework import config

    if not case.deterministic:
        config.disable_op_determinism()
    tf.config.experimental.enable_tensor_float_32_execution(case.precision != "float32")
    return tf


def wait(tf: Any) -> None:
    """Returns when the device has computed all that it was given."""
    tf.test.experimental.sync_devices()


def peak_memory_mb(tf: Any) -> float:
    """Returns the most memory of the GPU, or without one of this process, that was in use so far.

    In MiB.
    """
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> dict[str, Any]:
    """Returns what there is to know of the machine: card, driver, versions."""
    tf = configure(Case("machine"))
    import keras

    gpus = tf.config.list_physical_devices("GPU")
    found: dict[str, Any] = {
        "gpus": [tf.config.experimental.get_device_details(each) for each in gpus],
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    if gpus and shutil.which("nvidia-smi"):
        fields = "name,driver_version,memory.total"
        query = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]
        done = subprocess.run(query, capture_output=True, text=True, check=False)
        found["nvidia_smi"] = done.stdout.strip()
    return found
