"""Settings of a search.

Reference: P-DARTS (arXiv 1904.12760), section 4.2.
"""

from dataclasses import dataclass

from pdarts_tf.config.compute import ComputeConfig
from pdarts_tf.config.data import DataConfig
from pdarts_tf.config.settings import (
    ConfigError,
    check,
    check_not_negative,
    check_positive,
    check_share,
    setting,
)
from pdarts_tf.primitives import PRIMITIVES, least_candidates, unfit_candidates

ARCH_ORDERS = ("first", "second")
MIN_LAYERS = 3
# A network of so many layers or channels takes about a minute to make, and more memory than most
# machines have; those of the paper have 20 layers and 48 channels.
MAX_LAYERS = 200
MAX_CHANNELS = 1024
MAX_EPOCHS = 100_000
MAX_SAMPLES = 1000
MAX_BATCH_SIZE = 2**20
STRATEGIES = ("gradient", "random")


@dataclass(frozen=True)
class StageConfig:
    """Settings that differ between the stages of a search.

    Args:
        index: 0 for the first stage.
        num_layers: Number of cells of the supernet.
        num_candidates: Number of candidate operations per edge.
        init_channels: Channels of the first cells.
        skip_dropout_rate: Initial rate of the dropout after skip-connects.
        num_to_drop: Number of candidates that every edge loses after the stage; 0 after the last.
    """

    index: int
    num_layers: int
    num_candidates: int
    init_channels: int
    skip_dropout_rate: float
    num_to_drop: int


