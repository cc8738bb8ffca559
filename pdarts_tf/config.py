"""Settings of a run: frozen, validated, with the paper's values for CIFAR-10 as defaults.

Every field is a flag of the same name; its help text stands here, in the field's metadata.

Reference: P-DARTS (arXiv 1904.12760), section 4.2.
"""

import math
from dataclasses import dataclass

from pdarts_tf.compute_config import ComputeConfig
from pdarts_tf.genotype import PRIMITIVES, Genotype, GenotypeError
from pdarts_tf.settings import (
    ConfigError,
    Settings,
    check,
    check_at_least,
    check_not_negative,
    check_positive,
    check_share,
    setting,
)

MIN_LAYERS = 3
# Below three candidates an edge may be left with nothing but `none` and `skip_connect`, so that no
# genotype with fewer skip-connects exists.
MIN_CANDIDATES = 3
STEMS = ("cifar", "imagenet")
SCHEDULES = ("cosine", "linear")
AUGMENTATIONS = ("crop", "resized_crop")
MAX_HUE = 0.5  # half a turn, the opposite colour
_CROPPING = (
    "How training images are cropped: crop, shifted within --crop_padding; or resized_crop, a "
    "random part of each, as usual on ImageNet (tests then see the centre)."
)
_JITTER = "Strength of random changes of brightness, contrast, saturation and hue."


@dataclass(frozen=True)
class StageConfig:
    """What differs between the stages of a search.

    Args:
        index: 0 for the first stage.
        num_layers: cells of the supernet.
        num_candidates: candidate operations per edge.
        init_channels: channels of the first cells.
        skip_dropout_rate: initial rate of the dropout after skip-connects.
        num_to_drop: candidates that every edge loses after the stage; 0 after the last one.
    """

    index: int
    num_layers: int
    num_candidates: int
    init_channels: int
    skip_dropout_rate: float
    num_to_drop: int


