"""The progressive search: the paper's algorithm."""
