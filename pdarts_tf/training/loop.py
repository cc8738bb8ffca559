"""The loop that search and training share: steps under a strategy, Keras callbacks, logs.

Keras' own `fit` cannot resume inside an epoch, and breaks under MultiWorkerMirroredStrategy.
"""

import dataclasses
import math
import time

import keras
import tensorflow as tf

from pdarts_tf.errors import RunError
from pdarts_tf.training import devices


class NonFiniteLossError(RunError):
    """A loss that is NaN or infinite."""

    def __init__(self, name, value, where):
        super().__init__(f"{name} became {value} in {where}; the run keeps its newest checkpoint")


@dataclasses.dataclass
class EpochProgress:
    """How far an epoch is: what has to be known, beside all variables, to go on inside it.

    Args:
        steps: how many have been taken.
        logs: the means over them by name.
        seconds: that they have taken, in all processes that the epoch has seen.
    """

    steps: int = 0
    logs: dict[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0


class TrainingLoop:
    """Runs a model's steps epoch by epoch.

    Args:
        model: compiled; its `train_step` and `test_step` return dictionaries of scalars, the means
            since `reset_metrics`.
        callbacks: Keras callbacks; they are given each step's logs as numbers.
        strategy: a `tf.distribute.Strategy`; by default the current one.
        part: which part of the run the epochs belong to, for errors, such as "stage 1"; if any.
    """

    def __init__(self, model, callbacks=(), strategy=None, part=None):
        self.model = model
        self.part = part
        self.strategy = strategy or tf.distribute.get_strategy()
        self.callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)
        self.retrace()

    def retrace(self):
        """Forgets the traced steps: needed when the model's step has changed."""
        self._train = self._traced(self.model.train_step)
        self._test = self._traced(self.model.test_step)

    def _traced(self, step):
        def run(batch):
            return devices.agreed(self.strategy, self.strategy.run(step, args=(batch,)))

        # AutoGraph reads sources when a function is traced, for the last stage of a search days
        # after its start; they may have been edited by then.
        return tf.function(run, autograph=False)

    def run_epoch(self, epoch, batches, steps, progress):
        """Trains for what is left of one epoch.

        Args:
            epoch: counted from 0, for callbacks and errors.
            batches: iterator of what `train_step` takes, from the first step that is left.
            steps: of the epoch.
            progress: `EpochProgress`, which is updated before callbacks see the end of a step.

        Raises:
            NonFiniteLossError: a loss is NaN or infinite; callbacks have not seen that step.
        """
        if not progress.steps:
            self.model.reset_metrics()
        self.callbacks.on_epoch_begin(epoch)
        for step in range(progress.steps, steps):
            self.callbacks.on_train_batch_begin(step)
            start = time.perf_counter()
            batch = devices.spread(self.strategy, next(batches))
            logs = {name: float(value) for name, value in self._train(batch).items()}
            self._check_finite(logs, f"epoch {epoch + 1}, step {step + 1}")
            progress.steps, progress.logs = step + 1, logs
            progress.seconds += time.perf_counter() - start
            self.callbacks.on_train_batch_end(step, logs)

    def evaluate(self, batches, epoch=None):
        """Tests in inference mode.

        Args:
            batches: dataset of what `test_step` takes.
            epoch: after which this is, for errors; None for weights that are not in training.

        Returns:
            The means over all batches by name.

        Raises:
            NonFiniteLossError: a loss is NaN or infinite.
        """
        self.model.reset_metrics()
        logs = {}
        for number, batch in enumerate(batches):
            self.callbacks.on_test_batch_begin(number)
            logs = self._test(devices.spread(self.strategy, batch))
        logs = {name: float(value) for name, value in logs.items()}
        self._check_finite(logs, "the test" if epoch is None else f"the test of epoch {epoch + 1}")
        return logs

    def _check_finite(self, logs, where):
        for name, value in logs.items():
            if not math.isfinite(value):
                raise NonFiniteLossError(
                    name, value, f"{self.part}, {where}" if self.part else where
                )
