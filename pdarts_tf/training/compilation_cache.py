"""A directory that keeps what XLA has compiled, for the next start of a run.

It is TensorFlow's own. An entry belongs to one program under one name, and TensorFlow numbers the
names of functions by what a process has made before: a run that resumes would find nothing.
"""

import os

_FLAGS = "TF_XLA_FLAGS"
_DIRECTORY = "--tf_xla_persistent_cache_directory="
_ROOM = 1_000_000  # more numbers than any step takes


def keep_in(directory: str | os.PathLike[str]) -> None:
    """Lets XLA keep what it compiles in a directory, and look for it there.

    Call it before TensorFlow is imported, which reads this once.

    Args:
        directory: Made when something is kept. What is in it runs as code of this process, and is
            of this kind of processor or GPU.
    """
    # As its parser wants it, so that the name may have spaces.
    quoted = '"' + os.fspath(directory).replace("\\", "\\\\").replace('"', '\\"') + '"'
    words = [os.environ.get(_FLAGS, ""), _DIRECTORY + quoted]
    os.environ[_FLAGS] = " ".join(filter(None, words))


def number_names_alike() -> None:
    """Lets the names of functions that are made next not depend on all that was made before.

    Their numbers go on from the next round one, where a cache is in use: what was made since the
    last round one does not matter, only how many times this was called. It takes 0.2 s.
    """
    if _DIRECTORY not in os.environ.get(_FLAGS, ""):
        return
    from tensorflow.python.framework import ops

    while ops.uid() % _ROOM:
        pass
