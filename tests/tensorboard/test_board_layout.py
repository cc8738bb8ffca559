"""The arrangement: charts find their curves, and the table of runs has all settings."""

import dataclasses
import re

import pytest
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import metadata as hparams

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.search_space import CELLS, NUM_EDGES
from pdarts_tf.tensorboard.board_layout import (
    TAGS,
    command_of,
    entropy_tag,
    layout,
    table_row,
    table_row_end,
)
from tests.boards import shown

CURVES = {*TAGS.values(), *(entropy_tag(cell, edge) for cell in CELLS for edge in range(NUM_EDGES))}


def charts(command):
    """{(category, chart): patterns of curves}."""
    (content,) = shown(layout(command)).values()
    return {
        (category.title, chart.title): list(chart.multiline.tag)
        for category in layout_pb2.Layout.FromString(content).category
        for chart in category.chart
    }


def matched(patterns):
    """The curves in a chart: TensorBoard looks for patterns at the beginning of tags."""
    return {tag for tag in CURVES for pattern in patterns if re.match(pattern, tag)}


@pytest.mark.parametrize("command", ["search", "train"])
def test_every_pattern_finds_curves(command):
    for chart, patterns in charts(command).items():
        for pattern in patterns:
            assert matched([pattern]), (chart, pattern)


def test_the_charts_of_a_search_show_its_curves_once():
    found = [tag for patterns in charts("search").values() for tag in matched(patterns)]
    assert len(found) == len(set(found))
    assert CURVES - set(found) == {"schedule/drop_path_rate", "speed/images_per_second"}


@pytest.mark.parametrize("cell", CELLS)
def test_edges_into_a_node_share_a_chart(cell):
    name = "normal" if cell == "normal" else "reduction"
    title = f"Entropy of the edges of the {name} cell (nats)"
    counts = [len(matched(charts("search")[title, f"into node {node}"])) for node in range(4)]
    assert counts == [2, 3, 4, 5]


def test_the_charts_of_a_training_are_its_progress():
    assert {category for category, _ in charts("train")} == {"Progress"}


def started(config, run="runs/demo", time=1.7e9):
    (value,) = table_row(config, run, time).value
    assert value.tag == hparams.SESSION_START_INFO_TAG
    return hparams.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)


@pytest.mark.parametrize("config", [SearchConfig(seed=7), TrainConfig()], ids=command_of)
def test_a_row_has_all_settings_and_the_command(config):
    row = started(config).hparams
    names = {each.name for each in dataclasses.fields(config)}
    assert row.keys() == names | {"command"}
    assert row["command"].string_value == command_of(config)
    assert row["seed"].number_value == config.seed


def test_a_row_shows_values_as_they_are_typed():
    row = started(SearchConfig(layers=(3, 4, 5), max_steps_per_epoch=None, flip=True)).hparams
    assert row["layers"].string_value == "3,4,5"
    assert row["max_steps_per_epoch"].string_value == "None"
    assert row["flip"].bool_value is True
    assert row["learning_rate"].number_value == SearchConfig().learning_rate


def test_a_row_begins_and_ends_when_the_run_does():
    assert started(SearchConfig(), time=5.0).start_time_secs == 5.0
    (value,) = table_row_end(9.0).value
    assert value.tag == hparams.SESSION_END_INFO_TAG
    end = hparams.parse_session_end_info_plugin_data(value.metadata.plugin_data.content)
    assert (end.end_time_secs, end.status) == (9.0, api_pb2.STATUS_SUCCESS)


def test_rows_are_named_after_runs():
    assert started(SearchConfig(), "runs/demo").group_name == "runs/demo"
