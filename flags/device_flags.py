"""Flags that say which devices a run uses."""

from collections.abc import Callable

from absl import flags

from pdarts_tf.training.devices import DISTRIBUTIONS, Devices


def define_device_flags(module_name: str) -> Callable[[], Devices]:
    """Defines the flags, and returns a function that reads them and TF_CONFIG.

    The function raises DevicesError if they do not fit each other.
    """
    distribution = flags.DEFINE_enum(
        "distribution",
        "auto",
        list(DISTRIBUTIONS),
        "Devices that share each batch: one; mirrored, all GPUs of this machine; multi_worker, "
        "those of all machines in TF_CONFIG; auto, as many of these as there are.",
        module_name=module_name,
    )
    num_cpu_devices = flags.DEFINE_integer(
        "num_cpu_devices",
        1,
        "Split the CPU into so many devices, to try --distribution=mirrored out without GPUs.",
        module_name=module_name,
    )
    return lambda: Devices.from_environment(distribution.value, num_cpu_devices.value)
