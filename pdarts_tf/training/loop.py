"""The loop that search and training share: steps under a strategy, Keras callbacks, logs.

Keras' own `fit` cannot resume inside an epoch, and breaks under MultiWorkerMirroredStrategy.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.errors import RunError
from pdarts_tf.training import compilation_cache, devices
from pdarts_tf.training.epoch_progress import EpochProgress


class NonFiniteLossError(RunError):
    """A loss that is NaN or infinite.

    Args:
        name: Name of the loss.
        value: Its value.
        where: Epoch and step, in words.
    """

    def __init__(self, name: str, value: float, where: str) -> None:
        super().__init__(f"{name} became {value} in {where}; the run keeps its newest checkpoint")


class TrainingLoop:
    """Runs a model's steps epoch by epoch.

    Args:
        model: Compiled model; its `train_step` and `test_step` return dictionaries of scalars, the
            means since `reset_metrics`.
        callbacks: Keras callbacks; they are given each step's logs as numbers.
        strategy: Devices that share each batch; by default the current strategy.
        part: Which part of the run the epochs belong to, for errors, such as "stage 1"; if any.
        first_epoch: Number that callbacks know the first epoch by.
        jit_compile: Whether XLA compiles every step as a whole, which takes a single device.
    """

    def __init__(
        self,
        model: keras.Model,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        strategy: tf.distribute.Strategy | None = None,
        *,
        part: str | None = None,
        first_epoch: int = 0,
        jit_compile: bool = False,
    ) -> None:
        self.model = model
        self.part = part
        self.first_epoch = first_epoch
        self.jit_compile = jit_compile
        self.strategy = strategy or tf.distribute.get_strategy()
        self.callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)
        self.retrace()

    def retrace(self) -> None:
        """Forgets the traced steps: needed when the model's step has changed."""
        self._train = self._traced(self.model.train_step)
        self._test = self._traced(self.model.test_step)

    def _traced(self, step: Callable[[Any], dict[str, tf.Tensor]]) -> Callable[[Any], Any]:
        def run(batch: Any) -> dict[str, tf.Tensor]:
            compilation_cache.number_names_alike()
            return devices.agreed(self.strategy, self.strategy.run(step, args=(batch,)))

        # AutoGraph reads sources when a function is traced, for the last stage of a search days
        # after its start; they may have been edited by then.
        traced: Callable[[Any], Any] = tf.function(
            run, autograph=False, jit_compile=self.jit_compile or None
        )
        return traced

    def run_epoch(
        self, epoch: int, batches: Iterator[Any], steps: int, progress: EpochProgress
    ) -> None:
        """Trains for the steps of an epoch that are left.

        Args:
            epoch: Number of the epoch in its part, counted from 0.
            batches: Iterator of the arguments of `train_step`, from the first step that is left.
            steps: Number of steps of the whole epoch.
            progress: How far the epoch is; updated before callbacks see the end of a step.

        Raises:
            NonFiniteLossError: A loss is NaN or infinite; callbacks have not seen that step.
        """
        if not progress.steps:
            self.model.reset_metrics()
        self.callbacks.on_epoch_begin(self.first_epoch + epoch)
        for step in range(progress.steps, steps):
            self.callbacks.on_train_batch_begin(step)
            start = time.perf_counter()
            batch = devices.spread(self.strategy, next(batches))
            logs = {name: float(value) for name, value in self._train(batch).items()}
            self._check_finite(logs, f"epoch {epoch + 1}, step {step + 1}")
            progress.steps, progress.logs = step + 1, logs
            progress.seconds += time.perf_counter() - start
            self.callbacks.on_train_batch_end(step, logs)

    def evaluate(
        self,
        batches: Iterable[Any],
        epoch: int | None = None,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, float]:
        """Evaluates the model in inference mode.

        Args:
            batches: Arguments of `test_step`.
            epoch: Epoch after which this is, for errors; None for weights that are not in training.
            names: Other names of means that `test_step` returns, so that one traced step measures
                several splits.

        Returns:
            The means over all batches by name.

        Raises:
            NonFiniteLossError: A loss is NaN or infinite.
        """
        self.model.reset_metrics()
        means: dict[str, tf.Tensor] = {}
        for number, batch in enumerate(batches):
            self.callbacks.on_test_batch_begin(number)
            means = self._test(devices.spread(self.strategy, batch))
        names = names or {}
        logs = {names.get(name, name): float(value) for name, value in means.items()}
        after = "" if epoch is None else f" after epoch {epoch + 1}"
        self._check_finite(logs, f"the evaluation{after}")
        return logs

    def _check_finite(self, logs: dict[str, float], where: str) -> None:
        for name, value in logs.items():
            if not math.isfinite(value):
                raise NonFiniteLossError(
                    name, value, f"{self.part}, {where}" if self.part else where
                )
