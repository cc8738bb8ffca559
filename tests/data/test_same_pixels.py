"""The same images give the same batches, whatever container they come in."""

from typing import Any

import numpy as np
import pytest

from pdarts_tf.data import cifar_archives, sources
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.pipeline import bilevel_batches, evaluation_batches, training_batches
from tests.image_files import (
    cifar10_binary,
    cifar10_python,
    pixels,
    write_folder,
    write_tar,
    write_tfds,
)

NAMES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
SPLITS = {
    "train": (pixels(40), np.arange(40) * 7 % 10),
    "test": (pixels(20, seed=1), np.arange(20) % 10),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The same 60 images from four containers, each by the name that people load it by."""
    path = tmp_path_factory.mktemp("data")
    unofficial = pytest.MonkeyPatch()
    for name in ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"):
        unofficial.delitem(cifar_archives.MD5, name)  # these hold a part of the images
    write_tfds(path / "tfds", "cifar10", SPLITS, NAMES, shape=(32, 32, 3))
    write_folder(path / "folder", SPLITS, NAMES)
    write_tar(path / "python" / "cifar-10-python.tar.gz", cifar10_python(SPLITS, NAMES))
    write_tar(path / "binary" / "cifar-10-binary.tar.gz", cifar10_binary(SPLITS, NAMES))
    names = {"tfds": "cifar10", "folder": "folder", "python": "cifar10", "binary": "cifar10"}
    yield {kind: sources.load(name, path / kind) for kind, name in names.items()}
    unofficial.undo()


def batches(data):
    """A few batches of each kind, with the published mean and deviation of CIFAR-10."""
    statistics: dict[str, Any] = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.247, 0.2435, 0.2616)}
    training: dict[str, Any] = {
        "batch_size": 4,
        "steps_per_epoch": 4,
        "seed": (0, 0),
        "first_step": 0,
        "last_step": 6,
        "augmentation": Augmentation(cutout_length=8, color_jitter=(0.4, 0.4, 0.4, 0.2)),
        **statistics,
    }
    halves = sources.split_in_two(data.train, 0.5, 0)
    streams = (
        training_batches(data.train, **training),
        bilevel_batches(*halves, **training),
        evaluation_batches(data.test, 8, **statistics),
    )
    return [[*stream.as_numpy_iterator()] for stream in streams]


def flat(nested):
    return (
        [nested] if isinstance(nested, np.ndarray) else [x for part in nested for x in flat(part)]
    )


@pytest.mark.parametrize(
    "kind",
    [
        "folder",
        pytest.param("python", marks=pytest.mark.slow),
        pytest.param("binary", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_batches_are_identical_to_those_from_tfds(kind, loaded):
    ours, theirs = flat(batches(loaded[kind])), flat(batches(loaded["tfds"]))
    assert len(ours) == len(theirs) == 6 * 2 + 6 * 4 + 3 * 3
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["folder", "python", "binary"])
def test_class_names_are_those_of_tfds(kind, loaded):
    assert loaded[kind].class_names == loaded["tfds"].class_names == NAMES


def test_every_image_is_there_with_its_label(loaded):
    images, labels = SPLITS["train"]
    written = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    train = loaded["binary"].train
    assert [written[image.tobytes()] for image in train.images] == train.labels.tolist()
    assert len({image.tobytes() for image in train.images}) == 40


def test_the_published_statistics_hold_for_the_name_and_measured_ones_for_the_folder(loaded):
    assert loaded["python"].mean == loaded["tfds"].mean == (0.49139968, 0.48215827, 0.44653124)
    np.testing.assert_allclose(
        loaded["folder"].mean, (SPLITS["train"][0] / 255).mean((0, 1, 2)), rtol=1e-12
    )
