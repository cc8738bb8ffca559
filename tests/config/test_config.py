"""Settings of a search: the paper's as defaults, wrong combinations refused, JSON and back."""

import dataclasses
import json

import pytest

from pdarts_tf.config import CheckpointConfig, ConfigError, SearchConfig, StageConfig, TrainConfig
from pdarts_tf.config.settings import Settings, first_difference, setting
from pdarts_tf.primitives import PRIMITIVES

NAN, INFINITE = float("nan"), float("inf")


def test_defaults_are_the_stages_of_the_paper():
    assert SearchConfig().stages == (
        StageConfig(0, 5, 8, 16, 0.0, 3),
        StageConfig(1, 11, 5, 16, 0.4, 2),
        StageConfig(2, 17, 3, 16, 0.7, 0),
    )


def test_defaults_are_the_optimizers_of_the_paper():
    config = SearchConfig()
    assert (config.epochs, config.warmup_epochs, config.batch_size) == (25, 10, 96)
    assert (config.learning_rate, config.momentum, config.l2) == (0.025, 0.9, 3e-4)
    assert (config.arch_learning_rate, config.arch_l2) == (6e-4, 1e-3)
    assert (config.arch_beta_1, config.arch_beta_2) == (0.5, 0.999)
    assert (config.train_portion, config.max_skip_connects) == (0.5, 2)


