"""Imports a checkpoint of the official PyTorch code into a run directory.

    python -m pdarts_tf.interop.pytorch --checkpoint=weights.pt --genotype=PDARTS \
        --output_dir=runs/official --data_dir=DATA

A checkpoint of an evaluation network becomes a directory that `train --evaluate_only` and the
export accept; the data set is read for its classes and its normalization. A checkpoint of a
supernet becomes the genotypes that its alphas stand for. Reading either needs PyTorch
(requirements-torch.txt).
"""

import os
from os import PathLike

import numpy as np
from absl.flags import FlagHolder

from flags import command_line, interop_flags
from flags.fields import default_settings
from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.derivation import derive_all, derive_genotype
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import Genotype, genotypes_json, load_genotype
from pdarts_tf.interop.state_dict import StateDict, network_settings, read_state_dict
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.files import write_whole
from pdarts_tf.runs.run_directory import BEST_WEIGHTS, GENOTYPE, GENOTYPES, LAST_WEIGHTS
from pdarts_tf.search_space import SearchSpace

_DATASETS = {10: "cifar10", 100: "cifar100", 1000: "imagenet2012"}
_ALPHAS = ("alphas_normal", "alphas_reduce")

Path = str | PathLike[str]


def import_network(
    arrays: StateDict,
    genotype: Genotype,
    dataset: str | None,
    data_dir: Path | None,
    output_dir: Path,
) -> None:
    """Writes the run directory of an evaluation network.

    Args:
        arrays: Weights of the network.
        genotype: Its genotype.
        dataset: Its data set; by default the one with as many classes.
        data_dir: Directory of the data.
        output_dir: Run directory to make.

    Raises:
        InputError: The weights, the data or the directory cannot be used; if the weights do not fit
            the network, the line names the first parameter that does not.
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


def import_search(arrays: StateDict, space: SearchSpace | None, output_dir: Path) -> None:
    """Writes the genotypes that the alphas of a supernet stand for.

    Args:
        arrays: Weights of the supernet, of which only the alphas are read.
        space: Its candidates; by default all.
        output_dir: Directory to make.

    Raises:
        InputError: The alphas do not fit the candidates.
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


def _check_empty(output_dir: Path) -> None:
    if os.path.exists(output_dir) and not (
        os.path.isdir(output_dir) and not os.listdir(output_dir)
    ):
        raise InputError(f"--output_dir must be new or an empty directory. Received: {output_dir}")


def main() -> None:
    """Imports the checkpoint that the flags name."""
    checkpoint, output_dir = map(_needed, (interop_flags.CHECKPOINT, interop_flags.OUTPUT_DIR))
    arrays = read_state_dict(checkpoint)
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


def _needed(flag: FlagHolder[str | None]) -> str:
    if flag.value is None:
        raise InputError(f"--{flag.name} is needed; see --help")
    return flag.value


def _read_space(path: str) -> SearchSpace:
    try:
        with open(path, encoding="utf-8") as file:
            return SearchSpace.from_json(file.read())
    except (OSError, ValueError) as error:
        raise InputError(f"--search_space={path}: {error}") from error


if __name__ == "__main__":
    command_line.run(main, interop_flags)
