"""Bridges to other implementations."""
