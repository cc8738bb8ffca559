"""What classifiers of a folder of images have in common: their images, measurements and table."""

import dataclasses
import time

from pdarts_tf.cost.tables import table
from pdarts_tf.data import sources
from pdarts_tf.data.splitting import hold_out_validation
from pdarts_tf.train.assessment import Answers

_VALIDATION_PORTION = 0.1  # as trainings on a data set without a recipe


def read_images(data_dir, image_size, seed):
    """Reads a folder as a training does.

    Args:
        data_dir: The folder.
        image_size: Height and width that images are resized to.
        seed: Seed of the draw of the validation images.

    Returns:
        (the data set with its test images in memory; the images for the weights, encoded, so that
        they can be cropped; those for validation, in memory).

    Raises:
        DataError: The folder cannot be used.
    """
    from pdarts_tf.data.decoding import in_memory

    data = sources.load("folder", data_dir, image_size=image_size, resized_crop=True)
    train, valid = hold_out_validation(data.train, data.class_names, _VALIDATION_PORTION, seed)
    return dataclasses.replace(data, test=in_memory(data.test)), train, in_memory(valid)


def measure(name, classify, images):
    """Returns the results of a classifier as values for JSON.

    Args:
        name: Its name.
        classify: Function of what `read_images` returns.
        images: What `read_images` returned.
    """
    begin, before = time.monotonic(), time.process_time()
    probabilities, valid_accuracy, about = classify(*images)
    seconds, worked = time.monotonic() - begin, time.process_time() - before
    data, *_ = images
    answers = Answers(data.num_classes)
    answers.add(probabilities, data.test.labels)
    found = answers.assessment()
    return {
        "name": name,
        "test_accuracy": sum(found.correct) / sum(found.images),
        "valid_accuracy": float(valid_accuracy),
        "by_class": {data.class_names[each]: share for each, share in found.by_accuracy},
        "seconds": seconds,
        "processor_seconds": worked,
        **about,
    }


def summary(results, class_names):
    """Returns the table of the results."""
    return table(
        ["", *(each["name"] for each in results)],
        [
            ["test accuracy", *(f"{each['test_accuracy']:.1%}" for each in results)],
            *(
                [name, *(f"{each['by_class'][name]:.0%}" for each in results)]
                for name in class_names
            ),
            [
                "minutes of processors",
                *(f"{each['processor_seconds'] / 60:.1f}" for each in results),
            ],
            ["minutes", *(f"{each['seconds'] / 60:.1f}" for each in results)],
        ],
    )
