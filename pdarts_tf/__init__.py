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

from pdarts_tf.registration import register_late, register_with_keras

# TensorFlow reads these variables once. oneDNN's kernels make a search step about twice as fast on
# CPUs for which TensorFlow does not enable them by default.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# More cores than this are better used inside the operations too; GPUs want the host's threads.
_FEW_CORES = 4
_CORES = os.cpu_count() or 1
if _CORES <= _FEW_CORES and not os.path.exists("/dev/nvidiactl"):
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(_CORES))

register_with_keras()

_PUBLIC = {
    "PRIMITIVES": "pdarts_tf.genotype",
    "Primitive": "pdarts_tf.primitives",
    "register_primitive": "pdarts_tf.primitives",
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
    "load_genotype": "pdarts_tf.genotype",
    "run_search": "pdarts_tf.library.whole_runs",
    "run_training": "pdarts_tf.library.whole_runs",
    "SearchResult": "pdarts_tf.library.results",
    "TrainingResult": "pdarts_tf.library.results",
    "load_run": "pdarts_tf.library.results",
    "load_network": "pdarts_tf.library.networks",
    "plot": "pdarts_tf.library.plotting",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Loads a public name from its module, or returns the version, "checkout" without one."""
    if name == "__version__":
        return importlib.import_module("pdarts_tf.runs.run_directory").versions()["pdarts-tf"]
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_PUBLIC[name]), name)
    register_late()
    return found


def __dir__() -> list[str]:
    """Returns all names, including public ones that are not loaded yet, for completion."""
    return sorted({*globals(), *_PUBLIC, "__version__"})
