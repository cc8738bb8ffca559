"""Summaries of runs for TensorBoard."""
