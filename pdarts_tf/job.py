"""What a search and a training have in common: a data set, and a run directory of their own."""

import os

from pdarts_tf.data import sources
from pdarts_tf.report.page import write_report
from pdarts_tf.training import run_directory


def run(command, config, data_dir, output_dir, result, make_job, recipes):
    """Runs a job in its directory, unless it has been finished there before.

    TensorFlow, which takes seconds to import, is imported only when settings and directory fit.

    Args:
        command: "search" or "train", for the default directory.
        config: the settings, with `dataset` and `image_size`.
        data_dir: where the data lies, or None.
        output_dir: the run directory, or None for the default one.
        result: the file whose presence says that the job is finished.
        make_job: function (config, data) -> an object with `execute(run)`.
        recipes: function (command, data set) -> the settings of its recipe, for the report.

    Returns:
        The run directory.

    Raises:
        InputError: settings, data or directory cannot be used.
        RunError: the job could not be finished.
    """
    sources.check_name(config.dataset)
    path = output_dir or run_directory.default_path(command, config)
    run_directory.check(path, config)
    if os.path.isfile(os.path.join(path, result)):
        print(f"{path} holds the finished {command} of these settings:")
        return path
    from pdarts_tf.training.runtime import configure

    configure()
    data = sources.resized(sources.load(config.dataset, data_dir), config.image_size)
    job = make_job(config, data)
    with run_directory.RunDirectory(path, config, data.description()) as run:
        job.execute(run)
        write_report(path, recipes)
    return path
