"""Flags that searches and trainings share: where a run reads, writes and computes."""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

from flags.command_line import SETTINGS, recipe_path
from flags.fields import define_flags, given_fields, is_auto, read_flags
from flags.importing import define_plugins
from flags.kinds import define_finite, define_path
from pdarts_tf.config import CheckpointConfig
from pdarts_tf.runs.options import RunOptions, callbacks_named
from pdarts_tf.training.devices import DISTRIBUTIONS, GPU_MEMORY, Devices

MAX_CPU_DEVICES = 256
_MAX_DIGITS = 18  # of a step: more than an integer of TensorFlow can count


def define_run_flags(
    command: str, module_name: str, flag_values: flags.FlagValues = flags.FLAGS
) -> Callable[[], RunOptions]:
    """Defines the flags of a command, and returns a function that reads them.

    The function also reads the environment variable TF_CONFIG. It raises DevicesError or
    ConfigError if the values do not fit each other.

    Args:
        command: "search" or "train".
        module_name: Module whose flags they are, for `--help`.
        flag_values: Where to define them.
    """
    where: dict[str, Any] = {"module_name": module_name, "flag_values": flag_values}
    define_flags(CheckpointConfig, module_name, flag_values)
    data_dir, output_dir, cache_dir = _define_directories(command, where)
    devices = _define_devices(where)
    gpu_memory = flags.DEFINE_enum(
        "gpu_memory",
        "grow",
        list(GPU_MEMORY),
        "Memory to take of each GPU: grow, as much as the run needs; or all, at once.",
        **where,
    )
    callbacks = flags.DEFINE_list(
        "callbacks",
        [],
        "Keras callbacks to add, such as those of MLflow: functions that make them, as "
        "package.module:function.",
        **where,
    )
    plugins = define_plugins(**where)
    dry_run, memory_limit = _define_dry_run(where)
    max_megapixels = define_max_megapixels(**where)
    profile_steps = _define_profile_steps(where)
    return lambda: RunOptions(
        data_dir=data_dir.value,
        output_dir=output_dir.value,
        devices=devices(),
        checkpoints=read_flags(CheckpointConfig, flag_values),
        profile_steps=None if profile_steps.value is None else _steps(profile_steps.value),
        compilation_cache_dir=cache_dir.value,
        dry_run=dry_run.value,
        memory_limit_gb=memory_limit.value,
        max_megapixels=max_megapixels.value,
        gpu_memory=gpu_memory.value,
        auto_batch_size=is_auto("batch_size", flag_values),
        given=_given(command, flag_values),
        callbacks=callbacks_named(callbacks.value),
        plugins=tuple(plugins.value),
        words=tuple(sys.argv[1:]),
    )


def _given(command: str, flag_values: flags.FlagValues) -> frozenset[str] | None:
    """Returns the settings that were given; None if a recipe sets the others."""
    if recipe_path(command, str(flag_values["dataset"].value)) is not None:
        return None
    return given_fields(SETTINGS[command], flag_values)


def _define_directories(command: str, where: dict[str, Any]) -> tuple[Any, Any, Any]:
    data_dir = define_path(
        "data_dir",
        "Directory of the data, to which TFDS downloads; by default ~/tensorflow_datasets.",
        **where,
    )
    output_dir = define_path(
        "output_dir",
        f"Run directory; by default runs/{command}_<dataset>_seed<seed>.",
        **where,
    )
    compilation_cache_dir = define_path(
        "compilation_cache_dir",
        "With --jit_compile: directory that keeps what XLA has compiled, so that a run that starts "
        "or resumes once more need not compile the same again; only for equal processors or GPUs.",
        **where,
    )
    return data_dir, output_dir, compilation_cache_dir


def _define_devices(where: dict[str, Any]) -> Callable[[], Devices]:
    distribution = flags.DEFINE_enum(
        "distribution",
        "auto",
        list(DISTRIBUTIONS),
        "Distribution strategy: one device; mirrored, all GPUs of this machine; multi_worker, all "
        "GPUs of the machines in TF_CONFIG; or auto, all GPUs available.",
        **where,
    )
    num_cpu_devices = flags.DEFINE_integer(
        "num_cpu_devices",
        1,
        "Number of logical devices to split the CPU into, to try --distribution=mirrored out "
        "without GPUs.",
        upper_bound=MAX_CPU_DEVICES,
        **where,
    )
    return lambda: Devices.from_environment(distribution.value, num_cpu_devices.value)


def _define_dry_run(where: dict[str, Any]) -> tuple[Any, Any]:
    dry_run = flags.DEFINE_boolean(
        "dry_run",
        False,
        "Read the data, print what would run and the memory it would take, and exit.",
        **where,
    )
    memory_limit = define_finite(
        "memory_limit_gb",
        None,
        "With --dry_run: print the largest batch size for so many GiB of memory.",
        **where,
    )
    flags.register_multi_flags_validator(
        ["memory_limit_gb", "dry_run"],
        _limit_fits,
        "it is for --dry_run only",
        where["flag_values"],
    )
    return dry_run, memory_limit


def define_max_megapixels(**where: Any) -> "flags.FlagHolder[float]":
    """Defines the flag that limits the size of images, for commands that read or serve them.

    Args:
        **where: Arguments of absl's functions that define flags.
    """
    limit = flags.DEFINE_float(
        "max_megapixels",
        RunOptions.max_megapixels,
        "Largest size of an encoded image, in millions of pixels; larger ones are refused before "
        "they are decoded.",
        **where,
    )
    flags.register_validator(
        limit,
        lambda value: value is None or 0 < value < math.inf,
        "expected a positive number, such as 64",
        where.get("flag_values", flags.FLAGS),
    )
    return limit


def _limit_fits(values: Mapping[str, Any]) -> bool:
    return values["dry_run"] or values["memory_limit_gb"] is None


def _define_profile_steps(where: dict[str, Any]) -> "flags.FlagHolder[list[str] | None]":
    steps = flags.DEFINE_list(
        "profile_steps",
        None,
        "First and last step to profile for TensorBoard, such as 10,20; steps are counted from 1, "
        "from the start of the process.",
        **where,
    )
    flags.register_validator(
        steps,
        lambda words: words is None or _steps(words) is not None,
        "expected two steps of at least 1, the first not after the last, such as 10,20",
        where["flag_values"],
    )
    return steps


def _steps(words: list[str]) -> tuple[int, int] | None:
    """The two steps, None if they are not valid."""
    if len(words) != 2 or not all(map(_is_step, words)):
        return None
    first, last = map(int, words)
    return (first, last) if 1 <= first <= last else None


def _is_step(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= _MAX_DIGITS
