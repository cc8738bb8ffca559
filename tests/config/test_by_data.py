"""Settings that follow from the data: what is chosen, and that what was given stays."""

import dataclasses
import pathlib

import pytest

from pdarts_tf.config import SearchConfig, TrainConfig, by_data
from pdarts_tf.config.data_rules import CHOSEN, TrainingData, search_rules, train_rules

PHOTOS = TrainingData((150, 120, 90, 80, 60, 40), (96, 96, 3))
SMALL = TrainingData((300, 300), (32, 32, 1))
MANY = TrainingData((5_000,) * 10, (32, 32, 3))


def values(config, data, unset=CHOSEN, multiple=1):
    """{setting: value} of what is chosen."""
    return {each.name: each.value for each in by_data.chosen(config, unset, data, multiple)}


def test_many_images_as_cifar_has_them_get_the_settings_of_the_paper():
    for config in (SearchConfig(), TrainConfig()):
        for name, value in values(config, MANY).items():
            assert value == getattr(config, name), name


@pytest.mark.parametrize("data", [PHOTOS, SMALL, MANY])
def test_all_settings_with_a_rule_are_known(data):
    assert {*search_rules(data, 1), *train_rules(data, 1)} <= CHOSEN


@pytest.mark.parametrize("data", [PHOTOS, SMALL, MANY])
@pytest.mark.parametrize("config", [SearchConfig(), TrainConfig()])
def test_what_is_chosen_is_valid(config, data):
    choices = by_data.chosen(config, CHOSEN, data)
    assert by_data.with_choices(config, choices) != dataclasses.replace(config, seed=1)


def test_only_what_was_not_given_is_chosen():
    assert values(TrainConfig(), PHOTOS, unset={"epochs"}).keys() == {"epochs"}


def test_later_rules_follow_from_what_was_given():
    unset = {"arch_learning_rate"}
    few = SearchConfig(batch_size=90, epochs=11, warmup_epochs=10)  # 3 steps of the alphas
    many = SearchConfig(batch_size=1, epochs=25, warmup_epochs=10)  # 4,050
    rates = [values(config, PHOTOS, unset)["arch_learning_rate"] for config in (few, many)]
    assert rates == [6e-3, 6e-4]


def test_stages_are_as_deep_to_the_network_as_in_the_paper():
    network = values(TrainConfig(), MANY)["layers"]
    assert values(SearchConfig(), MANY)["layers"] == (5, 11, 17)
    assert network == 20


@pytest.mark.parametrize(
    ("counts", "size"), [((20, 20), 8), ((512,), 16), ((1_024,), 32), ((10**6,), 128)]
)
def test_an_epoch_has_at_least_32_steps_if_batches_can_be_so_small(counts, size):
    data = TrainingData(counts, (32, 32, 3))
    assert values(TrainConfig(), data)["batch_size"] == size


def test_very_few_images_still_make_two_batches():
    assert values(TrainConfig(), TrainingData((3, 3), (8, 8, 1)))["batch_size"] == 3


@pytest.mark.parametrize(("side", "auxiliary"), [(20, False), (24, True), (32, True)])
def test_an_auxiliary_head_needs_images_that_are_large_enough(side, auxiliary):
    data = TrainingData((500,) * 10, (side, side, 1))
    assert values(TrainConfig(), data)["auxiliary"] is auxiliary


@pytest.mark.parametrize(("multiple", "size"), [(3, 15), (8, 16), (40, 40)])
def test_devices_share_every_batch(multiple, size):
    data = TrainingData((512,), (32, 32, 3))
    assert values(TrainConfig(), data, multiple=multiple)["batch_size"] == size


def test_the_lines_give_every_flag_and_its_reason():
    choices = by_data.chosen(TrainConfig(), {"layers", "init_channels", "batch_size"}, PHOTOS)
    first, *others = by_data.lines(choices, PHOTOS)
    assert first == (
        "settings that follow from 540 training images of 96x96 pixels in 6 classes (flags "
        "override them):"
    )
    assert others == [
        "  --layers=8 --init_channels=16  few images, from which a large network learns no more",
        "  --batch_size=16  about 33 steps an epoch",
    ]


def test_nothing_chosen_is_not_mentioned():
    assert by_data.lines([], PHOTOS) == []


TABLE = {  # the columns of the table in docs/data.md
    "few": PHOTOS,
    "some": TrainingData((500,) * 10, (96, 96, 3)),
    "many small": MANY,
    "many large": TrainingData((5_000,) * 10, (224, 224, 3)),
}


def row(title):
    """The cells of a row of the table."""
    text = pathlib.Path("docs/data.md").read_text(encoding="utf-8")
    [line] = [line for line in text.splitlines() if line.startswith(f"| {title}")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("network: cells, channels", "{layers}, {init_channels}"),
        ("epochs; without progress", "{epochs}"),
        ("learning rate, label smoothing", "{learning_rate}, "),
    ],
)
def test_the_documented_table_is_what_trainings_get(title, shown):
    for data, cell in zip(TABLE.values(), row(title), strict=True):
        config = by_data.with_choices(TrainConfig(), by_data.chosen(TrainConfig(), CHOSEN, data))
        assert cell.startswith(shown.format(**dataclasses.asdict(config)))


def test_the_documented_table_is_what_searches_get():
    for i, data in enumerate(TABLE.values()):
        found = values(SearchConfig(), data)
        assert row("search: cells")[i].startswith(", ".join(map(str, found["layers"])))
        assert row("search: channels")[i] == str(found["init_channels"])
