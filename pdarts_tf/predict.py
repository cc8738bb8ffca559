"""Classifies images by a trained network, or by an exported model, without a server.

    python -m pdarts_tf.predict --run_dir=runs/train_digits_seed0 image.png photos
    python -m pdarts_tf.predict --model=models/digits --format=csv photos > answers.csv

Takes image files and folders. Both forms give the answers of TensorFlow Serving: images are
decoded, resized and normalized as in the test of the training. Images that cannot be decoded are
named, the others are classified all the same.

Exit codes: 0 done; 2 wrong usage or input, including images that cannot be decoded; 1 anything
else.
"""

import pathlib
import sys
from typing import TYPE_CHECKING

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, predict_flags
from pdarts_tf.errors import InputError, printable
from pdarts_tf.exported_models import numbers
from pdarts_tf.prediction.answers import Answer, as_text
from pdarts_tf.prediction.image_files import find_images, read_image
from pdarts_tf.runs.next_commands import read_training
from pdarts_tf.streams import show

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    from pdarts_tf.prediction.classifiers import Classifier


def main(named: list[str]) -> None:
    """Classifies every image and prints the answers.

    Args:
        named: Image files and folders, the positional arguments of the command line.
    """
    run_dir, model = predict_flags.RUN_DIR.value, predict_flags.MODEL.value
    if (run_dir is None) == (model is None):
        raise InputError(
            "expected --run_dir, the run directory of a training, or --model, the directory of an "
            f"exported model. Received: {'both' if run_dir else 'neither'}"
        )
    if not named:
        raise InputError("name images or folders: python -m pdarts_tf.predict --run_dir=R a.png")
    images = find_images(named)
    if images.ignored:
        print(f"ignored in folders: {images.ignored} files that are no images", file=sys.stderr)
    classifier = _of_run(run_dir) if run_dir is not None else _of_model(str(model))
    answers = [_answer(classifier, path) for path in images.paths]
    show(as_text(answers, classifier.class_names, predict_flags.FORMAT.value))
    if refused := [each for each in answers if each.problem]:
        raise InputError(
            f"images without answer: {len(refused)} of {len(answers)}. "
            f"{printable(refused[0].image)} {refused[0].problem}"
        )


def _of_run(run_dir: str) -> "Classifier":
    config = read_training(run_dir, command_line.recipe_settings)
    from pdarts_tf.training.runtime import configure

    configure()
    from pdarts_tf.prediction import classifiers

    return classifiers.of_run(run_dir, config)


def _of_model(model: str) -> "Classifier":
    versions = numbers(model)
    path = pathlib.Path(model)
    from pdarts_tf.startup import import_tensorflow

    import_tensorflow()
    from pdarts_tf.prediction import classifiers

    return classifiers.of_export(model, path / str(versions[-1]) if versions else path)


def _answer(classifier: "Classifier", path: str) -> Answer:
    try:
        content = read_image(path)
    except InputError as error:
        return Answer(path, problem=f"cannot be read ({error})")
    try:
        return Answer(path, classifier.probabilities(content))
    except InputError as error:
        return Answer(path, problem=str(error))


if __name__ == "__main__":
    command_line.run(main, predict_flags, takes_arguments=True)
