"""Fixtures of tests that open pages: a browser, and a real search."""

import subprocess
import sys

import pytest
from playwright.sync_api import sync_playwright

from tests import browser
from tests.source_tree import ROOT


@pytest.fixture(scope="module")
def chromium():
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
