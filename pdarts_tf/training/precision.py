"""In which precision a network computes; its variables, losses and statistics stay float32."""

import contextlib

import keras

_POLICIES = {"none": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}


@contextlib.contextmanager
def mixed_precision(name):
    """Layers that are made inside compute in this precision: "none", "float16" or "bfloat16"."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES[name])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
