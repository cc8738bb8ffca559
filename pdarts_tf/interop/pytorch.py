"""Imports a checkpoint of the official PyTorch code into a run directory.

    python -m pdarts_tf.interop.pytorch --checkpoint=weights.pt --genotype=PDARTS \
        --output_dir=runs/official --data_dir=DATA

A checkpoint of an evaluation network becomes a directory that `train --evaluate_only` and the
export accept; the data set is read for its classes and its normalization. A checkpoint of a
supernet becomes the genotypes that its alphas stand for, weighted by the betas of a search by
PC-DARTS. PyTorch itself is not needed.
"""

import os
from typing import Any

from absl.flags import FlagHolder

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, interop_flags
from flags.fields import default_settings
from pdarts_tf.config import TrainConfig
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import Genotype, load_genotype
from pdarts_tf.interop.imports import import_network, import_search
from pdarts_tf.interop.state_dict import (
    ALPHAS,
    BETAS,
    StateDict,
    network_settings,
    read_state_dict,
)
from pdarts_tf.runs.next_commands import MODULES, evaluate_line, option_flags, shell_line
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import GENOTYPE
from pdarts_tf.search_space import SearchSpace

_DATASETS = {10: "cifar10", 100: "cifar100", 1000: "imagenet2012"}


def _dataset(arrays: StateDict) -> str | None:
    """Returns the data set of the flag, or else the one with the number of classes of the file."""
    kernel = arrays.get("classifier.weight")
    known = None if kernel is None or not kernel.ndim else _DATASETS.get(kernel.shape[0])
    return interop_flags.DATASET.value or known


def _data_flags() -> dict[str, Any]:
    """Returns the settings of the data that the flags give."""
    size = interop_flags.IMAGE_SIZE.value
    return {} if size is None else {"image_size": size}


def _training(arrays: StateDict, genotype: Genotype) -> TrainConfig:
    """Returns the settings of the network's training: of the recipe, and as the file tells them."""
    network = network_settings(arrays)
    dataset = _dataset(arrays)
    if dataset is None:
        classes = arrays["classifier.weight"].shape[0]
        raise InputError(f"name the data set with --dataset: none is known with {classes} classes")
    config: TrainConfig = default_settings(
        TrainConfig,
        command_line.recipe_path("train", dataset),
        dataset=dataset,
        genotype=str(genotype),
        **_data_flags(),
        **network,
    )
    return config


def main() -> None:
    """Imports the checkpoint that the flags name."""
    checkpoint, output_dir = map(_needed, (interop_flags.CHECKPOINT, interop_flags.OUTPUT_DIR))
    options = RunOptions(
        data_dir=interop_flags.DATA_DIR.value, max_megapixels=interop_flags.MAX_MEGAPIXELS.value
    )
    arrays = read_state_dict(checkpoint)
    if any(name in arrays for name in (*ALPHAS, *BETAS)):
        space = None
        if interop_flags.SEARCH_SPACE.value:
            space = _read_space(interop_flags.SEARCH_SPACE.value)
        import_search(arrays, space, output_dir)
        print(f"{output_dir} holds the genotypes of that search{_derived(arrays)}.")
        print(_how_to_train(os.path.join(output_dir, GENOTYPE), _dataset(arrays), options))
        return
    network_settings(arrays)  # before the flags: a file of something else needs no --genotype
    if interop_flags.GENOTYPE.value is None:
        raise InputError("an evaluation network needs --genotype, a file or a name")
    genotype = load_genotype(interop_flags.GENOTYPE.value)
    from pdarts_tf.training.runtime import configure

    configure()
    config = _training(arrays, genotype)
    import_network(arrays, config, options, output_dir)
    print(f"{output_dir} holds that network. Test it with")
    print(f"  {evaluate_line(output_dir, options.of_data)}")


def _how_to_train(genotype: str, dataset: str | None, options: RunOptions) -> str:
    """Returns the command that trains a genotype, as far as its data set is known."""
    if dataset is None:
        return "Train one with pdarts_tf.train, its --genotype being that directory, on your data."
    found = option_flags(options.of_data | _data_flags())
    words = f"--genotype={genotype}", f"--dataset={dataset}", *found
    return f"Train one with\n  {shell_line(MODULES['train'], *words)}"


def _derived(arrays: StateDict) -> str:
    """Returns how the result was derived, where that is not as P-DARTS does."""
    if not any(name in arrays for name in BETAS):
        return ""
    return ", by PC-DARTS: edges weighed by softmax(beta), skip-connects not limited"


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
