"""Import of TensorFlow without its log messages about the machine.

They come from native code before any log level takes effect, and would bury the one line of an
error message.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def held_back_stderr() -> Iterator[None]:
    """Holds back output to file descriptor 2, and releases it only if the block raises."""
    if sys.stderr is None:  # closed: there is nothing to hold back
        yield
        return
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(before, 2)
            held.seek(0)
            with contextlib.suppress(OSError):  # nobody may read it any more
                os.write(2, held.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)


def import_tensorflow() -> ModuleType:
    """Imports TensorFlow and initializes its devices without log output; returns the module."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with held_back_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()
    module: ModuleType = tf
    return module
