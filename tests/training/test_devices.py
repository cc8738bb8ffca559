"""Which devices are chosen, how a batch is divided, and that several equal one."""

import concurrent.futures
import os
import subprocess
import sys

import numpy as np
import pytest

from pdarts_tf.training.devices import (
    Devices,
    DevicesError,
    Task,
    WorkerLostError,
    check_batch_size,
    check_jit_compile,
    lost_workers_reported,
    read_task,
)
from tests.shared_steps import labelled_images
from tests.source_tree import ROOT
from tests.workers import free_addresses, task_config

TOLERANCE = 1e-5
CLUSTER = {"worker": ["a:1", "b:1", "c:1"]}


def config(kind="worker", index=0, **cluster):
    return task_config(kind, index, **(cluster or CLUSTER))


# TF_CONFIG and the flags.


def test_without_tf_config_a_process_is_its_own_chief():
    assert read_task(None) == Task()
    assert Task().is_chief


def test_the_first_worker_is_chief_if_none_is_named():
    tasks = [read_task(config(index=i)) for i in range(3)]
    assert [task.is_chief for task in tasks] == [True, False, False]
    assert {task.num_workers for task in tasks} == {3}


def test_a_named_chief_is_the_only_one():
    cluster = {"chief": ["a:1"], "worker": ["b:1"]}
    assert read_task(config("chief", **cluster)).is_chief
    assert not read_task(config("worker", **cluster)).is_chief


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[1, 2]",
        "{}",
        config(index=3),
        config(index=-1),
        config("evaluator"),
        config("ps", ps=["a:1"], worker=["b:1"]),
        config("chief", chief=["a:1", "b:1"]),
    ],
)
def test_another_tf_config_is_refused_in_one_line(text):
    with pytest.raises(DevicesError, match="TF_CONFIG must be like") as caught:
        read_task(text)
    assert "\n" not in str(caught.value)


def test_auto_means_multi_worker_where_tf_config_names_several(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config(index=1))
    assert Devices.from_environment("auto", 1).multi_worker
    assert not Devices.from_environment("one", 1).multi_worker
    assert not Devices.from_environment("mirrored", 1).multi_worker
    assert Devices.from_environment("mirrored", 1).task.is_chief


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("two", 1), "--distribution must be one of auto, one, mirrored, multi_worker"),
        (("auto", 0), "--num_cpu_devices must be at least 1"),
        (("one", 2), "--num_cpu_devices is for --distribution=mirrored"),
        (("multi_worker", 1), "needs at least two workers in the environment variable TF_CONFIG"),
    ],
)
def test_flags_that_do_not_fit_are_refused(monkeypatch, arguments, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(DevicesError, match=message):
        Devices.from_environment(*arguments)


def test_mirrored_needs_two_devices():
    with pytest.raises(DevicesError, match=r"needs at least two GPUs\. Received: 0"):
        Devices("mirrored").make_strategy()


def test_one_device_needs_no_strategy():
    import tensorflow as tf

    assert Devices("auto").make_strategy() is tf.distribute.get_strategy()
    assert not tf.distribute.has_strategy()


@pytest.mark.parametrize(("replicas", "parts"), [(1, 1), (4, 1), (2, 4)])
def test_a_batch_that_divides_is_accepted(replicas, parts):
    check_batch_size(8, replicas, parts)


def test_a_batch_that_does_not_divide_is_refused_with_one_that_does():
    with pytest.raises(DevicesError, match=r"multiple of 4, .* Received: 10; set --batch_size=8"):
        check_batch_size(10, 4)
    with pytest.raises(DevicesError, match=r"times --gradient_accumulation.*; set --batch_size=6"):
        check_batch_size(4, 2, 3)


@pytest.mark.parametrize(("mode", "replicas"), [("step", 1), ("cells", 2), ("none", 2)])
def test_steps_are_compiled_on_one_device_and_cells_on_any_number(mode, replicas):
    check_jit_compile(mode, replicas)


def test_steps_that_several_devices_share_are_not_compiled():
    with pytest.raises(DevicesError, match=r"must be none or cells .* step, with 2 devices"):
        check_jit_compile("step", 2)


def test_the_end_of_another_worker_is_reported_in_one_line(monkeypatch):
    import tensorflow as tf

    at_exit = []
    monkeypatch.setattr("atexit.register", lambda *call: at_exit.append(call))
    with (
        pytest.raises(WorkerLostError, match="worker 1 has lost another worker") as caught,
        lost_workers_reported(Task("worker", 1, 2)),
    ):
        raise tf.errors.UnavailableError(None, None, "Connection reset by peer\nmore")
    assert "\n" not in str(caught.value)
    assert [code for _, code in at_exit] == [1]


# The same steps on one device, on two, and on two workers, each in processes of their own.


def run_steps(path, num_devices, **variables):
    """Runs `tests.shared_steps` and returns its numbers."""
    command = [sys.executable, "-m", "tests.shared_steps", str(path), str(num_devices)]
    environment = {**os.environ, **variables}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """Numbers of "one" device and of two "mirrored" ones."""
    path = tmp_path_factory.mktemp("steps")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        one = pool.submit(run_steps, path / "one.npz", 1)
        mirrored = pool.submit(run_steps, path / "mirrored.npz", 2)
        return {"one": one.result(), "mirrored": mirrored.result()}


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """Numbers of "worker 0" and "worker 1"."""
    path = tmp_path_factory.mktemp("workers")
    addresses = free_addresses(2)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(
                run_steps, path / f"{i}.npz", 1, TF_CONFIG=config(index=i, worker=addresses)
            )
            for i in range(2)
        ]
        return {f"worker {i}": run.result() for i, run in enumerate(runs)}


