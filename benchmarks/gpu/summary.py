"""What the results mean together: ratios to the official code, memory, hours of a search."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.gpu.sizes import PAPER_IMAGES
from pdarts_tf.config import SearchConfig

Result = dict[str, Any]

STAGES = ("stage 1", "stage 2", "stage 3")
PAPER_HOURS = 7.0
"""Of the paper's search on one P100."""


def summary(results: Sequence[Result], *, published: bool) -> dict[str, Any]:
    """Returns all that follows from the results of the cases.

    Args:
        results: Results of `running.run_cases`.
        published: Whether the sizes are the paper's; hours mean nothing otherwise.
    """
    measured = [each for each in results if "images_per_s" in each]
    found: dict[str, Any] = {"ratios": ratios(measured), "memory": memory(measured)}
    if published:
        found["hours"] = hours(measured)
        found["hours_note"] = f"of training alone; the paper's {PAPER_HOURS:g} hours are a P100's"
    return found


def ratios(measured: Sequence[Result]) -> list[Result]:
    """Returns our images per second as multiples of the official code's in the same precision."""
    official = {
        (each["network"], each["precision"]): each["images_per_s"]
        for each in measured
        if each["kind"] == "official" and not each["jit_compile"]
    }
    return [
        {"name": each["name"], "ratio": each["images_per_s"] / official[key]}
        for each in measured
        if each["kind"] == "ours" and (key := (each["network"], each["precision"])) in official
    ]


def memory(measured: Sequence[Result]) -> list[Result]:
    """Returns the estimated memory as multiples of the measured one."""
    return [
        {
            "name": each["name"],
            "estimated_mb": each["estimated_mb"],
            "measured_mb": each["peak_mb"],
            "ratio": each["estimated_mb"] / each["peak_mb"],
        }
        for each in measured
        if each.get("peak_mb", 0) > 0 and "estimated_mb" in each
    ]


def hours(measured: Sequence[Result]) -> list[Result]:
    """Returns the hours of the paper's whole search with every setting of which we know them.

    25 epochs in each of three stages, of which 15 have steps of the alphas too, with half of
    CIFAR-10's images.
    """
    settings: dict[tuple[Any, ...], dict[str, Result]] = {}
    for each in measured:
        keys = ("kind", "precision", "deterministic", "jit_compile")
        settings.setdefault(tuple(each[key] for key in keys), {})[each["network"]] = each
    found = []
    for stages in settings.values():
        if set(STAGES) <= stages.keys():
            total = sum(stage_hours(stages[name]) for name in STAGES)
            name = stages[STAGES[0]]["name"].replace(f"{STAGES[0]}, ", "")
            found.append({"name": name, "hours": total, "to_the_paper": total / PAPER_HOURS})
    return found


def stage_hours(result: Mapping[str, Any]) -> float:
    """Returns the hours of a stage's steps.

    >>> round(stage_hours({"batch": 96, "weight_s": 0.1, "arch_s": 0.1}), 3)
    0.289
    """
    config = SearchConfig()
    steps = PAPER_IMAGES // result["batch"]
    with_alphas = config.epochs - config.warmup_epochs
    seconds = config.epochs * result["weight_s"] + with_alphas * result["arch_s"]
    return steps * seconds / 3600
