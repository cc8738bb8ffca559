"""Runs a SavedModel in OpenVINO, in an interpreter that knows nothing of us.

    python -I run_openvino.py MODEL/1 images.npy answers.npz 1 9 20

Answers the first images in batches of the sizes that follow, in turn, of one compiled model; then
all images in a batch whose size was fixed before compiling.
"""

import sys

import numpy as np
import openvino

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}

directory, images_path, answers_path, *sizes = sys.argv[1:]
core = openvino.Core()
model = core.read_model(directory)
images = np.load(images_path)
arrays: dict = {"inputs": [f"{each.any_name} {each.partial_shape}" for each in model.inputs]}


def answer(compiled, count, label):
    """Stores what a compiled model answers to the first images."""
    for output, values in compiled(images[:count]).to_dict().items():
        arrays[f"{label}/{output.any_name}"] = values


free = core.compile_model(model, "CPU", EXACT)
for size in map(int, sizes):
    answer(free, size, size)
model.reshape({"images": images.shape})
answer(core.compile_model(model, "CPU", EXACT), len(images), "fixed")
np.savez(answers_path, **arrays)
