"""Devices of a run: which they are, how a batch is divided among them, and who writes.

One process per machine: `mirrored` uses the GPUs of one, `multi_worker` those of all machines that
the environment variable TF_CONFIG names. TensorFlow is imported only where it is needed.
"""

import atexit
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from pdarts_tf.errors import InputError, RunError, StoppedError
from pdarts_tf.startup import held_back_stderr
from pdarts_tf.training import gpus

if TYPE_CHECKING:
    import tensorflow as tf

DISTRIBUTIONS = ("auto", "one", "mirrored", "multi_worker")
GPU_MEMORY = ("grow", "all")
_TASKS = ("chief", "worker")


class DevicesError(InputError):
    """Devices that are not there or do not fit the settings; one line says what to do."""


class WorkerLostError(RunError):
    """Another worker of this run has ended."""


@dataclass(frozen=True)
class Task:
    """The place of this process among the workers of a run."""

    kind: str = "worker"
    index: int = 0
    num_workers: int = 1
    has_chief: bool = False

    @property
    def is_chief(self) -> bool:
        """Whether this process writes: the chief, or where none is named the first worker."""
        return self.kind == "chief" or (not self.has_chief and self.index == 0)

    @property
    def name(self) -> str:
        """Such as "worker 1"."""
        return f"{self.kind} {self.index}"


def read_task(text: str | None) -> Task:
    """Returns the `Task` that the value of TF_CONFIG describes; a lone worker if it is None.

    Raises:
        DevicesError: it is no such value.
    """
    if not text:
        return Task()
    try:
        content = json.loads(text)
        cluster, task = content["cluster"], content["task"]
        kind, index = task["type"], int(task["index"])
        sizes = {name: len(addresses) for name, addresses in cluster.items()}
        known = set(sizes) <= set(_TASKS) and 0 <= index < sizes[kind]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DevicesError(_expected(text)) from error
    if not known or sizes.get("chief", 0) > 1:
        raise DevicesError(_expected(text))
    return Task(kind, index, sum(sizes.values()), "chief" in sizes)


def _expected(text: str) -> str:
    return (
        'TF_CONFIG must be like {"cluster": {"worker": ["host0:port", "host1:port"]}, "task": '
        '{"type": "worker", "index": 0}}, with tasks of type worker and at most one chief. '
        f"Received: {text[:200]}"
    )


@dataclass(frozen=True)
class Devices:
    """Devices that the command line and TF_CONFIG ask for.

    Args:
        distribution: one of `DISTRIBUTIONS`.
        num_cpu_devices: logical CPU devices to use as if they were GPUs; 1 for none.
        task: the place of this process among the workers.

    Raises:
        DevicesError: these do not fit each other.
    """

    distribution: str = "auto"
    num_cpu_devices: int = 1
    task: Task = Task()

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            allowed = ", ".join(DISTRIBUTIONS)
            raise DevicesError(
                f"--distribution must be one of {allowed}. Received: {self.distribution}"
            )
        if self.num_cpu_devices < 1:
            raise DevicesError(
                f"--num_cpu_devices must be at least 1. Received: {self.num_cpu_devices}"
            )
        if self.distribution == "multi_worker" and self.task.num_workers == 1:
            raise DevicesError(
                "--distribution=multi_worker needs at least two workers in the environment "
                "variable TF_CONFIG; use --distribution=mirrored on one machine"
            )
        if self.num_cpu_devices > 1 and (self.distribution == "one" or self.multi_worker):
            raise DevicesError(
                "--num_cpu_devices is for --distribution=mirrored. "
                f"Received: {self.num_cpu_devices}"
            )

    @classmethod
    def from_environment(cls, distribution: str, num_cpu_devices: int) -> "Devices":
        """Returns the devices for the values of the two flags, and for TF_CONFIG.

        Raises:
            DevicesError: see `Devices` and `read_task`.
        """
        alone = distribution in ("one", "mirrored")
        task = Task() if alone else read_task(os.environ.get("TF_CONFIG"))
        return cls(distribution, num_cpu_devices, task)

    @property
    def multi_worker(self) -> bool:
        """Whether several processes work together."""
        return self.distribution != "one" and self.task.num_workers > 1

    def make_strategy(self) -> "tf.distribute.Strategy":
        """Returns the tf.distribute.Strategy, the default one for a single device.

        Call it before anything is computed, as all workers of a run have to.

        Raises:
            DevicesError: --distribution=mirrored, and there are not two devices; or TensorFlow
                cannot use the GPU.
        """
        import tensorflow as tf

        if self.multi_worker:
            return tf.distribute.MultiWorkerMirroredStrategy()
        kind = "CPU" if self.num_cpu_devices > 1 else "GPU"
        names = _device_names(kind)
        if self.distribution == "one" or (self.distribution == "auto" and len(names) < 2):
            return tf.distribute.get_strategy()
        if len(names) < 2:
            reason = None if names else gpus.why_none()
            received = f"{len(names)} ({reason})" if reason else f"{len(names)}"
            raise DevicesError(
                f"--distribution=mirrored needs at least two GPUs. Received: {received}; use "
                "--distribution=one, or --num_cpu_devices=2 to try it out"
            )
        return tf.distribute.MirroredStrategy([name.removeprefix("/device:") for name in names])