def test_stages_may_be_any_number():
    config = SearchConfig(
        layers=(4, 6),
        candidates=(8, 4),
        skip_dropout_rates=(0.0, 0.5),
        add_channels=(0, 8),
    )
    assert config.stages == (StageConfig(0, 4, 8, 16, 0.0, 4), StageConfig(1, 6, 4, 24, 0.5, 0))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layers": (5, 11)}, "--layers has 2, --candidates has 3"),
        ({"add_channels": (0,)}, "--add_channels has 1"),
        ({"layers": (5, 11, 2)}, "--layers must be at least 3 cells. Received: 5,11,2"),
        ({"skip_dropout_rates": (0.0, 0.4, 1.5)}, "--skip_dropout_rates must be in [0, 1)"),
        ({"skip_dropout_rates": (-0.1, 0.4, 0.7)}, "--skip_dropout_rates must be in [0, 1)"),
        ({"skip_dropout_rates": (NAN, 0.4, 0.7)}, "--skip_dropout_rates must be in [0, 1)"),
        ({"candidates": (7, 5, 3)}, "--candidates must be 8 in the first stage"),
        ({"primitives": PRIMITIVES[:7]}, "--candidates must be 7 in the first stage"),
        ({"primitives": ("none", "skip_connect")}, "--primitives must be at least two"),
        ({"primitives": (*PRIMITIVES[:7], "dil_conv_9x9")}, "--primitives must be names out of"),
        ({"primitives": (*PRIMITIVES[:7], "none")}, "--primitives must be different names"),
        ({"candidates": (8, 5, 5)}, "--candidates must be fewer in every stage"),
        ({"candidates": (8, 5, 6)}, "--candidates must be fewer in every stage"),
        ({"candidates": (8, 5, 2)}, "--candidates must be at least 3"),
        ({"candidates": (8, 5, -1)}, "--candidates must be at least 3"),
        ({"init_channels": 15}, "--init_channels must be even and at least 2"),
        ({"init_channels": 0}, "--init_channels must be even and at least 2"),
        ({"add_channels": (0, 3, 6)}, "with --add_channels added. Received: 19"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"epochs": 10}, "--warmup_epochs must be less than --epochs=10"),
        ({"warmup_epochs": 25}, "--warmup_epochs must be less than --epochs=25"),
        ({"warmup_epochs": -1}, "--warmup_epochs must be at least 0"),
        ({"validation_epochs": -1}, "--validation_epochs must be at least 0"),
        ({"batch_size": 0}, "--batch_size must be at least 1"),
        ({"train_portion": 1.0}, "--train_portion must be between 0 and 1"),
        ({"train_portion": 0.0}, "--train_portion must be between 0 and 1"),
        ({"learning_rate": 0.0}, "--learning_rate must be positive and finite"),
        ({"learning_rate": NAN}, "--learning_rate must be positive and finite"),
        ({"arch_learning_rate": INFINITE}, "--arch_learning_rate must be positive and finite"),
        ({"clip_norm": 0.0}, "--clip_norm must be positive and finite"),
        ({"arch_clip_norm": -5.0}, "--arch_clip_norm must be positive and finite"),
        ({"momentum": 1.0}, "--momentum must be in [0, 1)"),
        ({"l2": -3e-4}, "--l2 must be finite and not negative"),
        ({"arch_l2": INFINITE}, "--arch_l2 must be finite and not negative"),
        ({"arch_beta_1": -0.5}, "--arch_beta_1 must be in [0, 1)"),
        ({"arch_beta_2": 1.0}, "--arch_beta_2 must be in [0, 1)"),
        ({"arch_order": "third"}, "--arch_order must be first or second. Received: third"),
        (
            {"arch_order": "second", "mixed_precision": "bfloat16"},
            "--arch_order must be first with --mixed_precision=bfloat16, since finite differences",
        ),
        ({"jit_compile": "all"}, "--jit_compile must be none or cells or step. Received: all"),
        (
            {"jit_compile": "cells", "sync_batch_norm": True},
            "--jit_compile must be none with --sync_batch_norm, since devices cannot communicate",
        ),
        (
            {"jit_compile": "step", "rematerialize": True},
            "--jit_compile must be none or cells with --rematerialize, since XLA computes only",
        ),
        ({"max_skip_connects": -1}, "--max_skip_connects must be at least 0"),
        ({"crop_padding": -4}, "--crop_padding must be at least 0"),
        ({"image_size": 0}, "--image_size must be at least 1"),
        ({"train_images_per_class": 0}, "--train_images_per_class must be at least 1"),
        ({"augmentation": "mixup"}, "--augmentation must be crop or resized_crop"),
        ({"color_jitter": (0.4, 0.4, 0.4)}, "--color_jitter must be four strengths"),
        ({"color_jitter": (-0.1, 0.4, 0.4, 0.2)}, "--color_jitter must be four strengths"),
        ({"color_jitter": (0.4, 0.4, 0.4, 0.6)}, "the last at most 0.5. Received: 0.4,0.4,0.4,0.6"),
        ({"max_steps_per_epoch": 0}, "--max_steps_per_epoch must be at least 1"),
        ({"image_size": 1_000_000}, "--image_size must be at most 8192. Received: 1000000"),
        ({"layers": (5, 11, 1_000_000)}, "--layers must be at most 200. Received: 5,11,1000000"),
        ({"init_channels": 10**6}, "--init_channels must be at most 1024"),
        ({"add_channels": (0, 0, 10**6)}, "--add_channels must be at most 1024"),
        ({"epochs": 10**9}, "--epochs must be at most 100000"),
        ({"samples": 10**6}, "--samples must be at most 1000"),
        ({"batch_size": 10**9}, "--batch_size must be at most 1048576"),
        ({"crop_padding": 10**9}, "--crop_padding must be at most 8192"),
        ({"train_images_per_class": 2**31}, "--train_images_per_class must be at most 2147483647"),
        ({"max_steps_per_epoch": 2**31}, "--max_steps_per_epoch must be at most 2147483647"),
        ({"max_skip_connects": 2**31}, "--max_skip_connects must be at most 2147483647"),
        ({"validation_epochs": 2**31}, "--validation_epochs must be at most 2147483647"),
        ({"seed": -1}, "--seed must be at least 0"),
        ({"seed": 2**63}, "--seed must be less than 2**63"),
    ],
    ids=str,
)
def test_wrong_values_are_refused_in_one_line_that_names_the_flag(wrong, message):
    with pytest.raises(ConfigError) as refused:
        SearchConfig(**wrong)
    assert message in str(refused.value)
    assert "Received: " in str(refused.value)
    assert "\n" not in str(refused.value)


def test_lists_without_stages_are_refused():
    with pytest.raises(ConfigError, match="one value per stage"):
        SearchConfig(layers=(), candidates=(), skip_dropout_rates=(), add_channels=())


def test_smallest_and_largest_values_are_accepted():
    SearchConfig(
        layers=(3,),
        candidates=(8,),
        skip_dropout_rates=(0.0,),
        add_channels=(0,),
        init_channels=2,
        epochs=1,
        warmup_epochs=0,
        validation_epochs=0,
        batch_size=1,
        max_skip_connects=0,
        crop_padding=0,
        seed=2**63 - 1,
    )


