"""Flags that select the devices of a run."""

from collections.abc import Callable

from absl import flags

from pdarts_tf.training.devices import DISTRIBUTIONS, Devices


def define_device_flags(module_name: str) -> Callable[[], Devices]:
    """Defines the flags, and returns a function that reads them and TF_CONFIG.

    The function raises DevicesError if they conflict.

    Args:
        module_name: Module that defines the flags, for `--help`.
    """
    distribution = flags.DEFINE_enum(
        "distribution",
        "auto",
        list(DISTRIBUTIONS),
        "Distribution strategy: one device; mirrored, all GPUs of this machine; multi_worker, all "
        "GPUs of the machines in TF_CONFIG; or auto, all GPUs available.",
        module_name=module_name,
    )
    num_cpu_devices = flags.DEFINE_integer(
        "num_cpu_devices",
        1,
        "Number of logical devices to split the CPU into, to try --distribution=mirrored without "
        "GPUs.",
        module_name=module_name,
    )
    return lambda: Devices.from_environment(distribution.value, num_cpu_devices.value)