def _device_names(kind: str) -> list[str]:
    """Returns the names of TensorFlow's devices of a kind, which this initializes.

    Raises:
        DevicesError: TensorFlow cannot use a GPU that it lists, as with an old driver.
    """
    import tensorflow as tf

    with held_back_stderr():  # a page about the machine, which the line stands for
        try:
            return [device.name for device in tf.config.list_logical_devices(kind)]
        except tf.errors.OpError as error:
            failure = error
    raise DevicesError(gpus.why_unusable(failure.message)) from failure


def check_batch_size(batch_size: int, num_replicas: int, num_parts: int = 1) -> None:
    """Checks that all replicas, and all parts that they compute, get equally many images.

    Args:
        batch_size: images per step, on all replicas together.
        num_replicas: number of replicas.
        num_parts: parts that each replica computes its share in.

    Raises:
        DevicesError: the global batch size is not a multiple of the number of parts.
    """
    parts = num_replicas * num_parts
    if batch_size % parts:
        near = max(batch_size // parts, 1) * parts
        what = "the number of devices that share a batch"
        if num_parts > 1:
            what += " times --gradient_accumulation"
        raise DevicesError(
            f"--batch_size must be a multiple of {parts}, {what}. Received: {batch_size}; set "
            f"--batch_size={near}"
        )


def check_jit_compile(jit_compile: str, num_replicas: int) -> None:
    """Checks that XLA compiles whole steps on a single device only.

    Args:
        jit_compile: Value of --jit_compile.
        num_replicas: Number of replicas.

    Raises:
        DevicesError: it is "step", and there are several replicas.
    """
    if jit_compile == "step" and num_replicas > 1:
        raise DevicesError(
            "--jit_compile must be none or cells on several devices, which cannot communicate "
            f"inside a step that XLA compiles. Received: step, with {num_replicas} devices; set "
            "--distribution=one for a single one"
        )


def spread(strategy: "tf.distribute.Strategy", batch: Any) -> Any:
    """Returns a global batch divided among the replicas, for `strategy.run`.

    Every part is sent to the device of its replica at once; a GPU receives it while it computes.

    Args:
        strategy: the present one.
        batch: a structure of tensors (batch, ...), the same in all workers; the batch size is a
            multiple of the number of replicas.
    """
    import tensorflow as tf

    count = strategy.num_replicas_in_sync
    if count == 1:
        return _on_device("GPU:0", batch) if tf.config.list_logical_devices("GPU") else batch
    local = strategy.extended.worker_devices

    def part(context: "tf.distribute.ReplicaContext") -> Any:
        number = context.replica_id_in_sync_group

        def rows(x: "tf.Tensor") -> "tf.Tensor":
            size = x.shape[0] // count
            return x[number * size :][:size]

        return _on_device(local[number % len(local)], tf.nest.map_structure(rows, batch))

    return strategy.experimental_distribute_values_from_function(part)


def _on_device(device: str, batch: Any) -> Any:
    import tensorflow as tf

    with tf.device(device):
        return tf.nest.map_structure(tf.identity, batch)


def agreed(strategy: "tf.distribute.Strategy", values: Mapping[str, Any]) -> dict[str, "tf.Tensor"]:
    """Returns the result of a step, the same on all replicas, as {name: scalar}."""
    return {name: strategy.experimental_local_results(v)[0] for name, v in values.items()}


@contextlib.contextmanager
def lost_workers_reported(task: Task) -> Iterator[None]:
    """Turns the errors that the end of another worker leaves in this one into one line.

    After an error of a worker its process ends without taking TensorFlow apart, which would wait
    for the others for many minutes.

    Raises:
        WorkerLostError: another worker has ended.
    """
    import tensorflow as tf

    lost = tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError
    try:
        yield
    except StoppedError:
        raise  # as all workers do, at the same step
    except BaseException as error:
        if task.num_workers == 1:
            raise
        atexit.register(_end_at_once, 2 if isinstance(error, InputError) else 1)
        if not isinstance(error, lost):
            raise
        raise WorkerLostError(
            f"{task.name} has lost another worker; start the same command on all of them again, "
            "which resumes the run"
        ) from error


def _end_at_once(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
