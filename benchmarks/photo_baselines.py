"""Two plain classifiers of a folder of images, to compare a searched network with.

    python -m benchmarks.photo_baselines --data_dir=photos --minutes=10

- linear: logistic regression on scaled pixels. Validation chooses size and regularization.
- mobilenet: MobileNetV3Small of keras.applications with random weights. Adam, whose learning rate
  rises and falls to 0 within --minutes, trains it on random resized crops and flips; the weights
  with the best validation accuracy count.

Minutes are those of the processors, user and system, tracing included: what else runs on the same
cores does not change them. Both read the images as a training with --augmentation=resized_crop
does, with the same validation images and threads. --json=FILE writes the results.
"""

import functools
import json
import sys

from absl import app, flags

from benchmarks.photo_classifiers import measure, read_images, summary
from pdarts_tf.errors import InputError
from pdarts_tf.runs.files import write_whole
from pdarts_tf.training.runtime import configure

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of images.", required=True)
_MINUTES = flags.DEFINE_float("minutes", 10, "Processor time of mobilenet.", lower_bound=0.01)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 96, "Height and width of the images.", 32)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Images per step of mobilenet.", 1)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Peak learning rate of mobilenet.")
_SEED = flags.DEFINE_integer("seed", 0, "Random seed, also of the validation images.", 0)
_JSON = flags.DEFINE_string("json", None, "File to write the results to.")


def compare():
    """Returns the results of both classifiers, and the names of the classes.

    Raises:
        InputError: The folder or the batch size cannot be used.
    """
    from benchmarks import linear, mobilenet

    images = read_images(_DATA_DIR.value, _IMAGE_SIZE.value, _SEED.value)
    train_mobilenet = functools.partial(
        mobilenet.classify,
        minutes=_MINUTES.value,
        batch_size=_BATCH_SIZE.value,
        learning_rate=_LEARNING_RATE.value,
        seed=_SEED.value,
    )
    classifiers = {"linear": linear.classify, "mobilenet": train_mobilenet}
    results = [measure(name, classify, images) for name, classify in classifiers.items()]
    return results, images[0].class_names


def main(argv):
    """Measures, and prints a table."""
    del argv
    configure()
    try:
        results, class_names = compare()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(summary(results, class_names))
    if _JSON.value:
        write_whole(_JSON.value, json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
