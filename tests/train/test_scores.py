"""Stored weights of a training that goes on: those of its epochs, or one line."""

import numpy as np
import pytest

from pdarts_tf.runs import checkpoint
from pdarts_tf.runs.checkpoint import CheckpointError
from pdarts_tf.train.scores import check_stored_weights, epochs_since_best

RECORDS = [
    {"epoch": 1, "valid_accuracy": 0.9, "valid_loss": 0.5},
    {"epoch": 2, "valid_accuracy": 0.8, "valid_loss": 0.6},
]
WITHOUT_VALIDATION = [{"epoch": 1}, {"epoch": 2}]


def store(path, **epochs):
    """Writes weights of these epochs."""
    for name, epoch in epochs.items():
        data = checkpoint.archive({"x": np.zeros(1)}, {"epochs": epoch})
        (path / f"weights_{name}.npz").write_bytes(data)


@pytest.mark.parametrize(
    ("records", "epochs"),
    [
        ([], {}),
        (RECORDS, {"last": 2, "best": 1}),
        (RECORDS, {"last": 3, "best": 3}),  # killed between the weights and the checkpoint
        (WITHOUT_VALIDATION, {"last": 2}),
    ],
)
def test_weights_of_the_epochs_are_there(tmp_path, records, epochs):
    store(tmp_path, **epochs)
    check_stored_weights(tmp_path, records)


@pytest.mark.parametrize(
    ("records", "epochs", "lost"),
    [
        (RECORDS, {"last": 2}, r"weights_best\.npz of epoch 1 is lost; bring it back from a copy"),
        (RECORDS, {"best": 1}, r"weights_last\.npz of epoch 2 is lost"),
        (RECORDS, {"last": 1, "best": 1}, r"weights_last\.npz of epoch 2 is lost"),
        (WITHOUT_VALIDATION, {"last": "2"}, r"weights_last\.npz of epoch 2 is lost"),
    ],
)
def test_lost_weights_are_one_line(tmp_path, records, epochs, lost):
    store(tmp_path, **epochs)
    with pytest.raises(CheckpointError, match=lost):
        check_stored_weights(tmp_path, records)


def test_damaged_weights_are_one_line(tmp_path):
    store(tmp_path, last=2, best=1)
    (tmp_path / "weights_best.npz").write_bytes(b"PK")
    with pytest.raises(CheckpointError, match=r"weights_best\.npz is damaged"):
        check_stored_weights(tmp_path, RECORDS)


@pytest.mark.parametrize(
    ("accuracies", "losses", "expected"),
    [
        ([], [], 0),
        ([0.5], [1.0], 0),
        ([0.5, 0.4, 0.4], [1.0, 0.1, 0.1], 2),
        ([0.5, 0.5, 0.5], [1.0, 0.9, 0.9], 1),
    ],
)
def test_epochs_since_the_best_are_counted(accuracies, losses, expected):
    records = [
        {"epoch": epoch, "valid_accuracy": accuracy, "valid_loss": loss}
        for epoch, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True), 1)
    ]
    assert epochs_since_best(records) == expected
