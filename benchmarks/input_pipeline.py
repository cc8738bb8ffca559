"""Images per second of the input pipeline, and how often that is what the search consumes.

    python -m benchmarks.input_pipeline
    python -m benchmarks.input_pipeline --nosearch    # without the search step, seconds only

Two streams, both with augmentation: CIFAR-sized images in memory for both halves of the search
(crop, flip, normalisation), and JPEG files of 500x375 pixels for ImageNet's recipe (random resized
crop to 224x224, flip, colour jitter). Per core means per second of processor time, which other
processes on the machine hardly change. The ratio is to the search step of the first stage, the one
that consumes the most, in its warm-up and after. Images are drawn at random, JPEGs are smooth like
photographs. --json=FILE writes the same numbers.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from absl import app, flags

from benchmarks.streams import WARMUP_BATCHES, cifar_batches, rates
from pdarts_tf.cost.tables import table
from pdarts_tf.runs.files import write_whole

_BATCH_SIZE = flags.DEFINE_integer("batch_size", 96, "Images per batch.", lower_bound=1)
_BATCHES = flags.DEFINE_integer("batches", 300, "Batches of CIFAR-sized images to time.", 1)
_JPEG_BATCHES = flags.DEFINE_integer("jpeg_batches", 10, "Batches of JPEGs to time.", 1)
_JPEGS = flags.DEFINE_integer("jpegs", 192, "JPEG files to make.", 2)
_SEARCH = flags.DEFINE_boolean("search", True, "Measure the search step, for the ratio.")
_JSON = flags.DEFINE_string("json", None, "File to write the numbers to.")

JPEG_HEIGHT, JPEG_WIDTH = 375, 500
CLASSES = 2
COLUMNS = {
    "stream": "stream",
    "images_per_second": "images/s",
    "images_per_core_second": "images/s per core",
    "search_images_per_second": "search consumes/s",
    "ratio": "ratio",
}


def measure_cifar(batch_size, batches):
    """Returns the rates of both halves of the search on images in memory."""
    dataset = cifar_batches(batch_size, batches + WARMUP_BATCHES)
    return {"stream": "CIFAR, in memory", **rates(dataset, batches, 2 * batch_size)}


def write_jpegs(root, count):
    """Writes so many JPEG files of random smooth images to root/train/<class>."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    for i in range(count):
        rough = rng.uniform(0, 255, (1, 24, 32, 3))
        image = tf.image.resize(rough, (JPEG_HEIGHT, JPEG_WIDTH), "bicubic")[0]
        image = tf.clip_by_value(image + rng.normal(0, 6, image.shape), 0, 255)
        directory = pathlib.Path(root, "train", f"class_{i % CLASSES}")
        directory.mkdir(parents=True, exist_ok=True)
        content = tf.io.encode_jpeg(tf.cast(image, tf.uint8), quality=90).numpy()
        (directory / f"{i}.jpg").write_bytes(content)


def measure_jpeg(batch_size, batches, root):
    """Returns the rates of ImageNet's training stream on the JPEG files of a folder."""
    from pdarts_tf.data.augmentation import Augmentation
    from pdarts_tf.data.folder_source import read_folder
    from pdarts_tf.data.pipeline import training_batches

    _, split, _, _, _ = read_folder(root, 224, True)
    steps = split.num_images // batch_size
    dataset = training_batches(
        split,
        batch_size=batch_size,
        steps_per_epoch=steps,
        seed=(0,),
        first_step=0,
        last_step=batches + WARMUP_BATCHES,
        augmentation=Augmentation(resized_crop=True, color_jitter=(0.4, 0.4, 0.4, 0.2)),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
    )
    return {"stream": "ImageNet, 224x224 of JPEGs", **rates(dataset, batches, batch_size)}


def search_consumption(batch_size):
    """Returns the most images per second that the first stage of the search takes."""
    command = [sys.executable, "-m", "benchmarks.supernet_step", "--worker=0"]
    done = subprocess.run(
        [*command, f"--batch_size={batch_size}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stderr}")
    step = json.loads(done.stdout.splitlines()[-1])
    warmup = batch_size / step["weight_step_seconds"]
    bilevel = 2 * batch_size / (step["weight_step_seconds"] + step["arch_step_seconds"])
    return max(warmup, bilevel)


def main(argv):
    """Measures the streams and prints a table."""
    del argv
    import pdarts_tf  # noqa: F401, switches on oneDNN before TensorFlow is imported
    from pdarts_tf.training.runtime import configure

    configure()
    results = [measure_cifar(_BATCH_SIZE.value, _BATCHES.value)]
    with tempfile.TemporaryDirectory() as root:
        write_jpegs(root, _JPEGS.value)
        jpeg_batch_size = min(_BATCH_SIZE.value, _JPEGS.value)
        results.append(measure_jpeg(jpeg_batch_size, _JPEG_BATCHES.value, root))
    if _SEARCH.value:
        consumed = search_consumption(_BATCH_SIZE.value)
        ratio = results[0]["images_per_second"] / consumed
        results[0] |= {"search_images_per_second": consumed, "ratio": ratio}
    columns = [key for key in COLUMNS if key in results[0]]
    rows = [[_cell(result.get(key, "")) for key in columns] for result in results]
    print(table([COLUMNS[key] for key in columns], rows))
    if _JSON.value:
        write_whole(_JSON.value, json.dumps(results, indent=2) + "\n")


def _cell(value):
    return f"{value:,.0f}" if isinstance(value, float) else value


if __name__ == "__main__":
    app.run(main)
