"""A package, so that tests can share helpers as `from tests.name import …`."""