@dataclass(frozen=True)
class SearchConfig(ComputeConfig):
    """Settings of a search.

    Raises:
        ConfigError: a value is out of range, or values do not fit each other.
    """

    dataset: str = setting("digits", "Name of the data set to search on.")
    layers: tuple[int, ...] = setting((5, 11, 17), "Cells of the supernet, per stage.")
    candidates: tuple[int, ...] = setting(
        (8, 5, 3), "Candidate operations per edge, per stage; the lowest are dropped in between."
    )
    skip_dropout_rates: tuple[float, ...] = setting(
        (0.0, 0.4, 0.7), "Initial rate of the dropout after skip-connects, per stage."
    )
    add_channels: tuple[int, ...] = setting(
        (0, 0, 0), "Channels on top of --init_channels, per stage."
    )
    init_channels: int = setting(16, "Channels of the first cells; reductions double them.")
    epochs: int = setting(25, "Epochs per stage.")
    warmup_epochs: int = setting(10, "First epochs of each stage, in which only weights learn.")
    validation_epochs: int = setting(5, "Last epochs of each stage, which end with a validation.")
    batch_size: int = setting(
        96, "Images per step of the weights, and of the alphas, on all devices together."
    )
    train_portion: float = setting(
        0.5, "Portion of the training images for the weights; the alphas learn from the rest."
    )
    learning_rate: float = setting(0.025, "Initial learning rate of the weights (cosine to 0).")
    momentum: float = setting(0.9, "Momentum of the weights.")
    l2: float = setting(3e-4, "Factor of the weights in their gradient.")
    clip_norm: float = setting(5.0, "Limit of the global norm of the weights' gradient.")
    arch_learning_rate: float = setting(6e-4, "Learning rate of the alphas (Adam).")
    arch_beta_1: float = setting(0.5, "Decay of Adam's first moment.")
    arch_beta_2: float = setting(0.999, "Decay of Adam's second moment.")
    arch_l2: float = setting(1e-3, "Factor of the alphas in their gradient.")
    arch_clip_norm: float = setting(5.0, "Limit of the global norm of the alphas' gradient.")
    max_skip_connects: int = setting(2, "M: skip-connects that the normal cell may keep.")
    restrict_reduce: bool = setting(False, "Whether M holds for the reduction cell too.")
    crop_padding: int = setting(4, "Pixels around the image from which random crops are taken.")
    flip: bool = setting(True, "Whether images are mirrored at random.")
    augmentation: str = setting("crop", _CROPPING)
    color_jitter: tuple[float, ...] = setting((0.0, 0.0, 0.0, 0.0), _JITTER)
    train_images_per_class: int | None = setting(
        None, "Use so many training images of each class, drawn by --seed; by default all."
    )
    image_size: int | None = setting(
        None, "Resize images to this height and width, in pixels; by default they keep their size."
    )
    max_steps_per_epoch: int | None = setting(
        None, "Stop epochs and validations after this many batches."
    )
    seed: int = setting(0, "Fixes everything that is random.")

    def __post_init__(self) -> None:
        """Checks every value."""
        super().__post_init__()
        self._check_stages()
        check_at_least(
            self,
            epochs=1,
            warmup_epochs=0,
            validation_epochs=0,
            batch_size=1,
            max_skip_connects=0,
            crop_padding=0,
            image_size=1,
            train_images_per_class=1,
            max_steps_per_epoch=1,
            seed=0,
        )
        check(self.seed < 2**63, "seed", "less than 2**63", self.seed)
        _check_augmentation(self)
        check_positive(self, "learning_rate", "clip_norm", "arch_learning_rate", "arch_clip_norm")
        check_not_negative(self, "l2", "arch_l2")
        check_share(self, "momentum", "arch_beta_1", "arch_beta_2")
        check(0 < self.train_portion < 1, "train_portion", "between 0 and 1", self.train_portion)
        check(
            self.warmup_epochs < self.epochs,
            "warmup_epochs",
            f"less than the {self.epochs} epochs, or the alphas never learn",
            self.warmup_epochs,
        )

    def _check_stages(self) -> None:
        lists = ("layers", "candidates", "skip_dropout_rates", "add_channels")
        lengths = {name: len(getattr(self, name)) for name in lists}
        if len(set(lengths.values())) != 1 or not self.layers:
            counts = ", ".join(f"--{name} has {length}" for name, length in lengths.items())
            raise ConfigError(f"All lists must have one value per stage. Received: {counts}")
        for value in self.layers:
            check(value >= MIN_LAYERS, "layers", f"at least {MIN_LAYERS} cells", self.layers)
        for rate in self.skip_dropout_rates:
            check(0 <= rate < 1, "skip_dropout_rates", "in [0, 1)", self.skip_dropout_rates)
        first = len(PRIMITIVES)
        check(
            self.candidates[0] == first,
            "candidates",
            f"{first} in the first stage, the number of primitives",
            self.candidates,
        )
        for before, after in zip(self.candidates, self.candidates[1:], strict=False):
            check(after < before, "candidates", "fewer in every stage", self.candidates)
        check(
            self.candidates[-1] >= MIN_CANDIDATES,
            "candidates",
            f"at least {MIN_CANDIDATES}, so that an edge has more to choose from than none and "
            "skip_connect",
            self.candidates,
        )
        for added in self.add_channels:
            channels = self.init_channels + added
            check(
                channels >= 2 and channels % 2 == 0,
                "init_channels",
                "even and at least 2 in every stage, with --add_channels added",
                channels,
            )

    @property
    def stages(self) -> tuple[StageConfig, ...]:
        """The settings of each stage, in order."""
        following = (*self.candidates[1:], self.candidates[-1])
        return tuple(
            StageConfig(
                index=i,
                num_layers=self.layers[i],
                num_candidates=self.candidates[i],
                init_channels=self.init_channels + self.add_channels[i],
                skip_dropout_rate=self.skip_dropout_rates[i],
                num_to_drop=self.candidates[i] - following[i],
            )
            for i in range(len(self.layers))
        )


