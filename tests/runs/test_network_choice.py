"""The network of a budget: what is chosen, kept, refused and taken up again."""

import contextlib
import dataclasses
import types
from typing import Any

import pytest

from pdarts_tf.config import ConfigError, SearchConfig, TrainConfig
from pdarts_tf.config.budget import OpenNetwork, open_network
from pdarts_tf.cost.candidates import ImageSetting, candidates
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.network_choice import check_stored_network, chosen_network
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.run_directory import RunDirectory, RunDirectoryError
from pdarts_tf.training.devices import Devices, Task

GENOTYPE_OF = {"M=1": GENOTYPES["DARTS_V1"], "M=0": GENOTYPES["PDARTS"]}
SIZES = ("layers", "init_channels")
DATA: Any = types.SimpleNamespace(image_shape=(8, 8, 1), num_classes=10)
DIGITS = ImageSetting((8, 8, 1), 10, "cifar")
TRIED = candidates(GENOTYPE_OF, DIGITS)


def latency(network):
    """Milliseconds of a machine that measures nothing."""
    return 0.5 + 0.2 * network.layers + network.macs / 20e6


@contextlib.contextmanager
def no_program(images, plugins):
    """In place of the program that measures."""
    assert images == DIGITS
    yield latency


def choose(genotypes=GENOTYPE_OF, sizes=SIZES, **settings):
    """The settings and the line of a choice."""
    config = TrainConfig(genotype="DARTS_V2", **settings)
    options = RunOptions(open_network=OpenNetwork(genotypes, sizes))
    chosen, [line] = chosen_network(config, DATA, options, no_program)
    return chosen, line


def size(config):
    """What was chosen, as (genotype, layers, init_channels)."""
    return config.genotype, config.layers, config.init_channels


def expected(condition):
    """The largest of all networks that meet a condition."""
    network = next(each for each in TRIED if condition(each))
    return str(network.genotype), network.layers, network.init_channels


@pytest.mark.parametrize("limit", [300_000, 5_000_000, 10**9])
def test_the_largest_within_multiply_accumulates_is_chosen(limit):
    config, line = choose(max_macs=limit)
    assert size(config) == expected(lambda each: each.macs <= limit)
    assert f"--max_macs={limit}: of 192 networks the largest that fits is M=" in line


def test_the_largest_within_parameters_is_chosen():
    config, _ = choose(max_parameters=200_000)
    assert size(config) == expected(lambda each: each.parameters <= 200_000)


def test_the_largest_within_a_latency_is_chosen_and_measurements_are_printed(capsys):
    config, line = choose(max_latency_ms=3.0)
    assert size(config) == expected(lambda each: latency(each) <= 3.0)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == (
        "Measuring the latency of exported networks, with images 8x8x1, 10 classes, --stem=cifar:"
    )
    assert all(each.endswith(" ms") for each in shown[1:])
    assert line.endswith(shown[-1].split(": ")[1])


def test_all_limits_hold_at_once():
    config, line = choose(max_macs=5_000_000, max_parameters=200_000, max_latency_ms=3.0)
    assert size(config) == expected(
        lambda n: n.macs <= 5_000_000 and n.parameters <= 200_000 and latency(n) <= 3.0
    )
    assert line.startswith("--max_parameters=200000 --max_macs=5000000 --max_latency_ms=3.0: ")


def test_what_was_given_is_kept():
    single = {"": GENOTYPES["PDARTS"]}
    config, _ = choose(single, ("layers",), max_macs=5_000_000, init_channels=16)
    assert config.init_channels == 16 and config.genotype == str(GENOTYPES["PDARTS"])
    config, _ = choose(single, ("init_channels",), max_macs=5_000_000, layers=6)
    assert config.layers == 6


def test_only_the_limit_on_skip_connects_may_be_open():
    config, _ = choose(sizes=(), max_macs=10**9, layers=5, init_channels=8)
    largest = candidates(GENOTYPE_OF, DIGITS, (5,), (8,))[0]
    assert size(config) == (str(largest.genotype), 5, 8)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_macs": 1000}, "no network fits --max_macs=1000; the smallest there is, M=1, 5 cells"
         ", 4 channels, has 10,694 parameters, 127,744 multiply-accumulates: allow more"),
        ({"max_parameters": 9, "max_macs": 10**9}, "fits --max_parameters=9 --max_macs=1000000000"),
        ({"max_latency_ms": 1.0}, "127,744 multiply-accumulates, 1.51 ms: allow more"),
    ],
)  # fmt: skip
def test_if_nothing_fits_the_smallest_is_told(limits, message):
    with pytest.raises(ConfigError, match=message):
        choose(**limits)