@dataclass(frozen=True, kw_only=True)
class SearchConfig(DataConfig, ComputeConfig):
    """Settings of a search.

    Raises:
        ConfigError: A value is out of range, or values do not fit each other.

    Example:

    >>> SearchConfig(init_channels=15)
    Traceback (most recent call last):
    ...
    pdarts_tf.config.settings.ConfigError: --init_channels must be even and at least 2 in every \
stage, with --add_channels added. Received: 15
    """

    layers: tuple[int, ...] = setting(
        (5, 11, 17), "Number of cells of the supernet, per stage.", most=MAX_LAYERS
    )
    primitives: tuple[str, ...] = setting(
        PRIMITIVES,
        "Primitives of the search, in the order of the architecture parameters: those of the "
        "paper, or any others that evaluation networks have, such as sep_conv_7x7, or that "
        "--plugins register.",
        before=PRIMITIVES,
    )
    candidates: tuple[int, ...] = setting(
        (8, 5, 3),
        "Number of candidate operations per edge, per stage, the first being the number of "
        "--primitives; the least probable are dropped in between.",
    )
    skip_dropout_rates: tuple[float, ...] = setting(
        (0.0, 0.4, 0.7), "Initial rate of the dropout after skip-connects, per stage."
    )
    add_channels: tuple[int, ...] = setting(
        (0, 0, 0), "Channels to add to --init_channels, per stage.", most=MAX_CHANNELS
    )
    init_channels: int = setting(
        16, "Channels of the first cells; reduction cells double them.", most=MAX_CHANNELS
    )
    epochs: int = setting(25, "Number of epochs per stage.", least=1, most=MAX_EPOCHS)
    warmup_epochs: int = setting(
        10,
        "Number of epochs at the start of each stage in which only the weights are trained.",
        least=0,
    )
    validation_epochs: int = setting(
        5,
        "Number of epochs at the end of each stage after which the supernet is validated.",
        least=0,
    )
    batch_size: int = setting(
        96,
        "Images per weight step and per architecture step, summed over all devices; auto for as "
        "many as are estimated to fit into memory.",
        auto=True,
        least=1,
        most=MAX_BATCH_SIZE,
    )
    train_portion: float = setting(
        0.5,
        "Portion of the training images that trains the weights; the rest trains the alphas.",
    )
    learning_rate: float = setting(
        0.025, "Initial learning rate of the weights (SGD, cosine decay to 0)."
    )
    momentum: float = setting(0.9, "Momentum of the weights.")
    l2: float = setting(3e-4, "L2 penalty of the weights, added to their gradient.")
    clip_norm: float = setting(5.0, "Maximum global norm of the weights' gradient.")
    arch_learning_rate: float = setting(6e-4, "Learning rate of the alphas (Adam).")
    arch_beta_1: float = setting(0.5, "Decay rate of Adam's first moment.")
    arch_beta_2: float = setting(0.999, "Decay rate of Adam's second moment.")
    arch_l2: float = setting(1e-3, "L2 penalty of the alphas, added to their gradient.")
    arch_clip_norm: float = setting(5.0, "Maximum global norm of the alphas' gradient.")
    arch_order: str = setting(
        "first",
        "Order of the alphas' gradient: first (of the paper), or second, which differentiates "
        "through a step of the weights (DARTS) and takes several times as long.",
        before="first",
        choices=ARCH_ORDERS,
    )
    max_skip_connects: int = setting(
        2, "Maximum number of skip-connects in the normal cell (M of the paper).", least=0
    )
    restrict_reduce: bool = setting(
        False, "Apply --max_skip_connects to the reduction cell as well."
    )
    strategy: str = setting(
        "gradient",
        "Search strategy: gradient (P-DARTS and DARTS), or random: cells drawn at random, each "
        "trained by itself like a stage, of which the one with the best validation wins.",
        before="gradient",
        choices=STRATEGIES,
    )
    samples: int = setting(
        8, "Number of cells that --strategy=random draws.", before=8, least=1, most=MAX_SAMPLES
    )

    def __post_init__(self) -> None:
        """Validates every value."""
        super().__post_init__()
        self._check_stages()
        self._check_strategy()
        check_positive(self, "learning_rate", "clip_norm", "arch_learning_rate", "arch_clip_norm")
        check_not_negative(self, "l2", "arch_l2")
        check_share(self, "momentum", "arch_beta_1", "arch_beta_2")
        check(0 < self.train_portion < 1, "train_portion", "between 0 and 1", self.train_portion)
        check(
            self.arch_order == "first" or self.mixed_precision == "none",
            "arch_order",
            f"first with --mixed_precision={self.mixed_precision}, since finite differences vanish "
            "in the rounding of 16 bits",
            self.arch_order,
        )
        check(
            self.warmup_epochs < self.epochs,
            "warmup_epochs",
            f"less than --epochs={self.epochs}, or the alphas are never trained",
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
        if expected := unfit_candidates(self.primitives):
            check(False, "primitives", expected, self.primitives)
        first, least = len(self.primitives), least_candidates(self.primitives)
        check(
            self.candidates[0] == first,
            "candidates",
            f"{first} in the first stage, the number of --primitives",
            self.candidates,
        )
        for before, after in zip(self.candidates, self.candidates[1:], strict=False):
            check(after < before, "candidates", "fewer in every stage", self.candidates)
        check(
            self.candidates[-1] >= least,
            "candidates",
            f"at least {least}, so that an edge has something to choose from beside none and "
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

    def _check_strategy(self) -> None:
        if self.strategy == "random":
            expected = "one value with --strategy=random, the cells of the network of each sample"
            check(len(self.layers) == 1, "layers", expected, self.layers)
            expected = "at least 1 with --strategy=random, which compares samples by it"
            check(self.validation_epochs > 0, "validation_epochs", expected, self.validation_epochs)

    @property
    def stages(self) -> tuple[StageConfig, ...]:
        """Settings of each stage, in order; a random search has one stage per sample."""
        if self.strategy == "random":
            return tuple(
                StageConfig(
                    index=i,
                    num_layers=self.layers[0],
                    num_candidates=self.candidates[0],
                    init_channels=self.init_channels + self.add_channels[0],
                    skip_dropout_rate=0.0,
                    num_to_drop=0,
                )
                for i in range(self.samples)
            )
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
