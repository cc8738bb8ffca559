"""The front of a genotype's networks: what a budget may choose, and what was trained.

Without accuracies, a network is worth its multiply-accumulates, since the largest one that fits is
chosen, and costs its parameters and, if it is known, its latency. A trained network is worth its
accuracy, and costs all three.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdarts_tf.cost.candidates import ImageSetting, SizedNetwork, candidates, front
from pdarts_tf.cost.latency_model import Latency, fitted
from pdarts_tf.cost.tables import table
from pdarts_tf.errors import InputError, printable
from pdarts_tf.genotype import Genotype
from pdarts_tf.report.run import Run
from pdarts_tf.runs.run_directory import CONFIG, weights_that_count
from pdarts_tf.stems import stem_for
from pdarts_tf.study.formats import MISSING
from pdarts_tf.study.plots import AMOUNTS, SHARES, Plot
from pdarts_tf.study.scatter import Points, scatter_plot

_RATIO = 1.5  # between the multiply-accumulates of two rows
_HEADER = ("M", "cells", "channels", "parameters", "MACs", "latency ms", "accuracy", "training")


@dataclass(frozen=True)
class ListedNetwork:
    """A network of the front.

    Args:
        candidate: The network.
        latency: Milliseconds for one image; None if none was measured.
        measured: Whether its own latency was measured, not only those of others.
        accuracy: Test accuracy of the weights that count; None if it was not trained.
        training: Name of its training; "" if there is none.
        on_front: Whether no other network beats it, of those that were trained if it was.
    """

    candidate: SizedNetwork
    latency: float | None = None
    measured: bool = False
    accuracy: float | None = None
    training: str = ""
    on_front: bool = True

    @property
    def costs(self) -> tuple[float, ...]:
        """Parameters, and the latency if it is known."""
        return (self.candidate.parameters, *([] if self.latency is None else [self.latency]))

    @property
    def label(self) -> str:
        """Limit on its skip-connects, or a dash."""
        return self.candidate.limit or MISSING


@dataclass(frozen=True)
class Front:
    """The networks that no other one beats, and all that were trained.

    Args:
        images: What they classify.
        networks: The networks, from the smallest to the largest.
        num_tried: Number of networks of which they were chosen.
    """

    images: ImageSetting
    networks: Sequence[ListedNetwork]
    num_tried: int


def images_of(run: Run) -> ImageSetting:
    """Returns what the networks of a run classify.

    Raises:
        InputError: The run does not say.
    """
    if not run.data.keys() >= {"image_shape", "num_classes"}:
        raise InputError(
            f"expected the shape and the classes of the images in {CONFIG} of a run. Received: "
            f"{printable(str(run.path))}, which has none"
        )
    height, width, channels = run.data["image_shape"]
    stem = stem_for(run.settings.stem, (height, width))
    return ImageSetting((height, width, channels), run.data["num_classes"], stem)


def trained_network(
    run: Run, genotypes: Mapping[str, Genotype], images: ImageSetting
) -> ListedNetwork:
    """Returns the network of a finished training, with its accuracy.

    Args:
        run: The training.
        genotypes: Genotypes by their limit on skip-connects; that of the training may be another.
        images: What the other networks of the front classify.

    Raises:
        InputError: It is no finished training, or one on other images.
    """
    path = printable(str(run.path))
    if run.command != "train" or run.result is None or run.genotype is None:
        raise InputError(
            f"--trainings must be run directories of finished trainings. Received: {path}"
        )
    own = images_of(run)
    if own != images:
        raise InputError(
            f"--trainings must have {images}, as the others. Received: {path}, with {own}"
        )
    labels = [limit for limit, genotype in genotypes.items() if genotype == run.genotype]
    settings = run.settings
    named = {labels[-1] if labels else "": run.genotype}
    (candidate,) = candidates(named, images, (settings.layers,), (settings.init_channels,))
    accuracy = run.result[weights_that_count(settings)]["test_accuracy"]
    return ListedNetwork(candidate, accuracy=accuracy, training=run.name)


def make_front(
    tried: Sequence[SizedNetwork],
    trained: Sequence[ListedNetwork],
    images: ImageSetting,
    measured: Mapping[SizedNetwork, float],
) -> Front:
    """Returns the front.

    Args:
        tried: Networks, see `candidates`.
        trained: Networks that were trained, see `trained_network`.
        images: What they classify.
        measured: Latencies in milliseconds of some of them, from which those of the others are
            predicted; empty if latencies are not asked for.
    """
    expected = fitted(measured) if measured else None
    all_sizes = [_timed(ListedNetwork(each), measured, expected) for each in tried]
    results = [_timed(each, measured, expected) for each in trained]
    best = front(results, lambda n: (*n.costs, n.candidate.macs), lambda n: n.accuracy or 0.0)
    networks = [dataclasses.replace(each, on_front=each in best) for each in results]
    known = {each.candidate for each in networks}
    sizes = front(all_sizes, lambda n: n.costs, lambda n: n.candidate.macs)
    networks += [each for each in sizes if each.candidate not in known]
    networks.sort(key=lambda each: each.candidate.size)
    return Front(images, networks, len(tried))


def _timed(
    network: ListedNetwork, measured: Mapping[SizedNetwork, float], expected: Latency | None
) -> ListedNetwork:
    """Returns a network with its measured latency, or else the expected one, if there is any."""
    candidate = network.candidate
    if expected is None:
        return network
    latency = measured[candidate] if candidate in measured else expected(candidate)
    return dataclasses.replace(network, latency=latency, measured=candidate in measured)


def as_text(found: Front) -> str:
    """Returns a table of the trained networks, and of some others along the front."""
    rows = [_row(each) for each in _shown(found.networks)]
    columns = [i for i, cells in enumerate(zip(*rows, strict=True)) if set(cells) != {MISSING}]
    header = [_HEADER[i] for i in columns]
    lines = [f"Networks for {found.images}", ""]
    lines += [table(header, [[row[i] for i in columns] for row in rows]), ""]
    return "\n".join([*lines, *_notes(found)])


def _shown(networks: Sequence[ListedNetwork]) -> list[ListedNetwork]:
    """Returns those that a table shows, the largest one among them."""
    shown: list[ListedNetwork] = []
    least = float("inf")
    for each in reversed(networks):
        if each.training or each.candidate.macs * _RATIO <= least:
            shown.insert(0, each)
            least = each.candidate.macs
    return shown


def _row(network: ListedNetwork) -> list[str]:
    candidate = network.candidate
    latency = accuracy = MISSING
    if network.latency is not None:
        latency = f"{'' if network.measured else '~'}{network.latency:.2f}"
    if network.accuracy is not None:
        accuracy = f"{network.accuracy:.2%}{' *' if network.on_front else '  '}"
    return [
        network.label,
        str(candidate.layers),
        str(candidate.init_channels),
        f"{candidate.parameters:,}",
        f"{candidate.macs:,}",
        latency,
        accuracy,
        network.training or MISSING,
    ]


def _notes(found: Front) -> list[str]:
    """Returns what the table shows, in sentences."""
    sizes = sum(not each.training for each in found.networks)
    timed = any(each.latency is not None for each in found.networks)
    beside = ", beside those that were trained" if _trained(found) else ""
    costs = "parameters and latency" if timed else "parameters"
    notes = [
        f"The front has {sizes} of {found.num_tried} networks{beside}: none has more MACs for at "
        f"most the {costs}. Rows are {_RATIO:g} times apart in MACs, multiply-accumulates."
    ]
    if timed:
        notes.append(
            "Latencies are of the exported network, for one image on the CPUs of this machine; ~ "
            "is predicted from the others."
        )
    if _trained(found):
        notes.append("* no other training has a higher accuracy at no higher cost.")
    return notes


def _trained(found: Front) -> list[ListedNetwork]:
    return [each for each in found.networks if each.training]


def as_dict(found: Front) -> dict[str, Any]:
    """Returns the whole front as data for JSON.

    Returns:
        A dictionary. "image_shape", "num_classes" and "stem": what is classified; "num_tried"; and
        "networks", from the smallest to the largest: "max_skip_connects" (such as "M=2"),
        "layers", "init_channels", "parameters", "macs", "latency_ms", "latency_measured",
        "accuracy", "training", "on_front" and "genotype", where what is unknown is null.
    """
    images = found.images
    return {
        "image_shape": list(images.shape),
        "num_classes": images.num_classes,
        "stem": images.stem,
        "num_tried": found.num_tried,
        "networks": [
            {
                "max_skip_connects": each.candidate.limit or None,
                "layers": each.candidate.layers,
                "init_channels": each.candidate.init_channels,
                "parameters": each.candidate.parameters,
                "macs": each.candidate.macs,
                "latency_ms": each.latency,
                "latency_measured": each.measured,
                "accuracy": each.accuracy,
                "training": each.training or None,
                "on_front": each.on_front,
                "genotype": str(each.candidate.genotype),
            }
            for each in found.networks
        ],
    }


def front_plot(found: Front) -> Plot | None:
    """Returns a plot of the front: what networks are worth against what they cost.

    It shows the accuracies of trainings if there are any, else multiply-accumulates; to the right
    goes the latency if it is known, else the multiply-accumulates or the parameters.
    """
    trained = _trained(found)
    groups: dict[str, list[tuple[float, float, str]]] = {}
    for each in trained or found.networks:
        candidate = each.candidate
        cost = candidate.macs if trained else candidate.parameters
        worth = candidate.macs if each.accuracy is None else each.accuracy
        name = f"{candidate.layers} cells, {candidate.init_channels} channels"
        point = (cost if each.latency is None else each.latency, worth, name)
        groups.setdefault(candidate.limit or "networks", []).append(point)
    timed = found.networks[0].latency is not None
    return scatter_plot(
        "latency (ms)" if timed else "multiply-accumulates" if trained else "parameters",
        "test accuracy" if trained else "multiply-accumulates",
        [Points(name, points) for name, points in groups.items()],
        AMOUNTS,
        SHARES if trained else AMOUNTS,
    )
