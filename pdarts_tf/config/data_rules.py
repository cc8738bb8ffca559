"""Rules by which settings follow from the training images.

The paper's settings are for 50,000 images of 32 pixels: with them, a thousand photographs would be
trained on for 4,200 steps, by a network that cannot learn from so few. The rules keep what makes
the paper's settings work, such as the ratio of the depths of supernet and network, and scale the
rest. docs/photos.md has what was measured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pdarts_tf.config.search import MIN_LAYERS, SearchConfig
from pdarts_tf.stems import least_auxiliary_size, stem_for

Values = Mapping[str, Any]
Rule = Callable[[Values], tuple[Any, str]]
"""Function from the values of all settings so far to that of a setting, and the reason."""

CHOSEN = frozenset(
    {
        "layers",
        "init_channels",
        "batch_size",
        "epochs",
        "learning_rate",
        "arch_learning_rate",
        "auxiliary",
        "drop_path_rate",
        "label_smoothing",
        "class_weights",
        "early_stopping_epochs",
        "augmentation",
        "color_jitter",
        "crop_padding",
        "cutout_length",
    }
)
"""Names of all settings that there are rules for."""
_SEARCH_STEPS, _TRAIN_STEPS = 16, 32  # that an epoch has at least, if batches can be so small
_LEAST_BATCH, _SEARCH_BATCH, _TRAIN_BATCH = 8, 96, 128  # the last two are the paper's
_ARCH_STEPS = 3_900  # alpha steps of a stage of the paper's search: 15 epochs of 260
_MOST_ARCH_LEARNING_RATE = 6e-3
_LITTLE, _MUCH = 2_000, 20_000  # images; below the first, and from the second on
_IMBALANCE = 1.5  # images of the largest class to those of the smallest
_DEPTHS = (5 / 20, 11 / 20, 17 / 20)  # of the paper's stages, as portions of the network's depth


@dataclass(frozen=True)
class TrainingData:
    """The training images, as far as settings follow from them.

    Args:
        counts: Number of training images of every class, those for validation included.
        image_shape: (height, width, channels).
    """

    counts: tuple[int, ...]
    image_shape: tuple[int, int, int]

    @property
    def num_images(self) -> int:
        """Number of training images."""
        return sum(self.counts)

    @property
    def has_photographs(self) -> bool:
        """Whether images are larger than those that CIFAR's stem is for."""
        return stem_for("auto", self.image_shape) != "cifar"


class _Network(NamedTuple):
    """Size of the evaluation network, its regularization, and the channels of the supernets."""

    layers: int
    init_channels: int
    auxiliary: bool
    drop_path_rate: float
    search_channels: int


def search_rules(data: TrainingData, multiple: int) -> dict[str, Rule]:
    """Returns {setting: rule} for searches, in the order in which they apply.

    Args:
        data: The training images.
        multiple: Number of which the batch size has to be a multiple.
    """
    network = _network(data)
    depths = tuple(max(MIN_LAYERS, round(part * network.layers)) for part in _DEPTHS)
    half = data.num_images // 2
    why = f"the paper's portions of the {network.layers} cells of the training"
    return {
        "layers": lambda _: (depths, why),
        "init_channels": lambda _: (network.search_channels, _size_reason(data)),
        "batch_size": _batch_size(half, _SEARCH_STEPS, _SEARCH_BATCH, multiple),
        "arch_learning_rate": _arch_learning_rate(half),
        "class_weights": _class_weights(data),
        **_image_rules(data),
    }


def train_rules(data: TrainingData, multiple: int) -> dict[str, Rule]:
    """Returns {setting: rule} for trainings; for the arguments see `search_rules`."""
    network = _network(data)
    return {
        "layers": lambda _: (network.layers, _size_reason(data)),
        "init_channels": lambda _: (network.init_channels, _size_reason(data)),
        "auxiliary": _auxiliary(data, network),
        "drop_path_rate": lambda _: (network.drop_path_rate, _size_reason(data)),
        "batch_size": _batch_size(data.num_images, _TRAIN_STEPS, _TRAIN_BATCH, multiple),
        "class_weights": _class_weights(data),
        **_length_rules(data),
        **_image_rules(data),
        "cutout_length": _cutout_length(data),
    }


