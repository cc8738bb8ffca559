"""Export of trained networks as SavedModels for TensorFlow Serving, and a client of a server."""
