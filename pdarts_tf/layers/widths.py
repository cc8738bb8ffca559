"""Numbers of channels that no setting changes; without TensorFlow, since `cost` counts by them."""

AUXILIARY_CHANNELS = (128, 768)
"""Output channels of the 1x1 and of the 2x2 convolution of an auxiliary head."""
