"""Settings of the data that searches and trainings share."""

import math
from dataclasses import dataclass

from pdarts_tf.config.settings import Settings, check, setting
from pdarts_tf.stems import AUTO, CHOICES, MOST_PIXELS, STEMS

AUGMENTATIONS = ("crop", "resized_crop")
MAX_IMAGE_SIZE = 8192  # a few more than 64 megapixels
CLASS_WEIGHTS = ("none", "balanced")
MAX_HUE = 0.5  # half a turn, the opposite colour


@dataclass(frozen=True, kw_only=True)
class DataConfig(Settings):
    """Images of a run, and their augmentation.

    Raises:
        ConfigError: A value is out of range.
    """

    dataset: str = setting(
        "digits",
        "Data set: digits, folder, or a name in TFDS.",
        form="digits|cifar10|cifar100|imagenet2012|folder|NAME",
    )
    crop_padding: int = setting(
        4, "Padding in pixels from which random crops are taken.", least=0, most=MAX_IMAGE_SIZE
    )
    flip: bool = setting(True, "Flip training images horizontally at random.")
    augmentation: str = setting(
        "crop",
        "Random crop of the training images: crop shifts them within --crop_padding; resized_crop "
        "resizes a random part, as usual on ImageNet (evaluation then takes the centre).",
        choices=AUGMENTATIONS,
    )
    color_jitter: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0, 0.0),
        "Strength of random brightness, contrast, saturation and hue.",
    )
    class_weights: str = setting(
        "none",
        "Weights of the classes in the training loss: none, or balanced, which makes all classes "
        "weigh alike together, however many images each has.",
        before="none",
        choices=CLASS_WEIGHTS,
    )
    train_images_per_class: int | None = setting(
        None, "Number of training images per class, drawn with --seed; by default all.", least=1
    )
    image_size: int | None = setting(
        None,
        "Height and width in pixels to resize images to; by default they keep their size.",
        least=1,
        most=MAX_IMAGE_SIZE,
    )
    stem: str = setting(
        AUTO,
        f"Stem: {', '.join(f'{name} (stride {stem.stride})' for name, stem in STEMS.items())}, or "
        f"{AUTO}, the one of the smallest stride with which cells see at most {MOST_PIXELS} "
        "pixels along a side.",
        before="cifar",
        choices=CHOICES,
    )
    max_steps_per_epoch: int | None = setting(
        None,
        "Maximum number of batches per epoch, validation and test; by default no limit.",
        least=1,
    )
    seed: int = setting(
        0,
        "Random seed of initialization, data order, augmentation and dropout.",
        least=0,
        most=math.inf,
    )

    def __post_init__(self) -> None:
        """Validates every value."""
        super().__post_init__()
        check(self.seed < 2**63, "seed", "less than 2**63", self.seed)
        jitter = self.color_jitter
        check(
            len(jitter) == 4 and all(0 <= s < math.inf for s in jitter) and jitter[3] <= MAX_HUE,
            "color_jitter",
            f"four strengths of at least 0, the last at most {MAX_HUE}",
            jitter,
        )
