"""GPUs as nvidia-smi lists them, which of them TensorFlow means, and why it may list none."""

import pytest

from pdarts_tf.training import gpus
from pdarts_tf.training.gpus import CUDA_LIBRARIES, LIBCUDA, Found, GpuCard, cards_of, trouble

GIB = 2**30
LISTING = """\
0, GPU-a1, NVIDIA GeForce GT 1030, 2048, 1500
1, GPU-b2, NVIDIA GeForce RTX 4080, 16376, 16000
2, GPU-b3, NVIDIA GeForce RTX 4080, 16376, 8000
"""
MIXED = gpus.parse_cards(LISTING)
EQUAL = MIXED[1:2] + tuple(
    GpuCard(i, f"GPU-c{i}", MIXED[1].name, 16 * GIB, i * GIB) for i in (2, 3)
)
SLOW, FAST = MIXED[0].name, MIXED[1].name
KERNEL = """\
NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.57.02  Tue Jul 13 16:14:05 UTC 2021
GCC version:  gcc version 9.3.0 (Ubuntu 9.3.0-17ubuntu1~20.04)
"""


def test_every_row_is_a_card():
    assert [card.index for card in MIXED] == [0, 1, 2]
    assert MIXED[1] == GpuCard(1, "GPU-b2", FAST, 16376 * 2**20, 16000 * 2**20)


@pytest.mark.parametrize(
    "text", ["", "No devices were found\n", "0, GPU-a, Orin, [N/A], [N/A]\n", "Failed: 1, 2\n"]
)
def test_other_rows_are_none(text):
    assert gpus.parse_cards(text) == ()


@pytest.mark.parametrize(
    ("names", "listed", "visible", "order", "indices"),
    [
        ([FAST], EQUAL, None, None, [1]),
        ([FAST, FAST], EQUAL, "3,1", None, [3, 1]),
        ([FAST], EQUAL, "GPU-c2", None, [2]),
        ([FAST], EQUAL, " GPU-c3 , GPU-c2", None, [3]),
        # CUDA's own order has the fastest card first, whatever its bus is.
        ([FAST, FAST, SLOW], MIXED, None, None, [1, 2, 0]),
        ([FAST], MIXED, "0", None, [1]),
        ([SLOW], MIXED, "0", "PCI_BUS_ID", [0]),
        ([FAST], MIXED, "2", "PCI_BUS_ID", [2]),
        ([FAST], MIXED, "GPU-b3", None, [2]),
    ],
)
def test_the_cards_of_tensorflows_gpus(names, listed, visible, order, indices):
    found = cards_of(names, listed, visible, order)
    assert found is not None
    assert [card.index for card in found] == indices


@pytest.mark.parametrize(
    ("names", "listed", "visible"),
    [
        ([FAST], (), None),
        ([FAST], EQUAL, "MIG-4f5a"),
        (["NVIDIA A100-SXM4-40GB MIG 1g.5gb"], EQUAL, None),
        (["NVIDIA H100"], MIXED, None),
        ([SLOW, SLOW], MIXED, None),
        ([FAST, FAST], EQUAL, "1"),
    ],
)
def test_cards_that_cannot_be_told_are_unknown(names, listed, visible):
    assert cards_of(names, listed, visible, None) is None


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Found(), None),
        (Found(visible="-1"), None),
        (Found("550.54.15", "-1"), "CUDA_VISIBLE_DEVICES=-1 hides the GPUs of this machine: unset"),
        (Found("470.57.02", ""), "CUDA_VISIBLE_DEVICES= hides the GPUs"),
        (
            Found("470.57.02", "0", CUDA_LIBRARIES),
            "the NVIDIA driver 470.57.02 is too old for CUDA 12: install 525.60.13 or newer",
        ),
        (Found("525.60.13", missing=(LIBCUDA,)), "libcuda.so.1 is missing: start a container with"),
        (
            Found("550.54.15", missing=("libcudnn.so.9",)),
            "CUDA's libraries are missing (libcudnn.so.9): pip install 'pdarts-tf[gpu]', or make",
        ),
        (Found("550.54.15", "7"), "none of the GPUs in CUDA_VISIBLE_DEVICES=7"),
        (Found("550.54.15"), "it needs a compute capability of 6.0 or higher"),
    ],
)
def test_why_no_gpu_is_used(found, line):
    said = trouble(found)
    if line is None:
        assert said is None
    else:
        assert said is not None
        assert line in said
        assert "\n" not in said


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with a driver that is too old, on whose PATH is nothing but a fake nvidia-smi."""
    (tmp_path / "version").write_text(KERNEL)
    monkeypatch.setattr(gpus, "DRIVER_FILE", tmp_path / "version")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def nvidia_smi(folder, body):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_the_driver_is_read_from_its_file(machine):
    assert gpus.why_none() == trouble(Found("470.57.02"))


def test_the_driver_is_asked_for_where_there_is_no_file(machine):
    (machine / "version").unlink()
    nvidia_smi(machine, "echo 470.82.01")
    assert gpus.why_none() == trouble(Found("470.82.01"))


def test_a_machine_without_a_driver_has_no_trouble(machine):
    (machine / "version").unlink()
    assert gpus.why_none() is None


def test_libraries_that_cannot_be_opened_are_named(machine):
    (machine / "version").write_text(KERNEL.replace("470.57.02", "550.54.15"))
    said = gpus.why_none()
    assert said is not None
    assert LIBCUDA in said or "CUDA's libraries are missing" in said


@pytest.mark.parametrize(
    ("driver", "reason"),
    [("470.57.02", "470.57.02 is too old for CUDA 12"), ("550.54.15", "cudaGetDevice() failed")],
)
def test_gpus_that_fail_are_explained(machine, driver, reason):
    (machine / "version").write_text(KERNEL.replace("470.57.02", driver))
    said = gpus.why_unusable("cudaGetDevice() failed. Status: invalid\nmore")
    assert reason in said
    assert said.endswith("; CUDA_VISIBLE_DEVICES=-1 runs on the CPU")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("body", "count"),
    [(f"printf '{LISTING}'".replace("\n", "\\n"), 3), ("exit 9", 0), ("echo text", 0)],
)
def test_cards_are_what_nvidia_smi_prints(machine, body, count):
    nvidia_smi(machine, body)
    gpus.cards.cache_clear()
    try:
        assert len(gpus.cards()) == count
    finally:
        gpus.cards.cache_clear()


def test_without_nvidia_smi_there_are_no_cards(machine):
    gpus.cards.cache_clear()
    try:
        assert gpus.cards() == ()
    finally:
        gpus.cards.cache_clear()
