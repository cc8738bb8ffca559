"""Flags of the commands, and recipes of published experiments."""