@pytest.fixture(
    params=[
        "mirrored",
        "worker 0",
        "worker 1",
    ]
)
def received(request, numbers):
    """Numbers of several devices, to be compared with those of one."""
    alone = request.param == "mirrored"
    return (numbers if alone else request.getfixturevalue("workers"))[request.param]


def part(arrays, prefix):
    return {name: a for name, a in arrays.items() if name.startswith(f"{prefix}/")}


def assert_equal(received, expected, *prefixes):
    for prefix in prefixes:
        assert part(expected, prefix)
        assert part(received, prefix).keys() == part(expected, prefix).keys()
        for name, array in part(expected, prefix).items():
            np.testing.assert_allclose(
                received[name], array, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
            )


@pytest.mark.slow
def test_bilevel_steps_with_synchronized_batch_norms_equal_those_of_one_device(received, numbers):
    """Weights, alphas, both optimizers, running statistics: with dropout, for every replica."""
    assert_equal(received, numbers["one"], "bilevel")


@pytest.mark.slow
def test_bilevel_steps_of_second_order_equal_those_of_one_device(received, numbers):
    """Every gradient that another is computed from is that of the global batch."""
    assert_equal(received, numbers["one"], "second_order", "second_order_logs")


@pytest.mark.slow
def test_metrics_are_those_of_the_global_batch(received, numbers):
    """Also in a validation whose last images do not count."""
    assert_equal(received, numbers["one"], "bilevel_logs", "synchronized_logs")


@pytest.mark.slow
def test_training_steps_with_drop_path_equal_those_of_one_device(received, numbers):
    assert_equal(received, numbers["one"], "synchronized")


@pytest.mark.slow
def test_accumulated_parts_are_to_batch_norms_what_devices_are(numbers):
    """One device that computes its batch in two parts equals two devices."""
    assert_equal(numbers["mirrored"], numbers["one"], "local", "local_logs")


@pytest.mark.slow
def test_a_scaled_loss_of_two_devices_is_that_of_one(numbers):
    """Close: how float16 rounds depends on what is added up where."""
    mirrored, one = (part(numbers[name], "float16") for name in ("mirrored", "one"))
    (steps,) = (name for name in one if name.endswith("steps_of_loss_scale"))
    assert mirrored[steps] == one[steps] == 2  # none was left out
    losses = [numbers[name]["float16_logs/loss"] for name in ("mirrored", "one")]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    names = [name for name in one if name.endswith("_velocity")]  # sums of gradients
    received, expected = (
        np.concatenate([arrays[name].ravel() for name in names]) for arrays in (mirrored, one)
    )
    assert np.linalg.norm(received - expected) <= 0.05 * np.linalg.norm(expected)


@pytest.mark.slow
def test_workers_hold_the_same_bit_by_bit(workers):
    for name, array in part(workers["worker 0"], "bilevel").items():
        np.testing.assert_array_equal(workers["worker 1"][name], array, err_msg=name)


@pytest.mark.slow
def test_synchronized_statistics_and_gradients_are_those_of_the_whole_batch(received, numbers):
    """Against formulas in float64, for images whose mean is far from 0."""
    # A worker has its own part of the images only.
    whole = {name: numbers["mirrored"][name] for name in ("norm/y", "norm/dx")}
    arrays = received | whole
    x = (labelled_images(0)[0] + np.float32(10.0)).astype(np.float64)
    dy = arrays["norm/dy"].astype(np.float64)
    scale, offset = np.array([1.0, 0.5, -2.0]), np.array([0.0, 3.0, -1.0])
    axes = (0, 1, 2)
    mean, variance = x.mean(axes), x.var(axes)
    rstd = 1 / np.sqrt(variance + 1e-5)
    normalized = (x - mean) * rstd
    through = dy.mean(axes) + normalized * (dy * normalized).mean(axes)
    expected = {
        "y": normalized * scale + offset,
        "mean": mean,
        "variance": variance * (x[..., 0].size / (x[..., 0].size - 1)),
        "dx": scale * rstd * (dy - through),
        "dscale": (dy * normalized).sum(axes),
        "doffset": dy.sum(axes),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(
            arrays[f"norm/{name}"], value, rtol=1e-4, atol=2e-4, err_msg=name
        )
