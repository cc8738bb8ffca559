"""Course of a run, epoch by epoch: charts, heat maps, and the data of the page's slider."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from pdarts_tf.alphas import chosen_operations
from pdarts_tf.report.charts import Chart, Series, number, percent, place
from pdarts_tf.report.run import Key, Run
from pdarts_tf.search_space import CELLS

# Title, function that formats values, and {name of a line: name in the records}; lines without
# records in a run are left out.
_CHARTS: tuple[tuple[str, Callable[[float], str], dict[str, str]], ...] = (
    (
        "Accuracy",
        percent,
        {
            "weights": "accuracy",
            "alphas": "arch_accuracy",
            "validation": "valid_accuracy",
            "validation, top 5": "valid_top5",
            "test": "test_accuracy",
            "test, top 5": "test_top5",
        },
    ),
    (
        "Loss",
        number,
        {
            "weights": "loss",
            "alphas": "arch_loss",
            "validation": "valid_loss",
            "test": "test_loss",
        },
    ),
    ("Skip-connects in the normal cell", number, {"before refinement": "skip_connects"}),
    (
        "Entropy of the operations (share of the largest)",
        percent,
        {"normal cell": "entropy_normal", "reduction cell": "entropy_reduce"},
    ),
    (
        "Dropout",
        number,
        {"after skip-connects": "skip_dropout_rate", "of paths": "drop_path_rate"},
    ),
    ("Learning rate of the weights", number, {"learning rate": "learning_rate"}),
    ("Images per second", number, {"training": "images_per_second"}),
)


def epochs_of(run: Run) -> list[Key]:
    """Returns the epochs that have any data, in order."""
    return sorted(run.records.keys() | run.frames.keys())


def course(run: Run, identifier: str) -> dict[str, Any] | None:
    """Returns the course of a run for the page, or None if no epoch is finished.

    Args:
        run: The run.
        identifier: Identifier that is unique in the page.

    Returns:
        "labels" of the epochs; "charts", {identifier: `PlacedChart`}; "heat", the heat maps of
        the last epoch (see `_heat`) or None; and "data" for the script.
    """
    epochs = epochs_of(run)
    if not epochs:
        return None
    stages = run.num_stages > 1
    labels = [f"stage {s}, epoch {e}" if stages else f"epoch {e}" for s, e in epochs]
    placed = [place(chart) for chart in _charts(run, epochs)]
    charts = {f"{identifier}-chart{i}": chart for i, chart in enumerate(placed) if chart}
    scales = _scales(run)
    heat = [_heat(run, key, scales) for key in epochs] if run.frames else []
    data = {
        "labels": labels,
        "charts": {
            name: {"xs": chart.xs, "texts": [line.texts for line in chart.lines]}
            for name, chart in charts.items()
        },
        "heat": heat,
    }
    # The page starts at the last epoch; a script fills in the one selected by the slider.
    newest = next((each for each in reversed(heat) if each), None)
    return {"labels": labels, "charts": charts, "heat": newest, "data": data}


def _charts(run: Run, epochs: list[Key]) -> list[Chart]:
    # Between the last epoch of a stage and the first one of the next.
    boundaries = [
        (f"stage {epochs[i][0]}", i - 0.5)
        for i in range(1, len(epochs))
        if epochs[i][0] != epochs[i - 1][0]
    ]
    charts = []
    for title, show, names in _CHARTS:
        series = [
            Series(name, [measured(run, key, record) for key in epochs])
            for name, record in names.items()
        ]
        counts = "skip_connects" in names.values()
        limit = None
        if counts and run.command == "search":
            most = run.settings.max_skip_connects
            limit = (f"M = {most}", float(most))
        charts.append(Chart(title, series, show, counts, limit, boundaries))
    return charts


def measured(run: Run, key: Key, name: str) -> float | None:
    """Returns a measurement after an epoch, or None if there is none.

    Entropies are given as shares of ln(candidates), or the jumps between stages would hide all
    other changes.
    """
    value = run.records.get(key, {}).get(name)
    if value is None or not name.startswith("entropy_"):
        return value
    return value / math.log(run.settings.stages[key[0] - 1].num_candidates)


def _scales(run: Run) -> dict[int, tuple[float, float]]:
    """Returns the range of probabilities by stage, as they grow when candidates are dropped."""
    found: dict[int, list[float]] = {}
    for (stage, _), frame in run.frames.items():
        for cell in CELLS:
            grid = frame.probabilities(cell)
            found.setdefault(stage, []).extend((float(np.nanmin(grid)), float(np.nanmax(grid))))
    return {stage: (min(values), max(values)) for stage, values in found.items()}


def _heat(run: Run, key: Key, scales: dict[int, tuple[float, float]]) -> dict[str, Any] | None:
    """Returns the heat maps after an epoch, or None if its alphas are unknown.

    Returns:
        Per cell, "probabilities", 14 lists of a number per primitive, None for those that are not
        candidates; "shades", the same scaled from 0 (the smallest in the stage) to 1; and "chosen",
        pairs [edge, operation] that a derivation would choose. In addition "scale", the smallest
        and the largest probability in the stage.
    """
    frame = run.frames.get(key)
    if frame is None:
        return None
    limit, restrict = run.settings.max_skip_connects, run.settings.restrict_reduce
    genotype = frame.derive_if_possible(limit, restrict_reduce=restrict)
    low, high = scales[key[0]]
    maps: dict[str, Any] = {"scale": [f"{low:.2f}", f"{high:.2f}"]}
    primitives = frame.space.primitives
    for cell in CELLS:
        grid = frame.probabilities(cell)
        chosen = sorted(chosen_operations(genotype, cell, primitives)) if genotype else []
        maps[cell] = {
            "probabilities": _rounded(grid, 4),
            "shades": _rounded((grid - low) / (high - low or 1.0), 2),
            "chosen": [list(pair) for pair in chosen],
        }
    return maps


def _rounded(grid: npt.NDArray[np.float64], digits: int) -> list[list[float | None]]:
    """Returns rows of rounded numbers, with None for NaN, which JSON lacks."""
    return [
        [None if np.isnan(value) else round(float(value), digits) for value in row] for row in grid
    ]
