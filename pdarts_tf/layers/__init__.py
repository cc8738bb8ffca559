"""Keras layers and pure functions from which supernets and evaluation networks are built."""
