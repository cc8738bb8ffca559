"""Compares search methods over several seeds, and chooses a genotype.

    python -m pdarts_tf.study --output_dir=runs/study --methods=pdarts,darts --seeds=0,1,2

Every trial is a search and the trainings of its cells, by the ordinary commands, each in a run
directory below --output_dir. The same command goes on with a study that was stopped.

Exit codes: 0 done, 2 wrong usage or input, 75 stopped by SIGTERM (the same command goes on), 1
anything else.
"""

import os
import pathlib
from collections.abc import Sequence

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, study_flags
from pdarts_tf.errors import InputError, RunError
from pdarts_tf.runs.files import write_whole
from pdarts_tf.runs.next_commands import train_line
from pdarts_tf.runs.run_directory import GENOTYPE
from pdarts_tf.runs.stopping import Stop, StopRequest
from pdarts_tf.streams import show
from pdarts_tf.study import local, running
from pdarts_tf.study.choice import rank_genotypes
from pdarts_tf.study.collecting import collect
from pdarts_tf.study.methods import Method, StudyError
from pdarts_tf.study.outputs import outputs
from pdarts_tf.study.trials import Study, Trial, trials


def main() -> None:
    """Runs the study of the flags, or a part of it."""
    study = _study()
    todo = trials(study)
    if study_flags.DRY_RUN.value:
        _dry_run(study, todo)
        return
    if study_flags.OUTPUT_DIR.value is None:
        raise InputError("--output_dir is needed: the directory of the study, such as runs/study")
    root = pathlib.Path(study_flags.OUTPUT_DIR.value).absolute()
    running.check(study, todo, root)
    number = study_flags.TRIAL.value
    if number is None:
        _run_all(study, todo, root)
        return
    if number >= len(todo):
        raise StudyError(f"--trial must be less than {len(todo)}, the trials. Received: {number}")
    with StopRequest() as stop:
        running.run_trial(study, todo[number], root, {}, stop)
    print(f"Trial {number} is done; when all are, run the same command without --trial")


def _study() -> Study:
    """Returns the study of the flags."""
    methods = tuple(Method.parse(text) for text in study_flags.METHODS.value)
    recipes = dict.fromkeys(method.recipe for method in methods)
    searches = {recipe: study_flags.search_config(recipe) for recipe in recipes}
    training, train_options = study_flags.train_config()
    data_dir = study_flags.DATA_DIR.value
    return Study(
        methods,
        study_flags.seeds(),
        {recipe: config for recipe, (config, _) in searches.items()},
        training,
        None if data_dir is None else os.path.abspath(data_dir),  # tasks of Ray are elsewhere
        {recipe: options for recipe, (_, options) in searches.items()},
        train_options,
    )


def _run_all(study: Study, todo: Sequence[Trial], root: pathlib.Path) -> None:
    """Runs what is left of all trials, and writes what has come out after each."""
    left = [trial for trial in todo if not running.is_finished(trial, root)]
    if len(left) < len(todo):
        print(f"{len(todo) - len(left)} of {len(todo)} trials are finished")
    failed: list[str] = []
    ended = len(todo) - len(left)

    def done(trial: Trial, error: RunError | None) -> None:
        nonlocal ended
        ended += 1
        outcome = "done" if error is None else f"failed: {error}"
        print(f"[{ended}/{len(todo)}] {trial.directory}: {outcome}", flush=True)
        if error is not None:
            failed.append(trial.directory)
        write_outputs(study, todo, root)

    if left:
        with StopRequest() as stop:
            _execute(study, left, root, done, stop)
    else:
        write_outputs(study, todo, root)
    print(f"\n{(root / 'table.txt').read_text('utf-8')}\nSee {root / 'study.html'}")
    _tell_how_to_train(study, todo, root)
    if failed:
        raise RunError(
            f"{len(failed)} of {len(todo)} trials failed: {', '.join(failed)}; their logs are "
            "beside their directories, and the same command tries them again"
        )


def _execute(
    study: Study,
    todo: Sequence[Trial],
    root: pathlib.Path,
    done: local.Done,
    stop: Stop,
) -> None:
    if study_flags.EXECUTOR.value == "ray":
        from pdarts_tf.study.on_ray import run_on_ray

        run_on_ray(study, todo, root, study_flags.GPUS_PER_TRIAL.value, done, stop)
        return

    def run(trial: Trial, environment: local.Environment) -> None:
        if stop.signal is None:
            print(f"{trial.directory}: running", flush=True)
        running.run_trial(study, trial, root, environment, stop)

    local.run_locally(todo, run, local.environments(study_flags.JOBS.value), done)


def write_outputs(study: Study, todo: Sequence[Trial], root: pathlib.Path) -> None:
    """Writes record, tables, page and genotype of the runs that are finished."""
    for name, text in outputs(collect(study, todo, root)).items():
        write_whole(root / name, text)


def _tell_how_to_train(study: Study, todo: Sequence[Trial], root: pathlib.Path) -> None:
    """Prints how to train the chosen genotype, on all of the images and by their recipe."""
    ranking = rank_genotypes(collect(study, todo, root))
    if ranking:
        run, file = root / ranking[0].directory, root / GENOTYPE
        print("Train the chosen genotype with")
        print(f"  {train_line(run, file, command_line.recipe_settings, {})}")


def _dry_run(study: Study, todo: Sequence[Trial]) -> None:
    from pdarts_tf.training.runtime import configure

    configure()
    from pdarts_tf.study.cost import cost_text

    record = None
    if study_flags.OUTPUT_DIR.value is not None:
        root = pathlib.Path(study_flags.OUTPUT_DIR.value)
        running.check(study, todo, root)
        record = collect(study, todo, root)
    show(cost_text(study, todo, record))


if __name__ == "__main__":
    command_line.run(main, study_flags)
