"""The cache of what XLA has compiled: where it is, and that a run which resumes finds its steps."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

from pdarts_tf.training import compilation_cache
from tests.source_tree import ROOT

# One step, compiled after the process has made some number of other things.
PROGRAM = """
import sys
from pdarts_tf.training.runtime import configure
configure(compilation_cache_dir=sys.argv[1])
import numpy as np, tensorflow as tf
from pdarts_tf.training.loop import TrainingLoop
others = [tf.constant(number) for number in range(int(sys.argv[2]))]
from tests.training.test_loop import Adder, dataset, run_epoch
print(run_epoch(TrainingLoop(Adder(), jit_compile=True), 0, iter(dataset(1.0, 3.0)), 2))
"""


@pytest.fixture
def variable(monkeypatch):
    """The environment variable of a TensorFlow that is not this process': ours reads its own."""
    monkeypatch.setattr(compilation_cache, "_FLAGS", "FLAGS_OF_ANOTHER_TENSORFLOW")
    monkeypatch.setenv(compilation_cache._FLAGS, "")
    return compilation_cache._FLAGS


def test_the_directory_is_handed_to_tensorflow_beside_other_flags(variable, monkeypatch):
    monkeypatch.setenv(variable, "--tf_xla_clustering_debug")
    compilation_cache.keep_in("a cache")
    assert os.environ[variable] == (
        '--tf_xla_clustering_debug --tf_xla_persistent_cache_directory="a cache"'
    )


def number_of_the_next_function():
    """The number in the name that TensorFlow gives to a function that is made now."""

    def run():
        compilation_cache.number_names_alike()
        return tf.constant(1)

    name = tf.function(run, autograph=False).get_concrete_function().name.decode()
    return int(name.rpartition("_")[2])


@pytest.mark.usefixtures("variable")
def test_numbers_of_names_begin_afresh_where_there_is_a_cache():
    compilation_cache.keep_in("cache")
    first = number_of_the_next_function()
    made = [tf.constant(number) for number in range(100)]
    assert number_of_the_next_function() - first == 1_000_000
    del made


@pytest.mark.usefixtures("variable")
def test_numbers_of_names_go_on_where_there_is_none():
    first = number_of_the_next_function()
    assert number_of_the_next_function() - first < 1000


@pytest.mark.slow
def test_another_process_finds_what_the_first_has_compiled(tmp_path):
    """Though it has made other things before, as one that resumes a run."""
    printed, kept = [], []
    for others in (0, 50):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "the cache"), str(others)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        printed.append(done.stdout)
        kept.append(sorted(path.name for path in (tmp_path / "the cache").iterdir()))
    assert len(kept[0]) == 1
    assert kept[0] == kept[1]
    assert printed[0] == printed[1]
