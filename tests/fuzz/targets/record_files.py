"""TFRecord files of data sets that stay on disk, damaged as a whole."""

from pathlib import Path

import tensorflow as tf

from pdarts_tf.data.record_index import record_index
from tests.fuzz.targets import Target
from tests.fuzz.targets.records import example

_LABELS = (3, 1, 4, 1)


def make(scratch: Path) -> Target:
    """See `Target`."""
    path, cache = scratch / "train.tfrecord", scratch / "index.npz"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, label in enumerate(_LABELS):
            writer.write(example(bytes([number]) * 20, label))

    def read(data: bytes) -> str:
        path.write_bytes(data)
        cache.unlink(missing_ok=True)
        index = record_index([str(path)], "image", "label", cache)
        # Cutting between two records is noticed by the number of examples, which TFDS keeps.
        assert tuple(index.labels) == _LABELS[: len(index.labels)]
        for number, (offset, length) in enumerate(zip(index.offset, index.length, strict=True)):
            found = tf.train.Example.FromString(data[offset : offset + length])
            assert found.features.feature["image"].bytes_list.value == [bytes([number]) * 20]
        return "read" if len(index.labels) == len(_LABELS) else "fewer"

    return Target([path.read_bytes()], read, (OSError, tf.errors.OpError), share=0.005)
