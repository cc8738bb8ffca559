"""Encoded images: the same answer from the served model, from training and from a file's header."""

import io
from pathlib import Path

import numpy as np
import tensorflow as tf

from export import exporter
from pdarts_tf.data import encoded
from pdarts_tf.data.decoder import decode
from pdarts_tf.data.image_header import HeaderError, read_header
from tests import encoded_images
from tests.export.conftest import DATA, trained
from tests.fuzz.targets import Target

_MAX_MEGAPIXELS = 0.01
_SIZE = (6, 5)
_REFUSALS = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)


def make(scratch: Path) -> Target:
    """See `Target`."""
    network = trained(scratch / "run").network
    served = exporter.served_model(network, DATA, max_megapixels=_MAX_MEGAPIXELS)
    predict = served.signatures()["predict_bytes"]
    decoded = tf.function(
        lambda content: decode(content, 3, max_megapixels=_MAX_MEGAPIXELS),
        input_signature=[tf.TensorSpec([], tf.string)],
    )

    def read(data: bytes) -> str:
        try:
            pixels = decoded(tf.constant(data)).numpy()
        except _REFUSALS as error:
            pixels = None
            assert encoded.problem_of(str(error.message)) or error.message
        try:
            logits = predict(image_bytes=tf.constant([data]))["logits"].numpy()
        except _REFUSALS:
            assert pixels is None, "served refuses what is trained"
            return "refused"
        assert pixels is not None, "served answers what training refuses"
        assert np.isfinite(logits).all()
        header = read_header(io.BytesIO(data), _MAX_MEGAPIXELS)
        # In a damaged file, where its EXIF is may be a matter of opinion.
        assert sorted((header.height, header.width)) == sorted(pixels.shape[:2])
        return "read"

    return Target(_seeds(), read, (HeaderError,))


def _seeds() -> list[bytes]:
    picture = encoded_images.picture
    seeds = [
        encoded_images.encoded(picture(mode, _SIZE), kind)
        for kind, modes in {
            "PNG": ("RGB", "L", "LA", "RGBA", "P", "1"),
            "JPEG": ("RGB", "L"),
            "BMP": ("RGB", "L"),
            "GIF": ("P",),
            "WEBP": ("RGB", "RGBA"),
        }.items()
        for mode in modes
    ]
    seeds += [encoded_images.with_orientation(kind, 6) for kind in ("JPEG", "PNG", "WEBP")]
    seeds += [encoded_images.animated(kind) for kind in ("GIF", "WEBP")]
    return seeds + [claim(9000, 9000) for claim in encoded_images.CLAIMING.values()]
