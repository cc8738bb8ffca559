"""Flags of the entry points, and the recipes of published experiments."""
