"""Measurements; each is a command, named in docs/benchmarks.md with what it gave."""
