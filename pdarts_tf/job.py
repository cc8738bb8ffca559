"""What a search and a training have in common: a data set, and a run directory of their own."""

import os

from pdarts_tf.data import sources
from pdarts_tf.report.page import write_report
from pdarts_tf.training import run_directory
from pdarts_tf.training.stopping import StopRequest


def run(command, config, intervals, data_dir, output_dir, result, make_job, recipes):
    """Runs a job in its directory, unless it has been finished there before.

    TensorFlow, which takes seconds to import, is imported only when settings and directory fit.

    Args:
        command: "search" or "train", for the default directory.
        config: the settings, with `dataset` and `image_size`.
        intervals: a `CheckpointConfig`.
        data_dir: where the data lies, or None.
        output_dir: the run directory, or None for the default one.
        result: the file whose presence says that the job is finished.
        make_job: function (config, data) -> an object with `execute(run, checkpointing)`.
        recipes: function (command, data set) -> the settings of its recipe, for the report.

    Returns:
        The run directory.

    Raises:
        InputError: settings, data or directory cannot be used.
        RunError: the job could not be finished.
        StoppedError: a signal asked it to stop; there is a checkpoint.
    """
    sources.check_name(config.dataset)
    path = output_dir or run_directory.default_path(command, config)
    run_directory.check(path, config)
    if os.path.isfile(os.path.join(path, result)):
        print(f"{path} holds the finished {command} of these settings:")
        return path
    stored = run_directory.stored_data(path)
    data, job = _prepared(config, data_dir, stored, make_job)
    from pdarts_tf.training.checkpointing import Checkpointing

    with run_directory.RunDirectory(path, config, data.description()) as run, StopRequest() as stop:
        job.execute(run, Checkpointing(run, config, intervals, stop))
        write_report(path, recipes)
    return path


def dry_run(config, data_dir, memory_limit_gb, make_job):
    """Reads the data and prints what a job would do, without doing any of it.

    Args:
        config, data_dir, make_job: see `run`; the job has a `plan`.
        memory_limit_gb: memory for which the largest batch is asked, or None.

    Raises:
        InputError: settings or data cannot be used.
    """
    sources.check_name(config.dataset)
    _, job = _prepared(config, data_dir, None, make_job)
    from pdarts_tf.training.memory import present_memory

    print(job.plan.dry_text(present_memory(), memory_limit_gb))


def _prepared(config, data_dir, stored, make_job):
    """Returns the data of a job, and the job; `stored` is what its run directory says of data."""
    from pdarts_tf.training.runtime import configure

    configure()
    data = sources.load_for(config, data_dir, stored)
    return data, make_job(config, data)
