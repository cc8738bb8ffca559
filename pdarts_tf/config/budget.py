"""What a budget may choose of the network of a training."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pdarts_tf.config.train import TrainConfig
from pdarts_tf.genotype import Genotype

_SIZES = ("layers", "init_channels")


@dataclass(frozen=True)
class OpenNetwork:
    """What nobody gave of a network, so that a budget may choose it.

    Args:
        genotypes: Genotypes to choose among, by their limit on skip-connects, such as "M=2".
        sizes: Names of the settings to choose: some of "layers" and "init_channels".
    """

    genotypes: Mapping[str, Genotype]
    sizes: tuple[str, ...]


def open_network(
    config: TrainConfig, load: Callable[[], Mapping[str, Genotype]], given: Collection[str]
) -> OpenNetwork | None:
    """Returns what the budget of a training may choose.

    Args:
        config: Settings of the training.
        load: Returns the genotypes to choose among, see `load_genotypes`; called if there is a
            budget.
        given: Names of the settings that were given; a recipe does not give any.

    Returns:
        What is open; None if the network is the one of the settings, without a measurement.

    Example:

    >>> config = TrainConfig(max_macs=10**6, layers=8)
    >>> open_network(config, lambda: {"": Genotype.parse("PDARTS")}, {"layers"}).sizes
    ('init_channels',)
    """
    if not config.budget:
        return None
    genotypes = load()
    sizes = tuple(name for name in _SIZES if name not in given)
    if len(genotypes) == 1 and not sizes and config.max_latency_ms is None:
        return None  # `make_network` refuses what is too large
    return OpenNetwork(genotypes, sizes)
