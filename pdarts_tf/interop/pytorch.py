"""Brings a checkpoint of the official PyTorch code into a run directory.

    python -m pdarts_tf.interop.pytorch --checkpoint=weights.pt --genotype=PDARTS \
        --output_dir=runs/official --data_dir=DATA

A checkpoint of an evaluation network becomes a directory that `train --evaluate_only` and the
export accept; the data set is read for its classes and its normalization. One of a supernet becomes
the genotypes that its alphas stand for. Reading it needs PyTorch (requirements-torch.txt).
"""

import os
import pickle

import numpy as np

from flags import command_line, interop_flags
from flags.fields import default_settings
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.derivation import derive_all, derive_genotype
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import genotypes_json, load_genotype
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.files import write_whole
from pdarts_tf.runs.run_directory import BEST_WEIGHTS, GENOTYPE, GENOTYPES, LAST_WEIGHTS
from pdarts_tf.search_space import SearchSpace

_DATASETS = {10: "cifar10", 100: "cifar100", 1000: "imagenet2012"}
_ALPHAS = ("alphas_normal", "alphas_reduce")


def read_state_dict(path):
    """Returns {parameter name: array} of a file that `torch.save` wrote.

    Args:
        path: a state dict, plain or under the key "state_dict"; names may begin with "module.".

    Raises:
        InputError: PyTorch is not installed, or the file is not such a thing.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError(
            "reading a PyTorch checkpoint needs PyTorch: pip install -r requirements-torch.txt"
        ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        reason = str(error).split("\n", 1)[0][:160]
        raise InputError(f"--checkpoint={path} cannot be read as PyTorch weights: {reason}") from (
            error
        )
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise InputError(f"expected a state dict in {path}. Received: {type(content).__name__}")
    return {name.removeprefix("module."): tensor.numpy() for name, tensor in content.items()}


def network_settings(arrays):
    """Returns the settings of the evaluation network that a state dict is of.

    Raises:
        InputError: it is not of one.
    """
    stem = "imagenet" if "stem0.0.weight" in arrays else "cifar"
    first = "stem0.3.weight" if stem == "imagenet" else "stem.0.weight"
    missing = [name for name in (first, "classifier.weight") if name not in arrays]
    if missing:
        raise InputError(f"the state dict lacks {missing[0]!r}: not a network of the official code")
    width = arrays[first].shape[0]
    cells = {int(name.split(".")[1]) for name in arrays if name.startswith("cells.")}
    return {
        "stem": stem,
        "init_channels": width if stem == "imagenet" else width // 3,
        "layers": len(cells),
        "auxiliary": any(name.startswith("auxiliary_head.") for name in arrays),
    }


def import_network(arrays, genotype, dataset, data_dir, output_dir):
    """Writes the run directory of an evaluation network.

    Raises:
        InputError: something does not fit; the line names the first parameter that does not.
    """
    classes = arrays.get("classifier.weight", np.zeros((0,))).shape[0]
    dataset = dataset or _DATASETS.get(classes)
    if dataset is None:
        raise InputError(f"name the data set with --dataset: none is known with {classes} classes")
    config = default_settings(
        TrainConfig,
        command_line.recipe_path("train", dataset),
        dataset=dataset,
        genotype=str(genotype),
        **network_settings(arrays),
    )
    _check_empty(output_dir)
    from pdarts_tf.interop.torch_names import load_torch_state_dict
    from pdarts_tf.runs import checkpoint
    from pdarts_tf.train.evaluation import make_network

    data = sources.load_for(config, data_dir)
    model = make_network(config, data)
    try:
        load_torch_state_dict(model, arrays)
    except ValueError as error:
        raise InputError(str(error)) from error
    weights = checkpoint.archive(checkpoint.variables_of(model), {"epochs": 0})
    with run_directory.RunDirectory(output_dir, config, data.description()) as run:
        run.write(GENOTYPE, genotype.to_json() + "\n")
        run.write(LAST_WEIGHTS, weights)
        run.write(BEST_WEIGHTS, weights)


def import_search(arrays, space, output_dir):
    """Writes the genotypes that the alphas of a supernet stand for.

    Raises:
        InputError: the alphas do not fit the candidates.
    """
    count = arrays[_ALPHAS[0]].shape[-1]
    if space is None and count != SearchSpace.full().num_candidates:
        raise InputError(
            f"which {count} candidates each edge has is not in the file: name --search_space"
        )
    normal, reduce = (arrays[name] for name in _ALPHAS)
    space = space or SearchSpace.full()
    try:
        found = derive_all(space, normal, reduce)
        result = derive_genotype(space, normal, reduce, SearchConfig().max_skip_connects)
    except ValueError as error:
        raise InputError(str(error)) from error
    _check_empty(output_dir)
    os.makedirs(output_dir, exist_ok=True)
    write_whole(os.path.join(output_dir, GENOTYPES), genotypes_json(found) + "\n")
    write_whole(os.path.join(output_dir, GENOTYPE), result.to_json() + "\n")


def _check_empty(output_dir):
    if os.path.exists(output_dir) and not (
        os.path.isdir(output_dir) and not os.listdir(output_dir)
    ):
        raise InputError(f"--output_dir must be new or an empty directory. Received: {output_dir}")


def main():
    """Imports what the flags name."""
    for flag in (interop_flags.CHECKPOINT, interop_flags.OUTPUT_DIR):
        if flag.value is None:
            raise InputError(f"--{flag.name} is needed; see --help")
    output_dir = interop_flags.OUTPUT_DIR.value
    arrays = read_state_dict(interop_flags.CHECKPOINT.value)
    if set(_ALPHAS) <= set(arrays):
        space = None
        if interop_flags.SEARCH_SPACE.value:
            space = _read_space(interop_flags.SEARCH_SPACE.value)
        import_search(arrays, space, output_dir)
        print(f"{output_dir} holds the genotypes of that search. Train one with")
        print(f"  python -m pdarts_tf.train --genotype={output_dir}/{GENOTYPE} --dataset=...")
        return
    if interop_flags.GENOTYPE.value is None:
        raise InputError("an evaluation network needs --genotype, a file or a name")
    genotype = load_genotype(interop_flags.GENOTYPE.value)
    from pdarts_tf.training.runtime import configure

    configure()
    dataset, data_dir = interop_flags.DATASET.value, interop_flags.DATA_DIR.value
    import_network(arrays, genotype, dataset, data_dir, output_dir)
    print(f"{output_dir} holds that network. Test it with")
    print(f"  python -m pdarts_tf.train --evaluate_only --run_dir={output_dir}")


def _read_space(path):
    try:
        with open(path, encoding="utf-8") as file:
            return SearchSpace.from_json(file.read())
    except (OSError, ValueError) as error:
        raise InputError(f"--search_space={path}: {error}") from error


if __name__ == "__main__":
    command_line.run(main, interop_flags)
