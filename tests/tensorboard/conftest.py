"""A browser and a real search, which tests of pages share."""

from tests.pages import chromium, real_search  # noqa: F401, fixtures are found by their names