@dataclass(frozen=True)
class TrainConfig(ComputeConfig):
    """Settings of the training of an evaluation network.

    Raises:
        ConfigError: a value is out of range, or values do not fit each other.

    Reference: P-DARTS, sections 4.3 (CIFAR, the defaults) and 4.4 (ImageNet).
    """

    genotype: str = setting("PDARTS", "Genotype: a file, or the name of a published one.")
    dataset: str = setting("digits", "Name of the data set to train and test on.")
    layers: int = setting(20, "Cells of the network.")
    init_channels: int = setting(36, "Channels of the first cells; reductions double them.")
    stem: str = setting("cifar", "First layers: cifar, or imagenet, which divides the size by 8.")
    epochs: int = setting(600, "Epochs.")
    batch_size: int = setting(128, "Images per step, on all devices together.")
    gradient_accumulation: int = setting(
        1, "Parts that each device computes its batch in, one after the other, to save memory."
    )
    learning_rate: float = setting(0.025, "Largest learning rate.")
    schedule: str = setting("cosine", "Course of the learning rate to 0: cosine or linear.")
    learning_rate_warmup_epochs: int = setting(
        0, "First epochs, in which the learning rate rises linearly."
    )
    momentum: float = setting(0.9, "Momentum.")
    l2: float = setting(3e-4, "Factor of the weights in their gradient.")
    clip_norm: float = setting(5.0, "Limit of the global norm of the gradient.")
    auxiliary: bool = setting(
        True, "Whether an auxiliary head helps to train the first two thirds."
    )
    auxiliary_weight: float = setting(0.4, "Weight of the auxiliary head's loss.")
    drop_path_rate: float = setting(0.3, "Rate that drop-path approaches linearly from 0.")
    cutout_length: int = setting(16, "Side in pixels of the square cut out of images; 0 for none.")
    label_smoothing: float = setting(0.0, "Share of each label that is spread over all classes.")
    crop_padding: int = setting(4, "Pixels around the image from which random crops are taken.")
    flip: bool = setting(True, "Whether images are mirrored at random.")
    average_decay: float = setting(
        0.0, "Decay per epoch of a moving average of the weights, which is then what is tested."
    )
    augmentation: str = setting("crop", _CROPPING)
    color_jitter: tuple[float, ...] = setting((0.0, 0.0, 0.0, 0.0), _JITTER)
    train_images_per_class: int | None = setting(
        None, "Use so many training images of each class, drawn by --seed; by default all."
    )
    image_size: int | None = setting(
        None, "Resize images to this height and width, in pixels; by default they keep their size."
    )
    max_steps_per_epoch: int | None = setting(
        None, "Stop epochs and tests after this many batches."
    )
    max_parameters: int | None = setting(None, "Refuse networks with more parameters.")
    max_macs: int | None = setting(None, "Refuse networks with more multiply-accumulates.")
    seed: int = setting(0, "Fixes everything that is random.")

    def __post_init__(self) -> None:
        """Checks every value."""
        super().__post_init__()
        try:
            Genotype.parse(self.genotype)
        except GenotypeError as error:
            raise ConfigError(str(error)) from error
        check_at_least(
            self,
            layers=MIN_LAYERS,
            epochs=1,
            batch_size=1,
            gradient_accumulation=1,
            learning_rate_warmup_epochs=0,
            cutout_length=0,
            crop_padding=0,
            image_size=1,
            train_images_per_class=1,
            max_steps_per_epoch=1,
            max_parameters=1,
            max_macs=1,
            seed=0,
        )
        check_positive(self, "learning_rate", "clip_norm")
        check_not_negative(self, "l2", "auxiliary_weight")
        check_share(self, "momentum", "drop_path_rate", "label_smoothing", "average_decay")
        _check_augmentation(self)
        check(
            self.init_channels >= 2 and self.init_channels % 2 == 0,
            "init_channels",
            "even and at least 2",
            self.init_channels,
        )
        check(
            self.gradient_accumulation == 1 or not self.sync_batch_norm,
            "gradient_accumulation",
            "1 with --sync_batch_norm, since batch norms see one part at a time",
            self.gradient_accumulation,
        )
        for name, allowed in (("stem", STEMS), ("schedule", SCHEDULES)):
            value = getattr(self, name)
            check(value in allowed, name, " or ".join(allowed), value)
        check(
            self.learning_rate_warmup_epochs < self.epochs,
            "learning_rate_warmup_epochs",
            f"less than the {self.epochs} epochs",
            self.learning_rate_warmup_epochs,
        )

    @property
    def parts_per_device(self) -> int:
        """In how many parts, one after the other, a device computes its share of a batch."""
        return self.gradient_accumulation


@dataclass(frozen=True)
class CheckpointConfig(Settings):
    """When checkpoints are written besides those at the ends of epochs, and how many stay.

    They have no influence on results, so that a run may be resumed with other ones.

    Raises:
        ConfigError: a value is out of range.
    """

    checkpoint_every_minutes: float = setting(
        5.0, "Write a checkpoint inside an epoch after so many minutes; 0 for never."
    )
    checkpoint_every_steps: int | None = setting(
        None, "Write a checkpoint inside an epoch after so many steps; by default never."
    )
    keep_checkpoints: int = setting(2, "How many checkpoints stay, the newest ones.")

    def __post_init__(self) -> None:
        """Checks every value."""
        check_not_negative(self, "checkpoint_every_minutes")
        check_at_least(self, checkpoint_every_steps=1, keep_checkpoints=1)


def _check_augmentation(config: SearchConfig | TrainConfig) -> None:
    check(
        config.augmentation in AUGMENTATIONS,
        "augmentation",
        " or ".join(AUGMENTATIONS),
        config.augmentation,
    )
    jitter = config.color_jitter
    check(
        len(jitter) == 4 and all(0 <= s < math.inf for s in jitter) and jitter[3] <= MAX_HUE,
        "color_jitter",
        f"four strengths of at least 0, the last at most {MAX_HUE}",
        jitter,
    )
