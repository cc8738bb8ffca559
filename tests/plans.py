"""A data set of which plans only read sizes."""

from types import SimpleNamespace
from typing import Any

CIFAR10: Any = SimpleNamespace(
    name="cifar10",
    image_shape=(32, 32, 3),
    num_classes=10,
    train=SimpleNamespace(num_images=50_000),
    test=SimpleNamespace(num_images=10_000),
    tested_on="the test split",
)
