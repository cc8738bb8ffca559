"""Trains the network of a genotype from scratch, and tests it.

    python -m pdarts_tf.train --genotype=runs/demo/genotype.json --dataset=digits
    python -m pdarts_tf.train --evaluate_only --run_dir=runs/train_digits_seed0

Exit codes: 0 done, 2 wrong usage or input, 75 stopped by SIGTERM (the same command resumes), 1
anything else.
"""

import dataclasses
import json
import os
from collections.abc import Mapping

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, train_flags
from flags.fields import check_as_trained
from pdarts_tf.config import TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.errors import InputError
from pdarts_tf.library.jobs import TRAIN
from pdarts_tf.runs import job, run_directory
from pdarts_tf.runs.next_commands import evaluate_line, read_training
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import RESULT, weights_that_count


def main() -> None:
    """Trains, or tests stored weights, as the flags say."""
    if train_flags.EVALUATE_ONLY.value:
        _evaluate(train_flags.RUN_DIR.value)
        return
    config = train_flags.train_config()
    options = dataclasses.replace(
        train_flags.run_options(), open_network=train_flags.open_network(config)
    )
    path = job.run(TRAIN, config, options)
    if path is not None:
        print_result(path, options)


def _evaluate(path: str | None) -> None:
    """Tests the weights of a run that count."""
    if path is None:
        raise InputError("--evaluate_only needs --run_dir, the directory of a training")
    config = read_training(path, command_line.recipe_settings)
    check_as_trained(config)
    weights = run_directory.stored_weights(path, config)
    from pdarts_tf.training.runtime import configure

    options = train_flags.run_options()
    configure(gpu_memory=options.gpu_memory)
    from pdarts_tf.train.evaluation import evaluate

    stored = run_directory.stored_data(path)
    data = sources.load_for(config, options.data_dir, stored, options.max_megapixels)
    tested = evaluate(config, data, weights)
    images = f"{data.test.num_images:,} test images of {data.name}"
    print(f"{weights} on {images}: {_scores(tested, 'test')}")


def print_result(path: str, options: RunOptions) -> None:
    """Prints the scores of a finished training, and how to go on with it."""
    with open(os.path.join(path, RESULT), encoding="utf-8") as file:
        result = json.load(file)
    config = run_directory.read_settings(path, TrainConfig)
    used = weights_that_count(config)
    run_directory.stored_weights(path, config)  # a finished run may have lost them since
    print()
    print(f"last weights (epoch {result['last']['epoch']}): {_all_scores(result['last'])}")
    if used == "best":
        chosen = f"epoch {result['best']['epoch']}, by validation accuracy"
        print(f"best weights ({chosen}): {_all_scores(result['best'])}")
    print(f"They are in {path}. Test the {used} again with")
    print(f"  {evaluate_line(path, options.of_data)}")


def _all_scores(scores: Mapping[str, float]) -> str:
    test = f"test {_scores(scores, 'test')}"
    return f"validation {_scores(scores, 'valid')}; {test}" if "valid_loss" in scores else test


def _scores(scores: Mapping[str, float], prefix: str) -> str:
    """Returns the means over the images of a kind, "valid" or "test"."""
    return (
        f"top-1 {scores[f'{prefix}_accuracy']:.2%}, top-5 {scores[f'{prefix}_top5']:.2%}, "
        f"loss {scores[f'{prefix}_loss']:.4f}"
    )


if __name__ == "__main__":
    command_line.run(main, train_flags, recipes_of="train")