def test_settings_come_back_from_json():
    config = SearchConfig(dataset="cifar100", skip_dropout_rates=(0.1, 0.2, 0.3), image_size=16)
    assert SearchConfig.from_dict(json.loads(config.to_json())) == config


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_settings_of_another_version_are_refused(change):
    values = dataclasses.asdict(SearchConfig())
    if change == "missing":
        del values["momentum"]
    else:
        values["momentum_of_alphas"] = 0.9
    with pytest.raises(ConfigError, match="missing or unknown: momentum"):
        SearchConfig.from_dict(values)


@dataclasses.dataclass(frozen=True)
class Extended(Settings):
    """Settings of a program that has learned two things since its first runs."""

    epochs: int = setting(25, "Number of epochs.")
    order: str = setting("second", "Order of the step.", before="first")
    limit: int | None = setting(3, "Limit.", before=None)


def test_settings_recorded_before_one_existed_have_the_value_of_then():
    assert Extended.from_dict({"epochs": 5}) == Extended(epochs=5, order="first", limit=None)


def test_settings_recorded_since_one_exists_keep_their_value():
    values = {"epochs": 5, "order": "second", "limit": 1}
    assert Extended.from_dict(values) == Extended(epochs=5, order="second", limit=1)


def test_the_value_of_then_is_no_default():
    assert Extended() == Extended(order="second", limit=3)


def test_a_setting_that_all_runs_have_recorded_may_not_be_missing():
    with pytest.raises(ConfigError, match="missing or unknown: epochs"):
        Extended.from_dict({"order": "second"})


def test_a_search_recorded_before_there_was_a_second_order_is_of_first_order():
    values = json.loads(SearchConfig(seed=3).to_json())
    del values["arch_order"]
    assert SearchConfig.from_dict(values) == SearchConfig(seed=3, arch_order="first")


@pytest.mark.parametrize(("recorded", "mode"), [(False, "none"), (True, "cells")])
def test_a_run_recorded_when_compilation_was_a_boolean_is_the_same_run(recorded, mode):
    values = json.loads(SearchConfig(seed=3).to_json()) | {"jit_compile": recorded}
    assert SearchConfig.from_dict(values) == SearchConfig(seed=3, jit_compile=mode)


@pytest.mark.parametrize(
    ("mode", "cells", "step"),
    [("none", False, False), ("cells", True, False), ("step", False, True)],
)
def test_networks_are_told_what_xla_compiles(mode, cells, step):
    options = SearchConfig(jit_compile=mode).network_options
    assert (options["compile_cells"], options["compile_step"]) == (cells, step)


def test_json_with_a_wrong_value_is_refused():
    values = json.loads(SearchConfig().to_json()) | {"layers": [5, 11, 1]}
    with pytest.raises(ConfigError, match="--layers must be at least 3"):
        SearchConfig.from_dict(values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", float("inf")),
        ("epochs", True),
        ("flip", 1),
        ("l2", "3e-4"),
        ("layers", 5),
        ("layers", [5, 11.0, 17]),
        ("image_size", "large"),
        ("dataset", None),
    ],
)
def test_json_with_a_value_of_another_type_is_refused(name, value):
    values = json.loads(SearchConfig().to_json()) | {name: value}
    with pytest.raises(ConfigError, match=f"--{name} must be of type "):
        SearchConfig.from_dict(values)


def test_json_may_hold_whole_numbers_where_others_are_expected():
    values = json.loads(SearchConfig().to_json()) | {"clip_norm": 5, "image_size": 32}
    assert SearchConfig.from_dict(values) == SearchConfig(image_size=32)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layers": 1_000_000}, "--layers must be at most 200. Received: 1000000"),
        ({"layers": 2}, "--layers must be at least 3. Received: 2"),
        ({"init_channels": 10**6}, "--init_channels must be at most 1024"),
        ({"epochs": 10**9}, "--epochs must be at most 100000"),
        ({"batch_size": 10**9}, "--batch_size must be at most 1048576"),
        ({"cutout_length": 10**9}, "--cutout_length must be at most 8192"),
        ({"gradient_accumulation": 2**31}, "--gradient_accumulation must be at most 2147483647"),
        ({"max_macs": 0}, "--max_macs must be at least 1"),
        ({"rand_augment": -0.1}, "--rand_augment must be from 0 to 1"),
        ({"rand_augment": 1.1}, "--rand_augment must be from 0 to 1"),
        ({"rand_augment": NAN}, "--rand_augment must be from 0 to 1"),
        ({"mixup": -0.2}, "--mixup must be finite and not negative"),
        ({"mixup": INFINITE}, "--mixup must be finite and not negative"),
        ({"class_weights": "sqrt"}, "--class_weights must be none or balanced. Received: sqrt"),
        ({"early_stopping_epochs": -1}, "--early_stopping_epochs must be at least 0"),
        (
            {"early_stopping_epochs": 5, "validation_portion": 0.0},
            "--early_stopping_epochs must be 0 with --validation_portion=0",
        ),
        ({"max_latency_ms": 0.0}, "--max_latency_ms must be positive and finite"),
        ({"max_latency_ms": float("inf")}, "--max_latency_ms must be positive and finite"),
    ],
    ids=str,
)
def test_wrong_values_of_a_training_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**wrong)


