"""Requests that a served model must refuse: wrong shapes, huge images, numbers that are none."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export import exporter
from pdarts_tf.data import encoded
from pdarts_tf.data.decoder import decode
from pdarts_tf.data.images import DataError
from pdarts_tf.train.stored_network import stored_network
from tests.encoded_images import CLAIMING, animated, picture, with_orientation
from tests.encoded_images import encoded as encode
from tests.export.conftest import CONFIG, DATA

FEEDER = Path(__file__).with_name("feed_as_server.py")
SHAPES = ("8,12,3", "3", "", "1,12,8,3", "1,8,12,1", "1,64,64,3", "0,8,12,4", "1,1,8,12,3")


@pytest.fixture(scope="module", params=["1", "2"], ids=["on-cpu", "on-gpu"])
def loaded(exported_model_dir, request):
    """The exported model, loaded by TensorFlow 2."""
    return tf.saved_model.load(str(exported_model_dir / request.param)).signatures


@pytest.mark.parametrize("onednn", ["1", pytest.param("0", marks=pytest.mark.slow)])
@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.slow
def test_a_wrong_shape_is_an_error_of_its_request_and_the_process_lives(
    onednn, version, exported_model_dir
):
    command = [sys.executable, "-I", FEEDER, onednn, exported_model_dir / version, *SHAPES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["InvalidArgumentError"] * (len(SHAPES) + 2) + ["(1,", "3)"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_have_no_class(loaded, value):
    images = np.full((3, 8, 12, 3), 100, np.float32)
    expected = loaded["serving_default"](images=tf.constant(images))
    images[1, 2, 3, 0] = value
    answer = loaded["serving_default"](images=tf.constant(images))
    assert np.isnan(answer["probabilities"][1]).all()
    assert np.isnan(answer["logits"][1]).all()
    assert (answer["classes"][1], answer["labels"][1]) == (-1, b"")
    for name, values in answer.items():
        np.testing.assert_array_equal(values[::2], expected[name][::2])


@pytest.mark.parametrize("signature", ["predict_bytes", "classify"])
@pytest.mark.parametrize("name", CLAIMING)
def test_an_image_that_claims_too_many_pixels_is_an_error(loaded, name, signature):
    content = CLAIMING[name](16000, 16000)
    if signature == "classify":
        from export.warmup import example

        argument = {"inputs": tf.constant([example(content).SerializeToString()])}
    else:
        argument = {"image_bytes": tf.constant([content])}
    with pytest.raises(tf.errors.InvalidArgumentError, match="16000x16000 pixels, more than"):
        loaded[signature](**argument)


def test_the_limit_of_pixels_is_that_of_the_export(trained_run):
    served = exporter.served_model(trained_run.network, DATA, max_megapixels=0.0001)
    answer = served.signatures()["predict_bytes"]
    assert answer(image_bytes=tf.io.encode_png(np.zeros((8, 12, 3), np.uint8))[None])
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than --max_megapixels=0"):
        answer(image_bytes=tf.io.encode_png(np.zeros((8, 13, 3), np.uint8))[None])


SERVED = {
    "webp": encode(picture(), "WEBP"),
    "grey png with alpha": encode(picture("LA"), "PNG"),
    "gif of three frames": animated("GIF"),
    "bmp": encode(picture(), "BMP"),
    "turned jpeg": with_orientation("JPEG", 6),
    "turned png": with_orientation("PNG", 5),
}


@pytest.mark.parametrize("name", SERVED)
def test_images_are_served_as_they_are_trained(loaded, name, trained_run):
    resized = tf.round(tf.image.resize(decode(SERVED[name], 3)[None], (8, 12), antialias=True))
    answer = loaded["predict_bytes"](image_bytes=tf.constant([SERVED[name]]))
    np.testing.assert_allclose(answer["logits"], trained_run.logits(resized), atol=1e-4)


REFUSED = {
    "bmp with a palette": encode(picture("P"), "BMP"),
    "cmyk": encode(picture("CMYK"), "JPEG"),
    "animated webp": animated("WEBP"),
    "jpeg xl": b"\xff\x0a" + bytes(99),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_training_refuses_is_refused(loaded, name):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        loaded["predict_bytes"](image_bytes=tf.constant([REFUSED[name]]))
    assert encoded.problem_of(error.value.message)


def test_names_of_classes_that_no_file_can_hold_are_refused(trained_run):
    names = {"class_names": ["cat", "two\nlines", "dog"]}
    with pytest.raises(DataError, match="names in UTF-8, without line breaks"):
        stored_network(CONFIG, DATA | names, trained_run.run_dir)
