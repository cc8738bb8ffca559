"""The supernet: its weights, skip dropout and seeds."""

import numpy as np
import pytest
import tensorflow as tf

import pdarts_tf as pd
from pdarts_tf.models.supernet import ALPHA_STDDEV
from tests.supernets import (
    STAGES,
    build_skip_supernet,
    golden_supernet,
    restore,
    skip_images,
    skip_supernet,
    snapshot,
    uniform_space,
)

CANDIDATES = {1: 8, 2: 5, 3: 3}


@pytest.fixture(scope="module", params=STAGES, ids=lambda stage: f"stage{stage}")
def golden(request):
    """The `GoldenSupernet` of each stage."""
    golden = golden_supernet(request.param)
    golden.restart()
    return golden


def test_alphas_have_a_column_per_candidate(golden):
    count = golden.model.space.num_candidates
    assert [tuple(alphas.shape) for alphas in golden.model.arch_variables] == [(14, count)] * 2


def test_stages_of_the_goldens_have_8_5_and_3_candidates():
    spaces = {stage: golden_supernet(stage).model.space for stage in STAGES}
    assert {stage: space.num_candidates for stage, space in spaces.items()} == CANDIDATES


def seeds_of_masks(model, monkeypatch, images):
    """Returns (rate, seed) of the dropout that a training pass gives to each cell, or None."""
    received = []
    compute = model.compute

    def recording(*args, **options):
        dropout = args[6]
        pair = dropout and (float(dropout[0]), tuple(dropout[1].numpy().tolist()))
        received.append(pair)
        return compute(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(model, "compute", recording)
        model(images, training=True)
    return received


@pytest.fixture
def skips():
    """A small supernet with dropout after skip-connects, in its initial state."""
    model, before = skip_supernet()
    restore(model.weights, before)
    return model


@pytest.fixture
def images():
    """Images for `skips`."""
    return skip_images()[0]


def test_rate_0_builds_no_dropout(golden):
    names = [variable.name for variable in golden.model.weights]
    assert "skip_dropout_rate" not in names
    assert golden.model.skip_dropout_rate == 0.0


def test_rate_0_gives_no_cell_a_mask(monkeypatch, images):
    space = uniform_space("avg_pool_3x3", "skip_connect")
    model = pd.Supernet(space, init_channels=4, num_layers=3, num_classes=3)
    assert seeds_of_masks(model, monkeypatch, images) == [None] * 3


def test_dropout_cannot_be_switched_on_later():
    model = golden_supernet(3).model
    with pytest.raises(ValueError, match=r"built without skip dropout .* Received: 0\.3"):
        model.skip_dropout_rate = 0.3


def test_a_supernet_without_dropout_takes_rate_0():
    model = golden_supernet(3).model
    model.skip_dropout_rate = 0.0
    assert model.skip_dropout_rate == 0.0


def test_the_rate_can_be_changed(skips, monkeypatch, images):
    assert skips.skip_dropout_rate == 0.5
    skips.skip_dropout_rate = 0.25
    assert skips.skip_dropout_rate == 0.25
    assert {rate for rate, _ in seeds_of_masks(skips, monkeypatch, images)} == {0.25}


def test_every_cell_has_a_mask_of_its_own(skips, monkeypatch, images):
    assert len(set(seeds_of_masks(skips, monkeypatch, images))) == 4


def test_masks_differ_between_passes(skips, monkeypatch, images):
    first = seeds_of_masks(skips, monkeypatch, images)
    assert set(first).isdisjoint(seeds_of_masks(skips, monkeypatch, images))
    assert int(skips.forward_passes.value) == 2


def test_masks_repeat_for_the_same_seed_and_pass(skips, images):
    first = skips(images, training=True)
    second = skips(images, training=True)
    again = build_skip_supernet(like=skips)(images, training=True)
    np.testing.assert_array_equal(again, first)
    assert not np.allclose(second, first, atol=1e-3)


def test_masks_differ_for_another_seed(skips, monkeypatch, images):
    other = build_skip_supernet(seed=4, like=skips)
    first = seeds_of_masks(skips, monkeypatch, images)
    assert set(first).isdisjoint(seeds_of_masks(other, monkeypatch, images))


def test_inference_drops_nothing_and_counts_no_pass(skips, images):
    logits = skips(images)
    skips.skip_dropout_rate = 0.0
    np.testing.assert_array_equal(skips(images), logits)
    assert int(skips.forward_passes.value) == 0


def test_a_rate_of_0_drops_nothing(skips, images):
    skips.skip_dropout_rate = 0.0
    first = skips(images, training=True)
    np.testing.assert_array_equal(skips(images, training=True), first)


def test_masks_continue_after_restoring_a_checkpoint(skips, images, tmp_path):
    skips(images, training=True)
    saved = tf.train.Checkpoint(model=skips).save(str(tmp_path / "state"))
    expected = skips(images, training=True)
    resumed = build_skip_supernet(like=skips)
    tf.train.Checkpoint(model=resumed).restore(saved).assert_consumed()
    np.testing.assert_array_equal(resumed(images, training=True), expected)


def test_saved_weights_are_loaded(skips, images, tmp_path):
    skips(images, training=True)
    path = tmp_path / "supernet.weights.h5"
    skips.save_weights(path)
    other = build_skip_supernet(seed=4, like=skips)
    other.load_weights(path)
    for variable, value in zip(other.weights, skips.weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value.numpy(), err_msg=variable.path)


def kernels_and_alphas(model):
    """The variables that are drawn at random."""
    drawn = [v for v in model.trainable_variables if v.name not in ("gamma", "beta")]
    return drawn + model.arch_variables


def test_the_same_seed_gives_the_same_initial_weights():
    for first, again in zip(
        build_skip_supernet().weights, build_skip_supernet().weights, strict=True
    ):
        np.testing.assert_array_equal(first.numpy(), again.numpy(), err_msg=first.path)


def test_another_seed_gives_other_initial_weights():
    first, other = (kernels_and_alphas(build_skip_supernet(seed)) for seed in (3, 4))
    for a, b in zip(first, other, strict=True):
        assert not np.array_equal(a.numpy(), b.numpy()), a.path


def test_no_two_kernels_start_equal(skips):
    # As fractions of the largest, since the range depends on the fan-in.
    values = [variable.numpy().ravel() for variable in kernels_and_alphas(skips)]
    first = {tuple(np.round(value[:2] / np.abs(value[:2]).max(), 4)) for value in values}
    assert len(first) == len(values)


def test_alphas_start_close_to_zero():
    space = pd.SearchSpace.full()
    alphas = np.concatenate([a.numpy() for a in pd.Supernet(space).arch_variables])
    np.testing.assert_allclose(alphas.std(), ALPHA_STDDEV, rtol=0.2)
    assert np.abs(alphas).max() < 5 * ALPHA_STDDEV


def test_alphas_are_not_trainable(skips):
    trainable = {variable.path for variable in skips.trainable_variables}
    assert not any(alphas.trainable for alphas in skips.arch_variables)
    assert trainable.isdisjoint(alphas.path for alphas in skips.arch_variables)


def test_only_kernels_and_the_classifier_are_trainable(golden):
    names = {variable.name.rstrip("_0123456789") for variable in golden.model.trainable_variables}
    kernels = {"stem_kernel", "depthwise", "pointwise", "half", "kernel"}
    assert names == {*kernels, "gamma", "beta", "bias"}


def test_logits_have_a_column_per_class(skips, images):
    logits = skips(images)
    assert logits.shape == (4, 3)
    assert logits.dtype == tf.float32


@pytest.mark.parametrize(
    ("num_layers", "reductions"), [(3, [1, 2]), (5, [1, 3]), (11, [3, 7]), (17, [5, 11])]
)
def test_reductions_stand_at_one_and_two_thirds_and_double_the_channels(num_layers, reductions):
    model = pd.Supernet(uniform_space("skip_connect"), init_channels=4, num_layers=num_layers)
    assert [i for i, cell in enumerate(model.cells) if cell.reduction] == reductions
    channels = [cell.preprocess[0].channels for cell in model.cells]
    assert channels == [4 * 2 ** sum(i >= r for r in reductions) for i in range(num_layers)]


def test_older_inputs_are_halved_after_a_reduction():
    model = pd.Supernet(uniform_space("skip_connect"), init_channels=4, num_layers=5)
    strides = [[layer.stride for layer in cell.preprocess] for cell in model.cells]
    assert strides == [[1, 1], [1, 1], [2, 1], [1, 1], [2, 1]]


def test_cells_use_the_candidates_of_their_kind():
    masks = np.zeros((2, 14, 8), dtype=bool)
    masks[0, :, 3] = masks[1, :, 4] = True
    model = pd.Supernet(pd.SearchSpace(*masks), init_channels=4, num_layers=5)
    names = [cell.mixed.plan.edges[0].candidates[0].primitive for cell in model.cells]
    skip, convolution = "skip_connect", "sep_conv_3x3"
    assert names == [skip, convolution, skip, convolution, skip]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": "full"}, r"`space` must be a SearchSpace\. Received: 'full'"),
        ({"skip_dropout_rate": 1.0}, r"`skip_dropout_rate` must be in \[0, 1\)\. Received: 1\.0"),
        ({"skip_dropout_rate": -0.1}, r"`skip_dropout_rate` must be .* Received: -0\.1"),
        ({"num_layers": 2}, r"`num_layers` must be at least 3.* Received: 2"),
        ({"init_channels": 5}, r"`init_channels` must be even.* Received: 5"),
        ({"init_channels": 0}, r"`init_channels` must be even.* Received: 0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        pd.Supernet(**{"space": pd.SearchSpace.full(), **arguments})


def test_a_state_dict_with_a_missing_array_is_refused_and_changes_nothing():
    golden = golden_supernet(3)
    golden.restart()
    before = snapshot(golden.model.weights)
    state = {
        name.removeprefix("before/"): np.zeros_like(array)
        for name, array in golden.arrays.items()
        if name.startswith("before/")
    }
    del state["cells.4.preprocess1.op.1.weight"]
    with pytest.raises(ValueError, match=r"lacks 'cells\.4\.preprocess1\.op\.1\.weight'"):
        pd.load_torch_state_dict(golden.model, state)
    for variable, value in zip(golden.model.weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


@pytest.mark.parametrize("rate", [1.0, -0.5, float("nan")])
def test_a_rate_out_of_range_is_refused_while_training_too(rate):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        skip_supernet()[0].skip_dropout_rate = rate


def test_images_that_cannot_be_halved_twice_are_refused():
    with pytest.raises(ValueError, match="multiples of 4"):
        skip_supernet()[0](np.zeros((1, 6, 6, 3), np.float32))
