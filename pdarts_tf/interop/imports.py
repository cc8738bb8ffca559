"""Run directories of what the official PyTorch code has trained or searched."""

import dataclasses
import os
from os import PathLike

import numpy as np

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.data import sources
from pdarts_tf.derivation import derive_all, derive_genotype
from pdarts_tf.errors import InputError, quoted
from pdarts_tf.genotype import Genotype, genotypes_json
from pdarts_tf.interop.state_dict import ALPHAS, BETAS, StateDict, is_counter
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.files import write_whole
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import GENOTYPE, GENOTYPES, LAST_WEIGHTS
from pdarts_tf.search_space import SearchSpace

Path = str | PathLike[str]

_MODULES = ("stem", "stem0", "stem1", "cells", "classifier")
"""Modules of the supernets of DARTS, P-DARTS and PC-DARTS."""


def import_network(
    arrays: StateDict, config: TrainConfig, options: RunOptions, output_dir: Path
) -> None:
    """Writes the run directory of an evaluation network.

    Its weights are the last ones of a training without validation, whatever the settings say: the
    file does not tell how they were chosen.

    Args:
        arrays: Weights of the network.
        config: Settings of the training that the directory is to be one of.
        options: How to find the data.
        output_dir: Run directory to make.

    Raises:
        InputError: The weights, the data or the directory cannot be used; if the weights do not fit
            the network, the line names the first parameter that does not.
    """
    _check_empty(output_dir)
    config = dataclasses.replace(config, validation_portion=0.0)
    from pdarts_tf.interop.torch_names import load_torch_state_dict
    from pdarts_tf.runs import checkpoint
    from pdarts_tf.train.evaluation import make_network

    data = sources.load_for(config, options.data_dir, None, options.max_megapixels)
    model = make_network(config, data)
    try:
        load_torch_state_dict(model, arrays)
    except ValueError as error:
        raise InputError(str(error)) from error
    weights = checkpoint.archive(checkpoint.variables_of(model), {"epochs": 0})
    with run_directory.RunDirectory(
        output_dir, config, data.description(), options.to_record
    ) as run:
        run.write(GENOTYPE, Genotype.parse(config.genotype).to_json() + "\n")
        run.write(LAST_WEIGHTS, weights)


def import_search(arrays: StateDict, space: SearchSpace | None, output_dir: Path) -> None:
    """Writes the genotypes that the alphas of a supernet stand for.

    The result, genotype.json, has the limit on skip-connects of P-DARTS; that of a search by
    PC-DARTS, which has weights of the edges (betas) and no such limit, is without one.

    Args:
        arrays: Weights of the supernet, of which only alphas and betas are used.
        space: Its candidates; by default all.
        output_dir: Directory to make.

    Raises:
        InputError: Alphas or betas are missing, do not fit the candidates, or there are other
            parameters beside them, which may have a meaning.
    """
    normal, reduce, betas = _architecture(arrays)
    count = normal.shape[1] if normal.ndim == 2 else None
    if space is None and count in range(1, SearchSpace.full().num_candidates):
        raise InputError(
            f"which {count} candidates each edge has is not in the file: name --search_space"
        )
    space = space or SearchSpace.full()
    limit = SearchConfig().max_skip_connects if betas is None else None
    try:
        found = derive_all(space, normal, reduce, betas=betas)
        result = derive_genotype(space, normal, reduce, limit, betas=betas)
    except ValueError as error:
        raise InputError(str(error)) from error
    _check_empty(output_dir)
    os.makedirs(output_dir, exist_ok=True)
    write_whole(os.path.join(output_dir, GENOTYPES), genotypes_json(found) + "\n")
    write_whole(os.path.join(output_dir, GENOTYPE), result.to_json() + "\n")


def _architecture(
    arrays: StateDict,
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Returns the alphas of both cells, and their betas if there are any."""
    has_betas = any(name in arrays for name in BETAS)
    expected = (*ALPHAS, *BETAS) if has_betas else ALPHAS
    if missing := [name for name in expected if name not in arrays]:
        raise InputError(f"the state dict lacks {missing[0]!r}, though it has others of a supernet")
    # Parameters of modules are weights, which a genotype does not depend on; others may count.
    if odd := [name for name in arrays if name not in expected and not _of_module(name)]:
        raise InputError(
            f"the state dict has {quoted(odd[0])}, and how a genotype depends on it is not known; "
            f"save {', '.join(expected)} alone"
        )
    normal, reduce = (arrays[name] for name in ALPHAS)
    return normal, reduce, (arrays[BETAS[0]], arrays[BETAS[1]]) if has_betas else None


def _of_module(name: str) -> bool:
    module, dot, _ = name.partition(".")
    return is_counter(name) or (bool(dot) and module in _MODULES)


def _check_empty(output_dir: Path) -> None:
    if os.path.exists(output_dir) and not (
        os.path.isdir(output_dir) and not os.listdir(output_dir)
    ):
        raise InputError(f"--output_dir must be new or an empty directory. Received: {output_dir}")
