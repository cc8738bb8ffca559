"""Imports a checkpoint of the official PyTorch code into a run directory.

    python -m pdarts_tf.interop.pytorch --checkpoint=weights.pt --genotype=PDARTS \
        --output_dir=runs/official --data_dir=DATA

A checkpoint of an evaluation network becomes a directory that `train --evaluate_only` and the
export accept; the data set is read for its classes and its normalization. A checkpoint of a
supernet becomes the genotypes that its alphas stand for, weighted by the betas of a search by
PC-DARTS. PyTorch itself is not needed.
"""

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
from pdarts_tf.runs.run_directory import GENOTYPE
from pdarts_tf.search_space import SearchSpace

_DATASETS = {10: "cifar10", 100: "cifar100", 1000: "imagenet2012"}


def _training(arrays: StateDict, genotype: Genotype, dataset: str | None) -> TrainConfig:
    """Returns the settings of the network's training: of the recipe, and as the file tells them."""
    network = network_settings(arrays)
    classes = arrays["classifier.weight"].shape[0]
    dataset = dataset or _DATASETS.get(classes)
    if dataset is None:
        raise InputError(f"name the data set with --dataset: none is known with {classes} classes")
    config: TrainConfig = default_settings(
        TrainConfig,
        command_line.recipe_path("train", dataset),
        dataset=dataset,
        genotype=str(genotype),
        **network,
    )
    return config


def main() -> None:
    """Imports the checkpoint that the flags name."""
    checkpoint, output_dir = map(_needed, (interop_flags.CHECKPOINT, interop_flags.OUTPUT_DIR))
    arrays = read_state_dict(checkpoint)
    if any(name in arrays for name in (*ALPHAS, *BETAS)):
        space = None
        if interop_flags.SEARCH_SPACE.value:
            space = _read_space(interop_flags.SEARCH_SPACE.value)
        import_search(arrays, space, output_dir)
        print(f"{output_dir} holds the genotypes of that search{_derived(arrays)}. Train one with")
        print(f"  python -m pdarts_tf.train --genotype={output_dir}/{GENOTYPE} --dataset=...")
        return
    network_settings(arrays)  # before the flags: a file of something else needs no --genotype
    if interop_flags.GENOTYPE.value is None:
        raise InputError("an evaluation network needs --genotype, a file or a name")
    genotype = load_genotype(interop_flags.GENOTYPE.value)
    from pdarts_tf.training.runtime import configure

    configure()
    config = _training(arrays, genotype, interop_flags.DATASET.value)
    import_network(arrays, config, interop_flags.DATA_DIR.value, output_dir)
    print(f"{output_dir} holds that network. Test it with")
    print(f"  python -m pdarts_tf.train --evaluate_only --run_dir={output_dir}")


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
