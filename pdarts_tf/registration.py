"""Registration of the models with Keras, without importing Keras for it.

`keras.saving.load_model` finds classes by their registered names only, and they are registered when
their modules are imported. That takes TensorFlow, so it waits until Keras is there.
"""

import importlib
import sys
from types import ModuleType

import wrapt

_MODULES = ("pdarts_tf.training.bilevel", "pdarts_tf.training.supervised")
"""Modules of the models that people save; they import those of all layers and optimizers."""


def register_with_keras() -> None:
    """Registers the classes of this package as soon as Keras has been imported."""
    wrapt.register_post_import_hook(_register, "keras")


def register_late() -> None:
    """Registers them if a module of this package has imported Keras itself."""
    if "keras" in sys.modules:
        _register(sys.modules["keras"])


def _register(keras: ModuleType) -> None:
    package = __name__.partition(".")[0]
    half = [
        name
        for name, module in sys.modules.items()
        if name.startswith(f"{package}.")
        and name != __name__
        and getattr(module.__spec__, "_initializing", False)
    ]
    if half:
        return  # a module of this package imports Keras, and waits for itself
    for name in _MODULES:
        importlib.import_module(name)
