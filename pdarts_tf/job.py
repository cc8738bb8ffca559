"""What a search and a training have in common: a data set, and a run directory of their own."""

import contextlib
import os

from pdarts_tf.data import sources
from pdarts_tf.training import devices as device
from pdarts_tf.training import run_directory


def run(command, config, data_dir, output_dir, result, make_job, devices):
    """Runs a job in its directory, unless it has been finished there before.

    TensorFlow, which takes seconds to import, is imported only when settings and directory fit.

    Args:
        command: "search" or "train", for the default directory.
        config: the settings, with `dataset`, `image_size` and `batch_size`.
        data_dir: where the data lies, or None.
        output_dir: the run directory, or None for the default one.
        result: the file whose presence says that the job is finished.
        make_job: function (config, data, strategy) -> an object with `execute(run)`; strategy is a
            `tf.distribute.Strategy`.
        devices: `Devices` to run on.

    Returns:
        The run directory; None in a worker that is not the chief, which has nothing to tell.

    Raises:
        InputError: settings, data, devices or directory cannot be used.
        RunError: the job could not be finished.
    """
    sources.check_name(config.dataset)
    path = output_dir or run_directory.default_path(command, config)
    run_directory.check(path, config)
    chief = devices.task.is_chief
    if os.path.isfile(os.path.join(path, result)):
        if chief:
            print(f"{path} holds the finished {command} of these settings:")
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
        data = sources.resized(sources.load(config.dataset, data_dir), config.image_size)
        job = make_job(config, data, strategy)
        _execute(job, path, config, data, devices, strategy)
    return path if chief else None


def _execute(job, path, config, data, devices, strategy):
    """Executes a job in its directory, in which only the chief writes."""
    if not devices.multi_worker:
        with run_directory.RunDirectory(path, config, data.description()) as run:
            job.execute(run)
        return
    from pdarts_tf.training import workers

    if devices.task.is_chief:
        directory = run_directory.RunDirectory(path, config, data.description())
    else:
        directory = workers.ReadOnlyDirectory(path)
    with directory as run:
        workers.meet(strategy, devices.task, path)
        job.execute(run)
        workers.part(strategy)
