"""The table of what is going to run."""

import numpy as np
import pytest

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.cost.counting import supernet_blocks, total
from pdarts_tf.cost.memory import Memory
from pdarts_tf.cost.plan import (
    Part,
    Plan,
    heaviest_first,
    heaviest_space,
    search_plan,
    train_plan,
)
from pdarts_tf.genotype import GENOTYPES, PRIMITIVES
from tests.plans import CIFAR10

GIB = 2**30
LIGHT, HEAVY = Memory(GIB // 2, GIB // 16), Memory(GIB, GIB // 8)


def plan(*memories):
    parts = [
        Part({"stage": i + 1}, 1000, light, heavy) for i, (light, heavy) in enumerate(memories)
    ]
    return Plan(
        "Searching", parts, epochs=3, steps=10, batch_size=16, note="A note.", num_images=99
    )


def test_a_row_ranges_from_what_is_expected_to_what_is_possible():
    assert plan((LIGHT, LIGHT), (LIGHT, HEAVY)).text() == (
        "Searching\n"
        "stage  epochs  steps/epoch  activations GiB    memory GiB\n"
        "    1       3           10             1.00          1.50\n"
        "    2       3           10     1.00 to 2.00  1.50 to 3.00\n"
        "60 steps of 16 images in all. A note."
    )


def test_a_dry_run_says_where_the_process_peaks():
    text = plan((LIGHT, LIGHT), (LIGHT, HEAVY)).dry_text(GIB, None)
    assert text.endswith(
        "Memory is what training on a CPU adds to the 1.00 GiB that this process has taken so far: "
        "it will peak at about 2.50 to 4.00 GiB."
    )
    assert "largest" not in text


def test_the_largest_batch_leaves_room_for_the_process_itself():
    lines = plan((LIGHT, LIGHT), (LIGHT, HEAVY)).dry_text(GIB, 5.0).splitlines()
    assert lines[1].endswith("largest batch")
    assert [line.split()[-1] for line in lines[2:4]] == ["56", "56"]  # (4 - 0.5) * 16
    assert lines[3].endswith("24 to 56")  # (4 - 1) * 8
    assert lines[-1] == "The largest --batch_size for --memory_limit_gb=5 is 24 to 56."


@pytest.mark.parametrize("limit", [0.5, 1.5])
def test_a_limit_for_not_even_one_image(limit):
    last = plan((LIGHT, LIGHT)).dry_text(GIB, limit).splitlines()[-1]
    assert last.startswith(f"Not even one image fits into --memory_limit_gb={limit}: take fewer")


def test_a_search_of_second_order_is_planned_with_the_memory_it_takes():
    first, second = (
        search_plan(SearchConfig(arch_order=order), CIFAR10, (100, 100), 1).parts[0].memory
        for order in ("first", "second")
    )
    assert second.fixed > first.fixed


def test_the_search_of_the_paper():
    planned = search_plan(SearchConfig(), CIFAR10, (25_000, 25_000), 260)
    lines = planned.text().splitlines()
    assert lines[0] == (
        "Searching on cifar10: 25,000 images 32x32x3 for the weights, 25,000 for the alphas, "
        "10 classes"
    )
    assert lines[1].split()[:6] == [
        "stage",
        "cells",
        "channels",
        "candidates",
        "parameters",
        "MACs",
    ]
    rows = [line.split() for line in lines[2:5]]
    assert [row[:4] for row in rows] == [
        ["1", "5", "16", "8"],
        ["2", "11", "16", "5"],
        ["3", "17", "16", "3"],
    ]
    counts = [
        total(supernet_blocks(heaviest_space(n), 16, layers, 10, "cifar", (32, 32)))
        for n, layers in ((8, 5), (5, 11), (3, 17))
    ]
    assert [row[4:8] for row in rows] == [
        [f"{each.parameters:,}", f"{each.macs:,}", "25", "260"] for each in counts
    ]
    assert lines[5].startswith("19,500 steps of 96 images in all.")


def test_a_training():
    genotype = GENOTYPES["PDARTS"]
    config = TrainConfig(genotype=str(genotype), dataset="cifar10")
    lines = train_plan(config, CIFAR10, (50_000, 0), 390).text().splitlines()
    assert lines[0] == (
        "Training on cifar10: 50,000 images 32x32x3, 10 classes; 10,000 to test, the test split"
    )
    assert lines[1] == str(genotype)
    assert lines[3].split()[:6] == ["20", "36", "3,433,798", "532,174,464", "600", "390"]
    assert lines[4].startswith("234,000 steps of 128 images in all.")


def test_a_training_says_how_many_images_are_held_out():
    planned = train_plan(TrainConfig(dataset="cifar10"), CIFAR10, (45_000, 5_000), 351)
    assert planned.text().splitlines()[0] == (
        "Training on cifar10: 45,000 images 32x32x3, 10 classes; 5,000 held out for validation; "
        "10,000 to test, the test split"
    )


def test_settings_that_the_estimate_does_not_know_are_named():
    config = TrainConfig(rematerialize=True, gradient_accumulation=2, auxiliary=False)
    last = train_plan(config, CIFAR10, (50_000, 0), 390).text().splitlines()[-1]
    assert last == (
        "234,000 steps of 128 images in all. Memory is without --rematerialize, "
        "--gradient_accumulation."
    )
    search = search_plan(SearchConfig(mixed_precision="float16"), CIFAR10, (25_000, 25_000), 260)
    assert search.note.endswith("is not known yet. Memory is without --mixed_precision.")


def test_candidates_from_the_heaviest_to_the_lightest():
    assert heaviest_first(PRIMITIVES) == [
        "sep_conv_5x5",
        "sep_conv_3x3",
        "dil_conv_5x5",
        "dil_conv_3x3",
        "skip_connect",
        "max_pool_3x3",
        "avg_pool_3x3",
        "none",
    ]


def test_the_heaviest_candidates_have_the_most_parameters():
    space = heaviest_space(3)
    names = {"sep_conv_5x5", "sep_conv_3x3", "dil_conv_5x5"}
    assert all(set(names_) == names for names_ in space.candidates("normal"))
    np.testing.assert_array_equal(space.normal, space.reduce)
