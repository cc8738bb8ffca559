"""What a search and a training have in common: a data set, devices, and a run directory."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pdarts_tf.data import sources
from pdarts_tf.report.page import write_report
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.stopping import StopRequest
from pdarts_tf.training import devices as device


@dataclass(frozen=True)
class Command:
    """What the search and the training differ in.

    Args:
        name: "search" or "train".
        result: the file whose presence in a run directory says that the job is finished.
        make_job: function (config, data, strategy) -> an object with a `plan` and
            `execute(run, checkpointing, callbacks)`; strategy is a `tf.distribute.Strategy`, or
            None for the present one.
        recipes: function (command's name, data set) -> the settings of its recipe, for the report.
    """

    name: str
    result: str
    make_job: Callable[..., Any]
    recipes: Callable[[str, str], Any]


def start(command, config, flags):
    """Runs a job, or tells what it would do, as the flags say.

    Args:
        command: a `Command`.
        config: the settings.
        flags: the module of the command's flags.

    Returns:
        As `run`; None after a dry run.

    Raises:
        InputError, RunError, StoppedError: see `run`.
    """
    data_dir, devices = flags.DATA_DIR.value, flags.devices()
    if flags.DRY_RUN.value:
        dry_run(command, config, data_dir, flags.MEMORY_LIMIT_GB.value)
        return None
    intervals, steps = flags.checkpoint_config(), flags.profile_steps()
    return run(command, config, intervals, devices, data_dir, flags.OUTPUT_DIR.value, steps)


def run(command, config, intervals, devices, data_dir, output_dir, profile_steps=None):
    """Runs a job in its directory, unless it has been finished there before.

    TensorFlow, which takes seconds to import, is imported only when settings and directory fit.

    Args:
        command: a `Command`.
        config: the settings, with `dataset`, `image_size` and `batch_size`.
        intervals: a `CheckpointConfig`.
        devices: the `Devices` to run on.
        data_dir: where the data lies, or None.
        output_dir: the run directory, or None for the default one.
        profile_steps: first and last step to be profiled, or None.

    Returns:
        The run directory; None in a worker that is not the chief, which has nothing to tell.

    Raises:
        InputError: settings, data, devices or directory cannot be used.
        RunError: the job could not be finished.
        StoppedError: a signal asked it to stop; there is a checkpoint.
    """
    sources.check_name(config.dataset)
    path = output_dir or run_directory.default_path(command.name, config)
    run_directory.check(path, config)
    chief = devices.task.is_chief
    if os.path.isfile(os.path.join(path, command.result)):
        if chief:
            print(f"{path} holds the finished {command.name} of these settings:")
        return path if chief else None
    from pdarts_tf.training.runtime import configure

    configure(devices.num_cpu_devices)
    with contextlib.ExitStack() as stack:
        if not chief:
            silence = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(silence))
        stack.enter_context(device.lost_workers_reported(devices.task))
        strategy = devices.make_strategy()
        device.check_batch_size(
            config.batch_size, strategy.num_replicas_in_sync, config.parts_per_device
        )
        data = sources.load_for(config, data_dir, run_directory.stored_data(path))
        job = command.make_job(config, data, strategy)
        opened = _opened(path, config, data, devices, strategy)
        run, stop = stack.enter_context(opened)
        callbacks = _profiling(stack, run, profile_steps)
        _execute(job, command, config, intervals, run, stop, callbacks)
    return path if chief else None


@contextlib.contextmanager
def _opened(path, config, data, devices, strategy):
    """The run directory, in which only the chief writes, and what asks the run to stop."""
    if not devices.multi_worker:
        with (
            run_directory.RunDirectory(path, config, data.description()) as run,
            StopRequest() as stop,
        ):
            yield run, stop
        return
    from pdarts_tf.runs import workers

    if devices.task.is_chief:
        directory = run_directory.RunDirectory(path, config, data.description())
    else:
        directory = workers.ReadOnlyDirectory(path)
    with (
        directory as run,
        StopRequest() as stop,
        workers.together(strategy, devices.task, path, stop) as agreed,
    ):
        yield run, agreed


def _profiling(stack, run, steps):
    """The callbacks that profile the steps, as far as this process may write."""
    if steps is None or not run.writes:
        return []
    from pdarts_tf.runs.profiling import Profiling

    return [stack.enter_context(Profiling(run.path / run_directory.TENSORBOARD, *steps))]


def _execute(job, command, config, intervals, run, stop, callbacks):
    from pdarts_tf.runs.checkpointing import Checkpointing

    job.execute(run, Checkpointing(run, config, intervals, stop), callbacks)
    if run.writes:
        write_report(run.path, command.recipes)


def dry_run(command, config, data_dir, memory_limit_gb):
    """Reads the data and prints what a job would do, without doing any of it.

    Args:
        command, config, data_dir: see `run`.
        memory_limit_gb: memory for which the largest batch is asked, or None.

    Raises:
        InputError: settings or data cannot be used.
    """
    sources.check_name(config.dataset)
    from pdarts_tf.training.runtime import configure

    configure()
    data = sources.load_for(config, data_dir, None)
    job = command.make_job(config, data, None)
    from pdarts_tf.runs.out_of_memory import present_memory

    print(job.plan.dry_text(present_memory(), memory_limit_gb))
