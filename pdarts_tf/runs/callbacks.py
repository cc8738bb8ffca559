"""Keras callbacks that people add to a run, such as those of trackers of experiments."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from pdarts_tf.errors import InputError
from pdarts_tf.plugins import imported


class OnceATraining(keras.callbacks.Callback):
    """A callback as `fit` would call it, whatever the number of stages of a run is.

    `on_train_begin` comes before the first epoch in this process, `on_train_end` when the run is
    finished. Between them epochs are counted on from stage to stage, and `model` is the supernet of
    the present stage, or the network that is trained.

    Args:
        callback: The callback.
    """

    def __init__(self, callback: keras.callbacks.Callback) -> None:
        super().__init__()
        self._callback = callback
        self._begun = False

    def set_params(self, params: Any) -> None:
        """Hands on the parameters."""
        self._callback.set_params(params)

    def set_model(self, model: keras.Model) -> None:
        """Hands on the model."""
        super().set_model(model)
        self._callback.set_model(model)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Begins the training, if it has not begun, and an epoch."""
        if not self._begun:
            self._callback.on_train_begin()
            self._begun = True
        self._callback.on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Begins a step."""
        self._callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ends a step; its means are read from the device when they are asked for."""
        self._callback.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ends an epoch, with all that is measured after it."""
        self._callback.on_epoch_end(epoch, logs)

    def end(self) -> None:
        """Ends the training."""
        if self._begun:
            self._callback.on_train_end()


def from_names(names: Sequence[str]) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that functions of other packages make.

    Args:
        names: Names like "package.module:factory", of functions without arguments that return a
            callback or several; modules are looked for in the working directory too.

    Raises:
        InputError: If there is no such function, or it returns something else.
    """
    made: list[keras.callbacks.Callback] = []
    for name in names:
        found = _factory(name)()
        several = found if isinstance(found, list | tuple) else [found]
        for each in several:
            if not isinstance(each, keras.callbacks.Callback):
                raise InputError(
                    f"--callbacks={name} must return Keras callbacks. Received: "
                    f"{type(each).__name__}"
                )
        made += several
    return made


def _factory(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise InputError(
            f"--callbacks must be a list of package.module:function. Received: {name!r}"
        )
    try:
        return getattr(imported(module_name, f"--callbacks={name}"), attribute)
    except AttributeError as error:
        raise InputError(f"--callbacks={name} cannot be imported ({error})") from error
