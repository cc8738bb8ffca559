"""Settings of the training of an evaluation network.

Reference: P-DARTS (arXiv 1904.12760), sections 4.3 (CIFAR, the defaults) and 4.4 (ImageNet).
"""

import math
from dataclasses import dataclass

from pdarts_tf.config.compute import ComputeConfig
from pdarts_tf.config.data import MAX_IMAGE_SIZE, DataConfig
from pdarts_tf.config.search import (
    MAX_BATCH_SIZE,
    MAX_CHANNELS,
    MAX_EPOCHS,
    MAX_LAYERS,
    MIN_LAYERS,
)
from pdarts_tf.config.settings import (
    ConfigError,
    check,
    check_not_negative,
    check_positive,
    check_share,
    setting,
)
from pdarts_tf.genotype import Genotype, GenotypeError
from pdarts_tf.schedules import LEARNING_RATE_SCHEDULES

BUDGET = ("max_parameters", "max_macs", "max_latency_ms")
"""Settings that limit the network, and choose what is open of it."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig(DataConfig, ComputeConfig):
    """Settings of the training of an evaluation network.

    Raises:
        ConfigError: A value is out of range, or values do not fit each other.

    Example:

    >>> TrainConfig(genotype="DARTS_V2", layers=8).init_channels
    36
    """

    genotype: str = setting(
        "PDARTS",
        "Genotype: a file, FILE:NAME for one of several in a file, the run directory of a search, "
        "or the name of a published cell.",
    )
    validation_portion: float = setting(
        0.1,
        "Portion of the training images of each class to hold out, drawn with --seed: their "
        "accuracy chooses the best weights. With 0, all train, and the last weights count.",
        before=0.0,
    )
    layers: int = setting(20, "Number of cells of the network.", least=MIN_LAYERS, most=MAX_LAYERS)
    init_channels: int = setting(
        36, "Channels of the first cells; reduction cells double them.", most=MAX_CHANNELS
    )
    epochs: int = setting(600, "Number of epochs.", least=1, most=MAX_EPOCHS)
    batch_size: int = setting(
        128,
        "Images per step, summed over all devices; auto for as many as are estimated to fit into "
        "memory.",
        auto=True,
        least=1,
        most=MAX_BATCH_SIZE,
    )
    gradient_accumulation: int = setting(
        1,
        "Number of parts in which each device computes its batch one by one, to save memory.",
        least=1,
    )
    learning_rate: float = setting(0.025, "Peak learning rate.")
    schedule: str = setting(
        "cosine",
        f"Learning-rate schedule: {' or '.join(LEARNING_RATE_SCHEDULES)} decay to 0.",
        choices=LEARNING_RATE_SCHEDULES,
    )
    learning_rate_warmup_epochs: int = setting(
        0, "Number of epochs of linear learning-rate warm-up.", least=0
    )
    momentum: float = setting(0.9, "Momentum.")
    l2: float = setting(3e-4, "L2 penalty of the weights, added to their gradient.")
    clip_norm: float = setting(5.0, "Maximum global norm of the gradient.")
    auxiliary: bool = setting(True, "Train with an auxiliary head after two thirds of the cells.")
    auxiliary_weight: float = setting(0.4, "Weight of the auxiliary head's loss.")
    drop_path_rate: float = setting(0.3, "Final drop-path rate; it grows linearly from 0.")
    cutout_length: int = setting(
        16, "Side of the cutout square in pixels; 0 for no cutout.", least=0, most=MAX_IMAGE_SIZE
    )
    rand_augment: float = setting(
        0.0,
        "Strength of RandAugment, up to 1: two random operations on every training image; 0 for "
        "none.",
        before=0.0,
    )
    mixup: float = setting(
        0.0,
        "Mix every training image with another one, by shares of the beta distribution whose "
        "parameters are this number; 0 for none.",
        before=0.0,
    )
    label_smoothing: float = setting(0.0, "Label smoothing.")
    average_decay: float = setting(
        0.0,
        "Decay per epoch of an exponential moving average of the weights, which is then tested "
        "instead of them; 0 for none.",
    )
    early_stopping_epochs: int = setting(
        0,
        "End after so many epochs in a row without a better validation score, the one that chooses "
        "the best weights; 0 to train for all --epochs.",
        before=0,
        least=0,
    )
    max_parameters: int | None = setting(
        None,
        "Maximum number of parameters. What no flag gives of --max_skip_connects, --layers and "
        "--init_channels is chosen: the largest network that fits. If all are given, a larger one "
        "is refused.",
        least=1,
        most=math.inf,
    )
    max_macs: int | None = setting(
        None,
        "Maximum number of multiply-accumulates per image; chooses and refuses networks as "
        "--max_parameters does.",
        least=1,
        most=math.inf,
    )
    max_latency_ms: float | None = setting(
        None,
        "Maximum latency of the exported network in milliseconds, for one image on the CPUs of "
        "this machine, which is measured; chooses and refuses networks as --max_parameters does.",
        before=None,
    )

    def __post_init__(self) -> None:
        """Validates every value."""
        super().__post_init__()
        try:
            Genotype.parse(self.genotype)
        except GenotypeError as error:
            raise ConfigError(str(error)) from error
        check_positive(self, "learning_rate", "clip_norm")
        if self.max_latency_ms is not None:
            check_positive(self, "max_latency_ms")
        check_not_negative(self, "l2", "auxiliary_weight", "mixup")
        check_share(self, "validation_portion", "momentum", "drop_path_rate")
        check_share(self, "label_smoothing", "average_decay")
        check(0 <= self.rand_augment <= 1, "rand_augment", "from 0 to 1", self.rand_augment)
        check(
            not self.early_stopping_epochs or self.validation_portion > 0,
            "early_stopping_epochs",
            "0 with --validation_portion=0, which measures no validation score",
            self.early_stopping_epochs,
        )
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
        check(
            self.learning_rate_warmup_epochs < self.epochs,
            "learning_rate_warmup_epochs",
            f"less than --epochs={self.epochs}",
            self.learning_rate_warmup_epochs,
        )

    @property
    def budget(self) -> dict[str, float]:
        """The limits on the network that are set, by name.

        >>> TrainConfig(max_macs=10**6).budget
        {'max_macs': 1000000}
        """
        limits = {name: getattr(self, name) for name in BUDGET}
        return {name: limit for name, limit in limits.items() if limit is not None}

    @property
    def parts_per_device(self) -> int:
        """Number of parts in which a device computes its share of a batch, one by one."""
        return self.gradient_accumulation
