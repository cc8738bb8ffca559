"""The estimate of what training needs: arithmetic, bounds, and the memory that was measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.memory_growth import compare, estimate
from pdarts_tf.config import SearchConfig
from pdarts_tf.cost.memory import Memory, network_memory, supernet_memory
from pdarts_tf.cost.plan import heaviest_space
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.search_space import SearchSpace, random_space

MB = 2**20
# Growth of the peak in MB, measured as in docs/memory.md: (what, batch size) -> MB.
MEASURED = {
    ("1", 8): 1406,
    ("1", 32): 2406,
    ("1", 48): 3164,
    ("2", 8): 1495,
    ("2", 32): 3274,
    ("2", 48): 4402,
    ("3", 8): 1338,
    ("3", 32): 3323,
    ("3", 48): 4591,
    ("network", 8): 912,
    ("network", 16): 1478,
    ("network", 32): 2612,
}

MEASURED_SECOND_ORDER = {
    ("1", 8): 1984,
    ("1", 32): 3050,
    ("3", 8): 1816,
    ("3", 32): 3782,
}


@pytest.mark.parametrize(("what", "batch_size"), MEASURED)
def test_the_estimate_is_near_what_was_measured(what, batch_size):
    ratio = estimate(what).total(batch_size) / MB / MEASURED[what, batch_size]
    assert 0.9 < ratio < 1.1


@pytest.mark.parametrize(("what", "batch_size"), MEASURED_SECOND_ORDER)
def test_the_estimate_of_the_second_order_is_near_what_was_measured(what, batch_size):
    estimated = estimate(what, "second").total(batch_size) / MB
    assert 0.9 < estimated / MEASURED_SECOND_ORDER[what, batch_size] < 1.1


def test_the_second_order_keeps_no_more_activations():
    first, second = (estimate("1", order) for order in ("first", "second"))
    assert second.per_image == first.per_image
    assert second.fixed > first.fixed


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("batch_size", [16, 32])
@pytest.mark.parametrize("what", ["1", "2", "3", "network"])
def test_the_estimate_is_within_a_fifth_of_the_measured_growth(what, batch_size):
    assert 0.8 < compare(what, batch_size)["ratio"] < 1.2


def test_a_batch_costs_its_images_and_what_is_fixed():
    memory = Memory(fixed=1000, per_image=30)
    assert [memory.activations(size) for size in (0, 1, 5)] == [0, 30, 150]
    assert [memory.total(size) for size in (0, 1, 5)] == [1000, 1030, 1150]


@pytest.mark.parametrize(
    ("limit", "size"), [(1149, 4), (1150, 5), (1179, 5), (1029, 0), (1000, 0), (0, 0), (-5, 0)]
)
def test_the_largest_batch(limit, size):
    assert Memory(fixed=1000, per_image=30).largest_batch(limit) == size


@given(st.integers(0, 2**40), st.integers(1, 2**32), st.integers(0, 2**45))
def test_the_largest_batch_fits_and_one_more_image_does_not(fixed, per_image, limit):
    memory = Memory(fixed, per_image)
    size = memory.largest_batch(limit)
    assert memory.total(size) <= limit or size == 0
    assert memory.total(size + 1) > limit


def supernet(space, layers=3, channels=4, size=(8, 8), dropout=False):
    return supernet_memory(space, channels, layers, 10, "cifar", size, skip_dropout=dropout)


def test_four_times_the_pixels_keep_four_times_as_much_without_padded_images():
    space = SearchSpace(*np.array([[[name in (3, 6) for name in range(8)]] * 14] * 2))
    small, large = supernet(space), supernet(space, size=(16, 16))
    assert large.per_image == 4 * small.per_image
    assert large.fixed == small.fixed


def test_channels_and_cells_cost_more():
    space = random_space(3)
    least = supernet(space)
    for more in (supernet(space, channels=8), supernet(space, layers=4)):
        assert more.per_image > least.per_image
        assert more.fixed > least.fixed


def test_dropout_after_skip_connects_costs_memory():
    space = SearchSpace.full()
    assert supernet(space, dropout=True).per_image > supernet(space).per_image


@given(st.integers(3, 8), st.integers(0, 1000), st.booleans())
def test_no_candidates_need_more_than_the_heaviest(num_candidates, seed, dropout):
    drawn = supernet(random_space(num_candidates, seed), dropout=dropout)
    most = supernet(heaviest_space(num_candidates), dropout=dropout)
    assert drawn.per_image <= most.per_image
    assert drawn.fixed <= most.fixed


def test_an_auxiliary_head_and_an_imagenet_stem():
    network = GENOTYPES["PDARTS"], 4, 3, 10
    plain, headed = (
        network_memory(*network, "cifar", (24, 24), auxiliary=auxiliary)
        for auxiliary in (False, True)
    )
    # Two relus on 6x6 pixels of 4 nodes with 16 channels.
    assert headed.per_image - plain.per_image == 2 * 36 * 64 * 4
    assert headed.fixed > plain.fixed
    # The stem leaves 3x3 pixels, whose cells keep less; normalized exactly, they keep more.
    imagenet = network_memory(*network, "imagenet", (32, 32), auxiliary=False)
    cells = network_memory(*network, "cifar", (4, 4), auxiliary=False)
    assert cells.per_image < imagenet.per_image < plain.per_image


def test_images_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="multiples of 4"):
        supernet(random_space(3), size=(9, 8))


def test_the_papers_stages_are_those_that_the_benchmark_estimates():
    stage = SearchConfig().stages[2]
    expected = supernet_memory(random_space(3), 16, 17, 10, "cifar", (32, 32), skip_dropout=True)
    assert (stage.num_layers, estimate("3")) == (17, expected)
