"""Main program of the Bazel tests: runs pytest on the files given as arguments."""

import sys

import pytest

sys.exit(pytest.main(sys.argv[1:]))
