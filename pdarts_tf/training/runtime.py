"""TensorFlow's setup for this kind of network: many small operations, and nothing random."""

import warnings
from types import ModuleType

from pdarts_tf.startup import import_tensorflow
from pdarts_tf.training import compilation_cache, gpus

# Passes over graphs that take as long as they save; on a CPU steps are 4 to 6 % faster without.
_OPTIMIZERS_OFF = (
    "arithmetic_optimization",
    "constant_folding",
    "dependency_optimization",
    "loop_optimization",
    "shape_optimization",
)
# It would compute convolutions, pools and batch norms in NCHW, and transpose between them and the
# matrix products, which stand for 1x1 convolutions, hundreds of times a step. Not measured.
_OPTIMIZERS_OFF_ON_GPU = ("layout_optimizer",)


def configure(
    num_cpu_devices: int = 1,
    gpu_memory: str = "grow",
    compilation_cache_dir: str | None = None,
) -> None:
    """Imports TensorFlow, and sets memory of GPUs, graph optimizers and determinism.

    Call it once, before anything is computed.

    Args:
        num_cpu_devices: logical devices that the CPU is split into.
        gpu_memory: "grow" to take the memory of GPUs on demand, "all" to take all of it at once.
        compilation_cache_dir: Directory for what XLA compiles, see `compilation_cache`; if any.
    """
    if compilation_cache_dir is not None:
        compilation_cache.keep_in(compilation_cache_dir)
    tf = import_tensorflow()
    try:
        _set_devices(tf, num_cpu_devices, gpu_memory)
    except RuntimeError as error:
        warnings.warn(
            f"TensorFlow has computed something before, so its devices stay as they are ({error})",
            RuntimeWarning,
            stacklevel=2,
        )
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    off = _OPTIMIZERS_OFF + (_OPTIMIZERS_OFF_ON_GPU if has_gpu else ())
    tf.config.optimizer.set_experimental_options(dict.fromkeys(off, False))
    tf.config.experimental.enable_op_determinism()
    # Without a seed, random operations refuse to work from now on, such as the shuffling of Keras'
    # `fit` later in a notebook. Nothing in a run depends on it.
    tf.random.set_seed(0)


def _set_devices(tf: ModuleType, num_cpu_devices: int, gpu_memory: str) -> None:
    if num_cpu_devices > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        split = [tf.config.LogicalDeviceConfiguration()] * num_cpu_devices
        tf.config.set_logical_device_configuration(cpu, split)
    _set_gpu_memory(tf, gpu_memory)


def _set_gpu_memory(tf: ModuleType, gpu_memory: str) -> None:
    listed = tf.config.list_physical_devices("GPU")
    if listed:
        gpus.cards()  # while TensorFlow has taken nothing
    if gpu_memory == "grow":
        for each in listed:
            tf.config.experimental.set_memory_growth(each, True)
