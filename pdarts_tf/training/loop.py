"""The loop that search and training share: steps under a strategy, Keras callbacks, logs.

Keras' own `fit` cannot resume inside an epoch, and breaks under MultiWorkerMirroredStrategy.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from pdarts_tf.layers.device_kind import device_kind
from pdarts_tf.training import compilation_cache, devices
from pdarts_tf.training.epoch_progress import EVALUATION, TRAINING, EpochProgress
from pdarts_tf.training.step_logs import StepLogs

_GRAPHS = {TRAINING: "graph", EVALUATION: "evaluation_graph"}


class TrainingLoop:
    """Runs a model's steps epoch by epoch.

    Args:
        model: Compiled model; its `train_step` and `test_step` return dictionaries of scalars, the
            means since `reset_metrics`.
        callbacks: Keras callbacks; after each step they are given its `StepLogs`.
        strategy: Devices that share each batch; by default the current strategy.
        part: Which part of the run the epochs belong to, for errors, such as "stage 1"; if any.
        first_epoch: Number that callbacks know the first epoch by.
        jit_compile: Whether XLA compiles every step as a whole, which takes a single device.
        before_graph: Called with `TRAINING` or `EVALUATION` before the graph of that step is
            built, during its first call.

    Attributes:
        seconds: Times since `take_seconds`: "graph" and "evaluation_graph" of the first calls,
            "evaluation" of all other calls of the evaluation.
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
        before_graph: Callable[[str], None] | None = None,
    ) -> None:
        self.model = model
        self.part = part
        self.first_epoch = first_epoch
        self.jit_compile = jit_compile
        self.strategy = strategy or tf.distribute.get_strategy()
        self.callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)
        # A CPU has finished a step when it returns, a GPU has only been told what to do.
        self._overlaps = device_kind() == "GPU"
        self._before_graph = before_graph
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.retrace()

    def retrace(self) -> None:
        """Forgets the traced steps: needed when the model's step has changed."""
        self._train = self._traced(self.model.train_step)
        self._test = self._traced(self.model.test_step)
        self._built: set[str] = set()

    def take_seconds(self) -> dict[str, float]:
        """Returns the times measured since the last call; see the attribute `seconds`."""
        taken, self.seconds = self.seconds, defaultdict(float)
        return dict(taken)

    def _call(self, step: str, function: Callable[[Any], Any], batch: Any) -> Any:
        """Calls a traced step; its first call, which builds the graph, is announced and timed."""
        if step in self._built:
            return function(batch)
        if self._before_graph is not None:
            self._before_graph(step)
        start = time.perf_counter()
        result = function(batch)
        self._built.add(step)
        self.seconds[_GRAPHS[step]] = time.perf_counter() - start
        return result

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
            NonFiniteLossError: A loss is NaN or infinite. Callbacks have not seen that step; on a
                GPU, where it is found out a step late, they have not read its logs.
        """
        if not progress.steps:
            self.model.reset_metrics()
        self.callbacks.on_epoch_begin(self.first_epoch + epoch)
        upcoming, previous = None, None
        for step in range(progress.steps, steps):
            self.callbacks.on_train_batch_begin(step)
            start = time.perf_counter()
            overlaps = self._overlaps and step + 1 < steps
            batch = self._next(batches) if upcoming is None else upcoming
            means = self._call(TRAINING, self._train, batch)
            logs = StepLogs(means, self._place(f"epoch {epoch + 1}, step {step + 1}"))
            # A GPU is computing now; meanwhile the next batch goes there.
            upcoming = self._next(batches) if overlaps else None
            if previous is not None:
                previous.numbers()  # a step late, so that the GPU has the next one already
            if not overlaps:
                logs.numbers()
            previous = logs
            progress.steps, progress.logs = step + 1, logs
            progress.seconds += time.perf_counter() - start
            # Not through the list of Keras, which would read the logs.
            for callback in self.callbacks.callbacks:
                callback.on_train_batch_end(step, logs)

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Tells callbacks that an epoch has ended.

        Args:
            epoch: See `run_epoch`.
            logs: All that has been measured in and after it, by name.
        """
        self.callbacks.on_epoch_end(self.first_epoch + epoch, dict(logs))

    def _next(self, batches: Iterator[Any]) -> Any:
        return devices.spread(self.strategy, next(batches))

    def _place(self, where: str) -> str:
        return f"{self.part}, {where}" if self.part else where

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
        start, graph = time.perf_counter(), self.seconds[_GRAPHS[EVALUATION]]
        self.model.reset_metrics()
        means: dict[str, tf.Tensor] = {}
        for number, batch in enumerate(batches):
            self.callbacks.on_test_batch_begin(number)
            means = self._call(EVALUATION, self._test, devices.spread(self.strategy, batch))
        names = names or {}
        after = "" if epoch is None else f" after epoch {epoch + 1}"
        renamed = {names.get(name, name): value for name, value in means.items()}
        numbers = StepLogs(renamed, self._place(f"the evaluation{after}")).numbers()
        graph = self.seconds[_GRAPHS[EVALUATION]] - graph
        self.seconds["evaluation"] += time.perf_counter() - start - graph
        return numbers
