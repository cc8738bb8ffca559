"""Jobs, searches and trainings alike: from settings to a finished run directory."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pdarts_tf.data import sources
from pdarts_tf.data.images import ImageData
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.log import logger
from pdarts_tf.runs.network_choice import check_stored_network, chosen_network
from pdarts_tf.runs.next_commands import MODULES, shell_line
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.provenance import started_record
from pdarts_tf.runs.run_directory import RunDirectory, RunDirectoryError
from pdarts_tf.runs.settings_of_run import Config, LoadData, settings_of_run
from pdarts_tf.runs.stopping import Stop, StopRequest
from pdarts_tf.runs.terminal import native_messages_in
from pdarts_tf.streams import show
from pdarts_tf.training import devices as device

if TYPE_CHECKING:  # these import TensorFlow, which takes seconds
    import keras
    import tensorflow as tf

    from pdarts_tf.cost.plan import Plan
    from pdarts_tf.runs.batch_size import ChosenBatch
    from pdarts_tf.runs.epochs import Session
    from pdarts_tf.runs.observers import Observer, Result
    from pdarts_tf.runs.state import RunState


class Job(Protocol):
    """A search or a training on given data and devices.

    Attributes:
        steps: Steps per epoch.
        plan: Table of the run and of the memory it takes.
    """

    steps: int

    @property
    def plan(self) -> "Plan":
        """Table of the run and of the memory it takes."""

    def run(self, session: "Session") -> "Result":
        """Runs what is left, and returns the result."""


@dataclass(frozen=True)
class Watchers:
    """Observers and callbacks of a run.

    Args:
        observers: Told of stages, epochs and the result.
        callbacks: Keras callbacks of all steps.
    """

    observers: Sequence["Observer"] = ()
    callbacks: Sequence["keras.callbacks.Callback"] = ()


@dataclass(frozen=True)
class Command:
    """Differences between the commands that search and train.

    Args:
        name: "search" or "train".
        result: Name of the file whose presence in a run directory says that the job is finished.
        make_plan: Function of config and data that returns the plan of the job, cheaper than the
            job itself.
        make_job: Function of config, data and strategy that returns the job.
        make_watchers: Function of job, directory and state that returns who watches it.
    """

    name: str
    result: str
    make_plan: Callable[[Any, ImageData], "Plan"]
    make_job: Callable[[Any, ImageData, "tf.distribute.Strategy | None"], Job]
    make_watchers: Callable[[Any, RunDirectory, "RunState"], Watchers]


def run(
    command: Command, config: Config, options: RunOptions, load: LoadData | None = None
) -> str | None:
    """Runs a job in its directory, unless it has been finished there before.

    TensorFlow, which takes seconds to import, is imported only when settings and directory fit.

    Args:
        command: The command.
        config: Settings of the run.
        options: Where and how to run it.
        load: Loads the data; by default the data set that the settings name.

    Returns:
        The run directory. None after a dry run, and in a worker that is not the chief, which has
        nothing to tell.

    Raises:
        InputError: Settings, data, devices or directory cannot be used.
        RunError: The job could not be finished.
        StoppedError: A signal asked it to stop; there is a checkpoint.
    """
    sources.check_name(config.dataset)
    path = options.output_dir or run_directory.default_path(command.name, config)
    if options.dry_run:
        _dry_run(command, config, options, path)
        return None
    stored = _checked(path, config, options)
    chief = options.devices.task.is_chief
    if os.path.isfile(os.path.join(path, command.result)):
        if chief:
            print(f"{path} holds the finished {command.name} of these settings:")
        return path if chief else None
    with contextlib.ExitStack() as stack:
        if not chief:
            silence = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(silence))
        _run(command, config, stored, options, path, load or load_data, stack)
    return path if chief else None


def _checked(path: str, config: Config, options: RunOptions) -> Config | None:
    """Returns the settings of the run in a directory, if it is the one of these settings."""
    stored = run_directory.check(path, config, options.unset(config))
    if stored is not None:
        check_stored_network(path, stored, options)
    return stored


def _run(
    command: Command,
    config: Config,
    stored: Config | None,
    options: RunOptions,
    path: str,
    load: LoadData,
    stack: contextlib.ExitStack,
) -> None:
    from pdarts_tf.training.runtime import configure

    devices = options.devices
    configure(devices.num_cpu_devices, options.gpu_memory, options.compilation_cache_dir)
    stack.enter_context(device.lost_workers_reported(devices.task))
    strategy = devices.make_strategy()
    if "batch_size" not in options.unset(config):
        device.check_batch_size(
            config.batch_size, strategy.num_replicas_in_sync, config.parts_per_device
        )
    device.check_jit_compile(config.jit_compile, strategy.num_replicas_in_sync)
    config, lines = settings_of_run(
        config, stored, options, load, strategy.num_replicas_in_sync * config.parts_per_device
    )
    data = load(config, options, run_directory.stored_data(path))
    for note in data.notes:
        print(note)
    if stored is None:
        config, line_of_network = chosen_network(config, data, options)
        lines += line_of_network
    if options.auto_batch_size:
        recorded = None if stored is None else stored.batch_size
        chosen = _chosen_batch(command, config, data, options, strategy, recorded)
        config = dataclasses.replace(config, batch_size=chosen.size)
        lines.append(chosen.line(config.learning_rate))
    job = command.make_job(config, data, strategy)
    line = None if options.words is None else shell_line(MODULES[command.name], *options.words)
    opened = _opened(path, config, data, options, strategy, line)
    directory, stop = stack.enter_context(opened)
    if line is not None and directory.writes:
        stack.enter_context(native_messages_in(directory.path / run_directory.LOG))
    for each in lines:
        logger().info(each)
    finish(job, command.make_watchers, config, options, directory, stop)


def _chosen_batch(
    command: Command,
    config: Config,
    data: ImageData,
    options: RunOptions,
    strategy: "tf.distribute.Strategy",
    recorded: int | None,
) -> "ChosenBatch":
    """The batch of --batch_size=auto: that of the run, or the largest that fits on all workers."""
    from pdarts_tf.runs.batch_size import chosen_batch
    from pdarts_tf.runs.room import measured_room
    from pdarts_tf.training.devices_in_use import devices_in_use

    room = measured_room(devices_in_use(strategy))
    chosen = chosen_batch(config, lambda c: command.make_plan(c, data), room, recorded)
    if options.devices.multi_worker:
        from pdarts_tf.runs import workers

        size = workers.smallest(strategy, options.devices.task, chosen.size)
        chosen = chosen.limited(size)
    device.check_batch_size(chosen.size, strategy.num_replicas_in_sync, config.parts_per_device)
    return chosen


def finish(
    job: Job,
    make_watchers: Callable[[Any, RunDirectory, "RunState"], Watchers],
    config: Config,
    options: RunOptions,
    directory: RunDirectory,
    stop: Stop,
) -> "Result":
    """Runs what is left of a job in its open directory, and writes the result.

    Args:
        job: The search or training.
        make_watchers: Function of job, directory and state that returns who watches it; called
            only in the process that writes.
        config: Settings of the run.
        options: When checkpoints are written, and which steps are profiled.
        directory: The open run directory.
        stop: Tells whether the run has been asked to stop.

    Returns:
        The result, whose files are in the directory.

    Raises:
        RunError, StoppedError: See `run`.
    """
    from pdarts_tf.runs.callbacks import OnceATraining
    from pdarts_tf.runs.epochs import Session
    from pdarts_tf.runs.observers import Observers
    from pdarts_tf.runs.state import Checkpoints

    checkpoints = Checkpoints(directory, config, options.checkpoints)
    state = checkpoints.load(job.steps)
    watchers = make_watchers(job, directory, state) if directory.writes else Watchers()
    observer = Observers(watchers.observers)
    with contextlib.ExitStack() as stack:
        profiling = _profiling(stack, directory, options.profile_steps)
        added = [OnceATraining(each) for each in options.callbacks()] if directory.writes else []
        callbacks = [*watchers.callbacks, *profiling, *added]
        session = Session(directory, checkpoints, state, stop, observer, callbacks)
        result = job.run(session)
        for callback in added:
            callback.end()
    observer.end(result)
    for name, text in result.files.items():
        directory.write(name, text)
    observer.close()
    return result


@contextlib.contextmanager
def _opened(
    path: str,
    config: Config,
    data: ImageData,
    options: RunOptions,
    strategy: "tf.distribute.Strategy",
    command: str | None,
) -> Iterator[tuple[RunDirectory, Stop]]:
    """The run directory, in which only the chief writes, and what asks the run to stop."""
    from pdarts_tf.runs import workers
    from pdarts_tf.training.devices_in_use import described, devices_in_use

    devices = options.devices
    own: RunDirectory
    if devices.task.is_chief:
        devices_line = described(devices_in_use(strategy)).removeprefix("Devices: ")
        started = started_record(command, devices_line)
        own = RunDirectory(path, config, data.description(), options.to_record, started)
    else:
        own = workers.ReadOnlyDirectory(path)
    if not devices.multi_worker:
        with own as directory, StopRequest() as stop:
            yield directory, stop
        return
    with (
        own as directory,
        StopRequest() as stop,
        workers.together(strategy, devices.task, path, stop) as agreed,
    ):
        yield directory, agreed


def _profiling(
    stack: contextlib.ExitStack, directory: RunDirectory, steps: tuple[int, int] | None
) -> list["keras.callbacks.Callback"]:
    """The callbacks that profile the steps, as far as this process may write."""
    if steps is None or not directory.writes:
        return []
    from pdarts_tf.runs.profiling import Profiling

    return [stack.enter_context(Profiling(directory.path / run_directory.TENSORBOARD, *steps))]


def load_data(
    config: Config, options: RunOptions, stored: Mapping[str, Any] | None = None
) -> ImageData:
    """Returns the data set that settings name; see `sources.load`."""
    return sources.load_for(config, options.data_dir, stored, options.max_megapixels)


def _dry_run(command: Command, config: Config, options: RunOptions, path: str) -> None:
    """Reads the data and prints what a job would do, without doing any of it."""
    from pdarts_tf.training.runtime import configure

    configure(options.devices.num_cpu_devices, options.gpu_memory)
    from pdarts_tf.runs.batch_size import chosen_batch
    from pdarts_tf.runs.out_of_memory import present_memory
    from pdarts_tf.runs.room import measured_room
    from pdarts_tf.training.devices_in_use import described, planned_devices

    stored = None
    with contextlib.suppress(RunDirectoryError):  # of another run, which this one only resembles
        stored = _checked(path, config, options)
    used = planned_devices(options.devices)
    multiple = used.total * config.parts_per_device
    config, reasons = settings_of_run(config, stored, options, load_data, multiple)
    data = load_data(config, options)
    for note in (*data.notes, *reasons):
        print(note)
    room, lines = measured_room(used), [described(used)]
    if stored is None:
        config, line_of_network = chosen_network(config, data, options)
        lines += line_of_network
    if options.auto_batch_size:
        recorded = None if stored is None else stored.batch_size
        chosen = chosen_batch(config, lambda c: command.make_plan(c, data), room, recorded)
        config = dataclasses.replace(config, batch_size=chosen.size)
        lines.append(chosen.line(config.learning_rate))
    plan = command.make_job(config, data, None).plan
    lines += room.compared(plan)
    show(plan.dry_text(present_memory(), options.memory_limit_gb), *lines)
