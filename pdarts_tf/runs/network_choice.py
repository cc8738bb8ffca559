"""The network of a training that a budget chooses."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from pdarts_tf.config import ConfigError, SearchConfig, TrainConfig
from pdarts_tf.config.budget import OpenNetwork
from pdarts_tf.config.settings import as_flag
from pdarts_tf.cost.candidates import DEPTHS, WIDTHS, ImageSetting, SizedNetwork, candidates
from pdarts_tf.cost.latency_model import Latency, largest_within
from pdarts_tf.cost.latency_program import measuring
from pdarts_tf.data.images import ImageData
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.stems import stem_for

Config = SearchConfig | TrainConfig
Measuring = Callable[[ImageSetting, Sequence[str]], AbstractContextManager[Latency]]
"""Function of images and plugins whose context has a function that measures latencies."""


def check_stored_network(path: str, stored: Config, options: RunOptions) -> None:
    """Checks that the network of a run that is to go on is one that the budget may have chosen.

    Args:
        path: The run directory.
        stored: Settings of the run in it.
        options: Options, which say what is open.

    Raises:
        RunDirectoryError: Its genotype is another one.
    """
    network = options.open_network
    if network is None or not isinstance(stored, TrainConfig):
        return
    if stored.genotype not in map(str, network.genotypes.values()):
        raise run_directory.RunDirectoryError(
            f"{path} holds another run: its --genotype is none of those to choose among; choose "
            "another --output_dir"
        )


def chosen_network(
    config: Config, data: ImageData, options: RunOptions, measuring: Measuring = measuring
) -> tuple[Config, list[str]]:
    """Returns settings with the largest network within their budget, and a line that says so.

    Args:
        config: Settings of the run.
        data: The images, of which only shape and classes matter.
        options: Options of the run, which say what is open; if nothing is, the settings are
            returned as they are, and no line.
        measuring: See `latency_program.measuring`.

    Raises:
        ConfigError: No network fits; the message has the smallest one.
        RunError: A latency cannot be measured.
    """
    network = options.open_network
    if network is None or not isinstance(config, TrainConfig):
        return config, []
    stem = stem_for(config.stem, data.image_shape)
    images = ImageSetting(data.image_shape, data.num_classes, stem)
    tried = _candidates(config, network, images)
    fitting = [each for each in tried if _within(config, each)]
    if not fitting:
        raise _nothing_fits(config, tried[-1])
    found, latency = fitting[0], None
    if (limit := config.max_latency_ms) is not None:
        _check_one_machine(options)
        print(f"Measuring the latency of exported networks, with {images}:", flush=True)
        with measuring(images, options.plugins) as measure:
            found, latency = _largest_within(config, limit, fitting, measure)
    chosen = dataclasses.replace(
        config,
        genotype=str(found.genotype),
        layers=found.layers,
        init_channels=found.init_channels,
    )
    return chosen, [
        f"{_budget(config)}: of {len(tried)} networks the largest that fits is {found}, with "
        f"{_costs(found, latency)}"
    ]


def _candidates(
    config: TrainConfig, network: OpenNetwork, images: ImageSetting
) -> list[SizedNetwork]:
    """Returns the networks that may be chosen, from the largest to the smallest."""
    depths = DEPTHS if "layers" in network.sizes else (config.layers,)
    widths = WIDTHS if "init_channels" in network.sizes else (config.init_channels,)
    try:
        return candidates(network.genotypes, images, depths, widths)
    except ValueError as error:  # of images that the stem does not fit
        raise ConfigError(str(error)) from error


def _within(config: TrainConfig, candidate: SizedNetwork) -> bool:
    """Returns whether a network has at most as many parameters and MACs as settings allow."""
    limits = {"parameters": config.max_parameters, "macs": config.max_macs}
    return all(limit is None or getattr(candidate, name) <= limit for name, limit in limits.items())


def _check_one_machine(options: RunOptions) -> None:
    if options.devices.multi_worker:
        raise ConfigError(
            "--max_latency_ms measures one machine, not several workers; leave it out, and give "
            "them --layers and --init_channels that --dry_run has chosen on one"
        )


def _largest_within(
    config: TrainConfig, limit: float, fitting: Sequence[SizedNetwork], measure: Latency
) -> tuple[SizedNetwork, float]:
    """Returns the largest network within the latency, and its own; prints what it measures."""

    def told(network: SizedNetwork) -> float:
        latency = measure(network)
        print(f"  {network}: {latency:.2f} ms", flush=True)
        return latency

    found, measured = largest_within(fitting, limit, told)
    if found is None:
        raise _nothing_fits(config, fitting[-1], measured[fitting[-1]])
    return found, measured[found]


def _nothing_fits(
    config: TrainConfig, smallest: SizedNetwork, latency: float | None = None
) -> ConfigError:
    return ConfigError(
        f"no network fits {_budget(config)}; the smallest there is, {smallest}, has "
        f"{_costs(smallest, latency)}: allow more, or smaller --layers or --init_channels"
    )


def _costs(candidate: SizedNetwork, latency: float | None) -> str:
    measured = "" if latency is None else f", {latency:.2f} ms"
    return candidate.counts + measured


def _budget(config: TrainConfig) -> str:
    """Returns the limits as they are typed."""
    return " ".join(as_flag(name, limit) for name, limit in config.budget.items())
