"""The same surroundings for every test: quiet, repeatable, on the CPU.

TensorFlow is configured by environment variables, which it reads when it is first imported: tests
of the pure modules run without ever importing it. What the environment sets already, stays.
"""

import os
import random
import subprocess
import sys

import hypothesis
import pytest

from tests.source_tree import ROOT

_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # as `import pdarts_tf` does
    # The fastest on two cores, since the graphs here are many small operations.
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "2",
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

hypothesis.settings.register_profile(
    "repeatable",
    deadline=None,  # the first call of anything in TensorFlow takes seconds
    derandomize=True,
)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _same_seed():
    """Seeds every generator that is in use, so that no test depends on the ones before it.

    Keras draws its seeds from Python's generator. TensorFlow's own is used by nothing here, and is
    left alone: to seed it makes TensorFlow forget its kernels, and so optimize all graphs again.
    """
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


@pytest.fixture(scope="module")
def chromium():
    """A browser, for tests of pages."""
    from playwright.sync_api import sync_playwright

    from tests import browser

    with sync_playwright() as playwright:
        program = browser.find_browser()
        running = playwright.chromium.launch(executable_path=program, args=list(browser.OPTIONS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def real_search(tmp_path_factory):
    """The run directory of a search on digits, three epochs a stage: minutes, for slow tests."""
    path = tmp_path_factory.mktemp("real") / "search_digits"
    command = [sys.executable, "-m", "pdarts_tf.search", "--dataset=digits", "--epochs=3"]
    command += ["--warmup_epochs=1", f"--output_dir={path}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return path
