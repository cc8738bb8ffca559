"""Importing TensorFlow without its remarks about this machine.

They come from native code, before any log level is in force, and would stand between a person and
the one line that an error is.
"""

import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def held_back_stderr():
    """Holds back what is written to file descriptor 2; lets it out if the block fails."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(before, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)


def import_tensorflow():
    """Imports TensorFlow and finds its devices, quietly; returns the module."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with held_back_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()
    return tf
