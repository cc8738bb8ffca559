"""Damaged and hostile input: read rightly or refused in one line, whatever the bytes are.

Each module of `targets` feeds bytes to one reader. `test_fuzz.py` tries a few mutations of each
with hypothesis; `python -m tests.fuzz` (`make fuzz`) tries 100,000 of each, guided by coverage.
"""
