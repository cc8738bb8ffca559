"""Uses a copy of the package that was extended as docs/extending.md says; prints facts as JSON.

Run by tests/test_extending.py with that copy first on the path, and the page's my_primitives.py.
"""

import contextlib
import doctest
import importlib
import io
import json
import math
import runpy
import sys
from typing import Any

import numpy as np

import pdarts_tf as pd
from export.inference import inference_function
from pdarts_tf import schedules
from pdarts_tf.cost.activations import PlacedCell, kept_by_operations
from pdarts_tf.cost.memory import network_memory
from pdarts_tf.drawing import svg
from pdarts_tf.drawing.layout import draw_genotype
from pdarts_tf.models.stacking import CellLayout

PLUGIN = importlib.import_module("my_primitives").__name__
EDGES = [("sep_conv_9x9", 0), ("mobile_conv_3x3", 1)]
GENOTYPE = pd.Genotype(EDGES, [2], EDGES, [2])
SIZES: dict[str, Any] = {"init_channels": 2, "num_layers": 3, "num_classes": 2}
PIXELS = 8


def counts():
    """Counts on paper, and the variables that there are."""
    network = pd.EvaluationNetwork(GENOTYPE, **SIZES)
    network.build((None, PIXELS, PIXELS, 1))
    images: dict[str, Any] = {"stem": "cifar", "image_size": (PIXELS, PIXELS), "image_channels": 1}
    return {
        "parameters": pd.count_parameters(network),
        "variables": sum(math.prod(v.shape) for v in network.trainable_variables),
        "macs": pd.count_macs(network, PIXELS),
        "memory": network_memory(GENOTYPE, **SIZES, **images, auxiliary=False).per_image,
        "kept": {edge[0]: kept(edge) for edge in EDGES},
    }


def kept(edge):
    """What an operation on 4x4 pixels keeps at strides 1 and 2, in values."""
    layouts = [CellLayout(1, reduction, False) for reduction in (False, True)]
    return [kept_by_operations(PlacedCell([edge], each, (1, 1), (4, 4))) for each in layouts]


def outputs():
    """Logits of a network and of its exported function, with statistics unlike the initial ones."""
    network = pd.EvaluationNetwork(GENOTYPE, **SIZES)
    random = np.random.default_rng(0)
    images = random.normal(size=(2, PIXELS, PIXELS, 1)).astype(np.float32)
    network(images, training=True)
    for variable in network.weights:
        if len(variable.shape) == 1:  # of a batch norm, or the bias of the classifier
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    exported = inference_function(network)(images)
    return {"logits": network(images).numpy().tolist(), "exported": exported.numpy().tolist()}


def unofficial():
    """The error of an import of official weights into such a network."""
    network = pd.EvaluationNetwork(GENOTYPE, **SIZES)
    network.build((None, PIXELS, PIXELS, 1))
    try:
        pd.load_torch_state_dict(network, {})
    except ValueError as error:
        return str(error)
    return ""


def dry_run(module, *words):
    """Exit code and output of a dry run."""
    sys.argv = [module, "--dry_run", *words]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as done:
            return {"code": done.code or 0, "text": printed.getvalue()}
    return {}


TRAINING = [
    f"--genotype={GENOTYPE}", "--dataset=bars", "--schedule=step", "--layers=3",
    "--init_channels=2", "--batch_size=4", "--epochs=4", "--noauxiliary", f"--plugins={PLUGIN}",
]  # fmt: skip

facts = {
    "training": dry_run("pdarts_tf.train", *TRAINING),  # first: it sets the number of threads
    "package": pd.__file__,
    "parsed": pd.Genotype.parse(str(GENOTYPE)) == GENOTYPE,
    **counts(),
    **outputs(),
    "unofficial": unofficial(),
    "failed_examples": doctest.testmod(schedules).failed,
    "drawing": svg.svg_file(draw_genotype(GENOTYPE)),
}
print(json.dumps(facts))
