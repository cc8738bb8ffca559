"""Layout of TensorBoard's pages: names of curves, charts of several, the table of runs."""

import dataclasses
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as custom_scalar
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.util import tensor_util

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.settings import Settings, shown
from pdarts_tf.search_space import CELLS, edge_nodes
from pdarts_tf.tensorboard.heat_map import node_name

TAGS = {
    "stage": "schedule/stage",
    "loss": "loss/weights",
    "arch_loss": "loss/alphas",
    "valid_loss": "loss/validation",
    "test_loss": "loss/test",
    "accuracy": "accuracy/weights",
    "arch_accuracy": "accuracy/alphas",
    "valid_accuracy": "accuracy/validation",
    "valid_top5": "accuracy/validation_top5",
    "test_accuracy": "accuracy/test",
    "test_top5": "accuracy/test_top5",
    "learning_rate": "schedule/learning_rate",
    "skip_dropout_rate": "schedule/skip_dropout_rate",
    "drop_path_rate": "schedule/drop_path_rate",
    "weight_grad_norm": "gradient_norm/weights",
    "arch_grad_norm": "gradient_norm/alphas",
    "entropy_normal": "alphas/entropy_normal",
    "entropy_reduce": "alphas/entropy_reduce",
    "skip_connects": "alphas/skip_connects",
    "images_per_second": "speed/images_per_second",
}
"""Where each value of an epoch's records appears."""

_COMMANDS = {SearchConfig: "search", TrainConfig: "train"}


def entropy_tag(cell: str, edge: int) -> str:
    """Returns where the entropy of an edge appears.

    >>> entropy_tag("normal", 1)
    'entropy_normal/0←c_{k-1}'
    """
    source, target = edge_nodes()[edge]
    return f"entropy_{cell}/{node_name(target)}←{node_name(source)}"


def layout(command: str) -> Summary:
    """Returns the charts of the custom scalars of a search or a training: related curves in one."""
    categories = {
        "Progress": {
            "Loss": [r"loss/.*"],
            "Accuracy": [r"accuracy/.*"],
            "Gradient norms": [r"gradient_norm/.*"],
        }
    }
    if command == "search":
        categories |= {
            "Architecture, by stage": {
                "Skip-connects of the normal cell, and the stage": [
                    r"alphas/skip_connects",
                    r"schedule/stage",
                ],
                "Mean entropy of the edges (nats)": [r"alphas/entropy_.*"],
                "Skip dropout, and the learning rate of the weights": [
                    r"schedule/skip_dropout_rate",
                    r"schedule/learning_rate",
                ],
            }
        }
        for cell, name in zip(CELLS, ("normal", "reduction"), strict=True):
            categories[f"Entropy of the edges of the {name} cell (nats)"] = {
                f"into node {node}": [rf"entropy_{cell}/{node}←.*"] for node in range(4)
            }
    content = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=category,
                chart=[
                    layout_pb2.Chart(
                        title=title, multiline=layout_pb2.MultilineChartContent(tag=tags)
                    )
                    for title, tags in charts.items()
                ],
            )
            for category, charts in categories.items()
        ]
    )
    summary = Summary()
    summary.value.add(
        tag=custom_scalar.CONFIG_SUMMARY_TAG,
        metadata=custom_scalar.create_summary_metadata(),
        tensor=tensor_util.make_tensor_proto(content.SerializeToString(), dtype=np.object_),
    )
    return summary


def table_row(config: Settings, run: str, time: float) -> Summary:
    """Returns the settings of a run for the table of runs.

    Args:
        config: Its settings.
        run: Its name, which no other run has: rows of one name would be averaged.
        time: When it has begun, in seconds since 1970.

    Which columns there are is left to TensorBoard, which then shows first those that differ between
    runs, and lets strings be chosen from.
    """
    values = {each.name: getattr(config, each.name) for each in dataclasses.fields(config)}
    row = {name: value if _is_plain(value) else shown(value) for name, value in values.items()}
    return hparams_pb({"command": command_of(config)} | row, trial_id=run, start_time_secs=time)


def table_row_end(time: float) -> Summary:
    """Returns what says that a run has ended, having measured its last epoch at a time."""
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time)
    content = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    summary = Summary()
    summary.value.add(
        tag=hparams.SESSION_END_INFO_TAG,
        metadata=hparams.create_summary_metadata(content),
        tensor=hparams.NULL_TENSOR,
    )
    return summary


def command_of(config: Settings) -> str:
    """Returns "search" or "train"."""
    return _COMMANDS[type(config)]


def _is_plain(value: Any) -> bool:
    """Returns whether the table has a type for a value; None and lists are shown as text."""
    return isinstance(value, bool | int | float | str)
