"""P-DARTS in TensorFlow and Keras 3: search, train and export image classifiers.

Public names are loaded on first use, since TensorFlow takes seconds to import.

Example:

>>> import pdarts_tf as pd
>>> pd.GENOTYPES["PDARTS"].num_skip_connects
2

Reference: Chen, Xie, Wu, Tian, "Progressive Differentiable Architecture Search: Bridging the Depth
Gap between Search and Evaluation", ICCV 2019, arXiv 1904.12760.
"""

import importlib
import os
from typing import Any

# oneDNN's kernels make a search step about twice as fast on CPUs for which TensorFlow does not
# enable them by default. TensorFlow reads the variable once, when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_PUBLIC = {
    "PRIMITIVES": "pdarts_tf.genotype",
    "GENOTYPES": "pdarts_tf.genotype",
    "Genotype": "pdarts_tf.genotype",
    "SearchSpace": "pdarts_tf.search_space",
    "derive_genotype": "pdarts_tf.derivation",
    "EvaluationNetwork": "pdarts_tf.models.network",
    "count_parameters": "pdarts_tf.cost.complexity",
    "count_macs": "pdarts_tf.cost.complexity",
    "Supernet": "pdarts_tf.training.bilevel",
    "weight_optimizer": "pdarts_tf.training.optimizers",
    "arch_optimizer": "pdarts_tf.training.optimizers",
    "load_torch_state_dict": "pdarts_tf.interop.torch_names",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Loads a public name from its module."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """Returns all names, including public ones that are not loaded yet, for completion."""
    return sorted({*globals(), *_PUBLIC})
