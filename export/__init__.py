"""The trained network as a SavedModel for TensorFlow Serving, and a client of such a server."""