def test_a_given_network_that_is_too_slow_is_refused():
    with pytest.raises(ConfigError, match="the smallest there is, 20 cells, 36 channels"):
        choose({"": GENOTYPES["PDARTS"]}, (), max_latency_ms=1.0)


def test_images_that_the_stem_does_not_fit_are_refused():
    options = RunOptions(open_network=OpenNetwork(GENOTYPE_OF, SIZES))
    odd: Any = types.SimpleNamespace(image_shape=(9, 9, 1), num_classes=10)
    with pytest.raises(ConfigError, match="multiples of 4"):
        chosen_network(TrainConfig(max_macs=10**6), odd, options)


def test_several_workers_cannot_measure():
    task = Task(num_workers=2)
    options = RunOptions(
        open_network=OpenNetwork(GENOTYPE_OF, SIZES), devices=Devices("multi_worker", task=task)
    )
    with pytest.raises(ConfigError, match="--max_latency_ms measures one machine"):
        chosen_network(TrainConfig(max_latency_ms=9.0), DATA, options, no_program)


@pytest.mark.parametrize(
    "config", [TrainConfig(max_macs=1), SearchConfig()], ids=["train", "search"]
)
def test_if_nothing_is_open_settings_stay_as_they_are(config):
    assert chosen_network(config, DATA, RunOptions()) == (config, [])


# What is open


@pytest.mark.parametrize(
    ("given", "sizes"),
    [((), SIZES), (("layers", "epochs"), ("init_channels",)), (SIZES, ())],
)
def test_sizes_that_were_not_given_are_open(given, sizes):
    config = TrainConfig(max_macs=10**6)
    assert open_network(config, lambda: GENOTYPE_OF, given) == OpenNetwork(GENOTYPE_OF, sizes)


def test_without_a_budget_nothing_is_open_nor_read():
    assert open_network(TrainConfig(), lambda: pytest.fail("read"), ()) is None


def test_a_network_that_is_given_as_a_whole_is_not_open_but_its_latency_is_measured():
    single = {"": GENOTYPES["PDARTS"]}
    assert open_network(TrainConfig(max_macs=1, max_parameters=1), lambda: single, SIZES) is None
    timed = open_network(TrainConfig(max_latency_ms=1.0), lambda: single, SIZES)
    assert timed == OpenNetwork(single, ())


# Runs that go on


def stored_in(path, config, given, sizes=SIZES):
    """The settings that a run in a directory goes on with, if it may."""
    with RunDirectory(path, config, {}):
        pass
    options = RunOptions(open_network=OpenNetwork(GENOTYPE_OF, sizes))
    stored = run_directory.check(path, given, options.unset(given))
    assert stored is not None
    check_stored_network(path, stored, options)
    return stored


def test_a_run_goes_on_with_the_network_that_it_has_chosen(tmp_path):
    chosen, _ = choose(max_macs=5_000_000)
    given = TrainConfig(genotype="DARTS_V2", max_macs=5_000_000)
    assert stored_in(tmp_path, chosen, given) == chosen


def test_a_run_of_another_search_is_refused(tmp_path):
    other = TrainConfig(genotype=str(GENOTYPES["NASNet"]), max_macs=5_000_000)
    with pytest.raises(RunDirectoryError, match="its --genotype is none of those"):
        stored_in(tmp_path, other, TrainConfig(max_macs=5_000_000))


def test_a_run_of_another_budget_is_refused(tmp_path):
    chosen, _ = choose(max_macs=5_000_000)
    with pytest.raises(RunDirectoryError, match="its --max_macs is 5000000, not 6000000"):
        stored_in(tmp_path, chosen, TrainConfig(max_macs=6_000_000))


def test_sizes_that_are_given_have_to_be_those_of_the_run(tmp_path):
    chosen, _ = choose(max_macs=5_000_000)
    given = dataclasses.replace(chosen, layers=6)
    with pytest.raises(RunDirectoryError, match=f"its --layers is {chosen.layers}, not 6"):
        stored_in(tmp_path, chosen, given, sizes=("init_channels",))


def test_what_a_budget_chooses_does_not_follow_from_the_data():
    config = TrainConfig(dataset="arrays", max_macs=5_000_000)
    network = OpenNetwork(GENOTYPE_OF, SIZES)
    options = RunOptions(open_network=network, given=frozenset({"dataset", "max_macs"}))
    assert "batch_size" in options.left_to_data(config)
    assert not options.left_to_data(config) & {*SIZES}
