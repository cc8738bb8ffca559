"""Examples in TFRecord files, framed by the right checksums: what is in them is anything."""

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from pdarts_tf.data.record_index import example_reader
from tests import encoded_images
from tests.fuzz.targets import Target


def example(image: bytes, label: int) -> bytes:
    """An example as TFDS writes it."""
    features = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _images() -> list[bytes]:
    return [encoded_images.with_orientation(kind, 6) for kind in ("JPEG", "PNG", "WEBP")]


def make(scratch: Path) -> Target:
    """See `Target`; an input is an example, or, after a zero byte, the image of a good one."""
    del scratch
    describe = tf.function(
        example_reader("image", "label"), input_signature=[tf.TensorSpec([], tf.string)]
    )

    def read(data: bytes) -> str:
        record = example(data[1:], 2) if data.startswith(b"\0") else data
        length, label, orientation = (each.numpy() for each in describe(tf.constant(record)))
        assert length == len(record)
        assert 1 <= orientation <= 8
        try:
            features = tf.train.Example.FromString(record).features.feature
        except DecodeError:  # TensorFlow skips fields that nobody knows; protobuf does not
            return "read leniently"
        assert label == features["label"].int64_list.value[0]
        return "read"

    tokens = ("image", "label", "Exif\0\0", "MM\0*", "II*\0", "eXIf", "RIFF", "EXIF")
    seeds = [b"\0" + image for image in _images()] + [example(image, 7) for image in _images()]
    return Target(seeds, read, (tf.errors.OpError, UnicodeDecodeError), tokens)