def _network(data: TrainingData) -> _Network:
    """Returns the size of the network: the paper's for many images, smaller ones for few."""
    if data.num_images < _LITTLE:
        return _Network(8, 16, auxiliary=False, drop_path_rate=0.1, search_channels=8)
    if data.num_images < _MUCH:
        return _Network(14, 24, auxiliary=True, drop_path_rate=0.2, search_channels=12)
    if data.has_photographs:
        return _Network(14, 48, auxiliary=True, drop_path_rate=0.0, search_channels=16)
    return _Network(20, 36, auxiliary=True, drop_path_rate=0.3, search_channels=16)


def _size_reason(data: TrainingData) -> str:
    if data.num_images < _MUCH:
        return "few images, from which a large network learns no more"
    return "as the paper on ImageNet" if data.has_photographs else "as the paper on CIFAR-10"


def _length_rules(data: TrainingData) -> dict[str, Rule]:
    """Returns the rules of how long a network is trained, how fast, and towards what."""
    if data.num_images >= _MUCH:
        epochs = 250 if data.has_photographs else 600
        smoothing = 0.1 if data.has_photographs else 0.0
        return {
            "epochs": lambda _: (epochs, _size_reason(data)),
            "label_smoothing": lambda _: (smoothing, _size_reason(data)),
        }

    def early_stopping_epochs(values: Values) -> tuple[int, str]:
        epochs = values["epochs"] // 2 if values["validation_portion"] else 0
        return epochs, "half of the epochs without a better validation score"

    return {
        "epochs": lambda _: (
            100 if data.num_images < _LITTLE else 200,
            "the paper has 600 for 50,000 images, by a larger network",
        ),
        "early_stopping_epochs": early_stopping_epochs,
        "learning_rate": lambda _: (0.05, "better than 0.025 on photographs, see docs/photos.md"),
        "label_smoothing": lambda _: (0.1, "as the paper on ImageNet"),
    }


def _class_weights(data: TrainingData) -> Rule:
    """Returns the rule of weights of the classes, for classes of very different sizes."""
    ratio = max(data.counts) / max(1, min(data.counts))
    reason = f"the largest class has {ratio:.1f} times the images of the smallest"
    return lambda _: ("balanced" if ratio >= _IMBALANCE else "none", reason)


def _cutout_length(data: TrainingData) -> Rule:
    """Returns the rule of the paper: half of the side on CIFAR, none on ImageNet."""
    if data.has_photographs:
        return lambda _: (0, "as the paper on ImageNet")
    return lambda _: (min(data.image_shape[:2]) // 2, "half of the side, as the paper")


def _auxiliary(data: TrainingData, network: _Network) -> Rule:
    """Returns the rule of the auxiliary head, which small images have no room for."""

    def rule(values: Values) -> tuple[bool, str]:
        least = least_auxiliary_size(stem_for(values["stem"], data.image_shape))
        if network.auxiliary and min(data.image_shape[:2]) < least:
            return False, f"an auxiliary head takes images of at least {least} pixels"
        return network.auxiliary, _size_reason(data)

    return rule


def _batch_size(num_images: int, steps: int, most: int, multiple: int) -> Rule:
    """Returns the rule of the largest power of two with which an epoch has so many steps."""
    fitting = 2 ** max(0, (num_images // steps).bit_length() - 1)
    least = max(1, min(_LEAST_BATCH, num_images // 2))  # of very few images some are held out
    size = min(max(fitting, least), most)
    size = max(size // multiple, 1) * multiple
    reason = "as the paper" if size == most else f"about {num_images // size} steps an epoch"
    return lambda _: (size, reason)


def _arch_learning_rate(num_images: int) -> Rule:
    """Returns the rule by which the alphas can move as far as the paper's, in fewer steps."""

    def rule(values: Values) -> tuple[float, str]:
        epochs = values["epochs"] - values["warmup_epochs"]
        steps = max(1, num_images // values["batch_size"]) * epochs
        least = SearchConfig.arch_learning_rate
        rate = float(f"{least * _ARCH_STEPS / steps:.1g}")
        reason = f"{steps:,} steps of the alphas a stage, where the paper has {_ARCH_STEPS:,}"
        return min(max(rate, least), _MOST_ARCH_LEARNING_RATE), reason

    return rule


def _image_rules(data: TrainingData) -> dict[str, Rule]:
    """Returns the rules of searches and trainings for what is done to images."""
    side = min(data.image_shape[:2])
    if not data.has_photographs:
        return {"crop_padding": lambda _: (side // 8, "an eighth of the side, as the paper")}
    large = "images of more than 40 pixels, in which things have any size"
    return {
        "augmentation": lambda _: ("resized_crop", large),
        "color_jitter": lambda _: ((0.4, 0.4, 0.4, 0.1), large),
    }