def test_limits_of_networks_may_be_beyond_what_tensorflow_counts():
    assert TrainConfig(max_macs=10**12, max_parameters=10**10).max_macs == 10**12


@pytest.mark.parametrize("portion", [-0.1, 1.0, NAN])
def test_a_portion_for_validation_is_a_share(portion):
    with pytest.raises(ConfigError, match=r"--validation_portion must be in \[0, 1\)"):
        TrainConfig(validation_portion=portion)


def test_trainings_recorded_before_there_was_validation_had_none():
    values = json.loads(TrainConfig().to_json())
    del values["validation_portion"]
    assert TrainConfig.from_dict(values) == TrainConfig(validation_portion=0.0)


@pytest.mark.parametrize("kind", [SearchConfig, TrainConfig])
def test_runs_recorded_before_there_were_means_for_little_data_had_none(kind):
    new = {"class_weights", "rand_augment", "mixup", "early_stopping_epochs"}
    recorded = json.loads(kind().to_json())
    assert kind.from_dict({n: v for n, v in recorded.items() if n not in new}) == kind()


def test_first_difference_is_in_the_order_of_the_settings():
    config, other = SearchConfig(), SearchConfig(epochs=30, candidates=(8, 6, 4))
    assert first_difference(config, other) == ("candidates", (8, 5, 3), (8, 6, 4))


def test_equal_settings_have_no_difference():
    assert first_difference(SearchConfig(seed=3), SearchConfig(seed=3)) is None


def test_every_setting_has_a_help_text_of_one_sentence():
    for field in dataclasses.fields(SearchConfig):
        assert field.metadata["help"].endswith("."), field.name


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SearchConfig().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"checkpoint_every_minutes": -1.0}, "--checkpoint_every_minutes must be finite and not"),
        ({"checkpoint_every_minutes": float("nan")}, "Received: nan"),
        ({"checkpoint_every_steps": 0}, "--checkpoint_every_steps must be at least 1. Received: 0"),
        ({"keep_checkpoints": 0}, "--keep_checkpoints must be at least 1. Received: 0"),
    ],
    ids=str,
)
def test_intervals_of_checkpoints_are_checked(values, message):
    with pytest.raises(ConfigError, match=message):
        CheckpointConfig(**values)


def test_intervals_of_checkpoints_are_no_settings_of_a_run():
    names = {field.name for field in dataclasses.fields(CheckpointConfig)}
    for kind in (SearchConfig, TrainConfig):
        assert not names & {field.name for field in dataclasses.fields(kind)}


def test_values_do_not_drive_a_terminal():
    with pytest.raises(ConfigError, match=r"--stem must be .* Received: ci\\x1b\[2J$"):
        TrainConfig(stem="ci\x1b[2J")


def test_a_search_without_none_and_skip_connect_may_end_with_two_candidates():
    convolutions = ("sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7")
    config = SearchConfig(
        primitives=convolutions,
        layers=(3, 4),
        candidates=(3, 2),
        skip_dropout_rates=(0.0, 0.0),
        add_channels=(0, 0),
    )
    assert [stage.num_to_drop for stage in config.stages] == [1, 0]
    assert SearchConfig.from_dict(json.loads(config.to_json())) == config


def test_runs_from_before_the_setting_have_the_papers_primitives():
    values = json.loads(SearchConfig().to_json())
    del values["primitives"]
    assert SearchConfig.from_dict(values).primitives == PRIMITIVES
