"""Image files of known pixels, in every container that the data sources read."""

import io
import pickle
import tarfile
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from pdarts_tf.data import sources

# Without a type: a test knows whether the images it has made are in memory.
load: Callable[..., Any] = sources.load


def pixels(num_images, shape=(32, 32, 3), seed=0):
    """(n, height, width, channels) uint8 of noise."""
    return np.random.default_rng(seed).integers(0, 256, (num_images, *shape), np.uint8)


def save(path, image, **options):
    """Writes an image in the format of the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(path, **options)


def write_folder(root, splits, class_names, suffix="png"):
    """Writes root/<split>/<class>/<number>.<suffix> for {split: (images, labels)}."""
    for split, (images, labels) in splits.items():
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            save(root / split / class_names[label] / f"{i:04d}.{suffix}", image)
    return root


def write_tfds(
    data_dir, name, splits, class_names, shape=(None, None, None), version="3.0.2", text="id"
):
    """Writes a prepared TFDS data set of {split: (images, labels)}.

    A name that TFDS knows needs the version and the text feature of the data set of that name.
    """
    import tensorflow as tf
    import tensorflow_datasets as tfds

    channels = next(iter(splits.values()))[0].shape[-1]
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(*shape[:2], channels)),
                "label": tfds.features.ClassLabel(names=list(class_names)),
                text: tfds.features.Text(),
            }
        ),
        split_datasets={
            split: tf.data.Dataset.from_tensor_slices(
                {
                    "image": images,
                    "label": np.asarray(labels, np.int64),
                    text: [str(i) for i in range(len(images))],
                }
            )
            for split, (images, labels) in splits.items()
        },
        data_dir=str(data_dir),
    )
    return data_dir


def planes(images):
    """(n, 3072) as CIFAR's files have them: all red, all green, all blue."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), -1)


def cifar10_python(splits, class_names):
    """{name: content} of cifar-10-python.tar.gz, training images spread over five files."""

    def batch(images, labels):
        content = {"data": planes(images), "labels": [int(label) for label in labels]}
        return pickle.dumps(content, protocol=2)

    images, labels = splits["train"]
    files = {f"data_batch_{i + 1}": batch(images[i::5], labels[i::5]) for i in range(5)} | {
        "test_batch": batch(*splits["test"])
    }
    files["batches.meta"] = pickle.dumps({"label_names": list(class_names)}, 2)
    return {f"cifar-10-batches-py/{name}": content for name, content in files.items()}


def cifar10_binary(splits, class_names):
    """{name: content} of cifar-10-binary.tar.gz."""

    def batch(images, labels):
        return np.column_stack([np.asarray(labels, np.uint8), planes(images)]).tobytes()

    images, labels = splits["train"]
    files = {f"data_batch_{i + 1}.bin": batch(images[i::5], labels[i::5]) for i in range(5)} | {
        "test_batch.bin": batch(*splits["test"])
    }
    files["batches.meta.txt"] = "".join(f"{name}\n" for name in class_names).encode()
    return {f"cifar-10-batches-bin/{name}": content for name, content in files.items()}


def write_tar(path, contents):
    """Writes a .tar.gz of {member: content}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
