"""NVIDIA GPUs of this machine, as nvidia-smi lists them, and why TensorFlow may list none.

nvidia-smi comes with every driver. NVML's Python package would give the same numbers for one more
dependency, and TensorFlow tells how much memory it has taken, but neither how much there is nor how
much is free.
"""

import ctypes
import functools
import importlib.util
import os
import pathlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

MIN_DRIVER = (525, 60, 13)
"""The first driver that runs CUDA 12 (NVIDIA: CUDA Compatibility, minor version compatibility)."""

MIB = 2**20
DRIVER_FILE = pathlib.Path("/proc/driver/nvidia/version")
LIBCUDA = "libcuda.so.1"  # the driver's own; containers get it from their host
# Without one of these TensorFlow 2.21 lists no GPU.
CUDA_LIBRARIES = (
    "libcudart.so.12",
    "libcublas.so.12",
    "libcublasLt.so.12",
    "libcudnn.so.9",
    "libcufft.so.11",
    "libcusolver.so.11",
    "libcusparse.so.12",
)
_QUERY = ("--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits")
_PATIENCE = 30.0  # seconds; without persistence mode a driver first has to wake its GPUs
_NONE = ("", "-1", "NoDevFiles")  # values of CUDA_VISIBLE_DEVICES that name no GPU


@dataclass(frozen=True)
class GpuCard:
    """A GPU as nvidia-smi lists it.

    Args:
        index: Its number in the order of PCI buses.
        uuid: Such as "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6".
        name: Such as "Tesla P100-PCIE-16GB".
        total: Bytes of its memory.
        free: Bytes of it that nothing has taken.
    """

    index: int
    uuid: str
    name: str
    total: int
    free: int


def parse_cards(listing: str) -> tuple[GpuCard, ...]:
    """Returns the GPUs in the output of nvidia-smi; those whose memory it does not tell are absent.

    >>> parse_cards("0, GPU-a, Tesla T4, 2, 1\\n1, GPU-b, Orin, [N/A], [N/A]\\n")
    (GpuCard(index=0, uuid='GPU-a', name='Tesla T4', total=2097152, free=1048576),)
    """
    rows = [[word.strip() for word in line.split(",")] for line in listing.splitlines()]
    return tuple(
        GpuCard(int(row[0]), row[1], row[2], int(row[3]) * MIB, int(row[4]) * MIB)
        for row in rows
        if len(row) == 5 and all(row[i].isdecimal() for i in (0, 3, 4))
    )


@functools.cache
def cards() -> tuple[GpuCard, ...]:
    """Returns the GPUs as they were when this was first called; none without nvidia-smi.

    `configure` calls it before TensorFlow takes memory: what is free then is what a run can have,
    while later its own memory counts as taken, most of which TensorFlow never gives back.
    """
    return parse_cards(_output("nvidia-smi", *_QUERY))


def _output(*command: str) -> str:
    """Returns what a command prints; nothing if it is not there or fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def cards_of(
    names: Sequence[str], listed: Sequence[GpuCard], visible: str | None, order: str | None
) -> tuple[GpuCard, ...] | None:
    """Returns the card of every GPU that TensorFlow lists, or None if that cannot be told.

    Args:
        names: TensorFlow's names of the GPUs, in its order.
        listed: All cards of the machine.
        visible: Value of CUDA_VISIBLE_DEVICES: indices or the beginnings of UUIDs; None if unset.
        order: Value of CUDA_DEVICE_ORDER; None if unset.

    Example:

    >>> two = GpuCard(0, "GPU-a", "T4", 9, 5), GpuCard(1, "GPU-b", "T4", 9, 7)
    >>> [card.free for card in cards_of(["T4"], two, visible="1", order=None)]
    [7]
    """
    if any("MIG" in name.split() for name in names):  # a part of a card, whose memory is not listed
        return None
    seen = _visible(listed, visible, order)
    if len({card.name for card in seen}) == 1:
        return tuple(seen[: len(names)]) if len(names) <= len(seen) else None
    # Cards of several kinds: CUDA puts the fastest first, so only names tell which is which.
    found = []
    for name in names:
        card = next((card for card in seen if card.name == name and card not in found), None)
        if card is None:
            return None
        found.append(card)
    return tuple(found)


def _visible(listed: Sequence[GpuCard], visible: str | None, order: str | None) -> list[GpuCard]:
    """Returns the cards that CUDA_VISIBLE_DEVICES names, as far as indices can be told."""
    if visible is None:
        return list(listed)
    words = [word.strip() for word in visible.split(",")]
    if all(word.startswith("GPU-") for word in words):
        return [card for word in words for card in listed if card.uuid.startswith(word)]
    equal = len({card.name for card in listed}) == 1
    if equal or order == "PCI_BUS_ID":
        return [card for word in words for card in listed if str(card.index) == word]
    return list(listed)


@dataclass(frozen=True)
class Found:
    """Findings about a machine on which TensorFlow lists no GPU.

    Args:
        driver: Version of the NVIDIA driver; None if there is none.
        visible: Value of CUDA_VISIBLE_DEVICES; None if unset.
        missing: Names of the libraries that cannot be opened.
    """

    driver: str | None = None
    visible: str | None = None
    missing: tuple[str, ...] = ()


def trouble(found: Found) -> str | None:
    """Returns why the GPUs of a machine are not used, and what to do; None if it has none.

    >>> trouble(Found(driver="470.57.02"))
    'the NVIDIA driver 470.57.02 is too old for CUDA 12: install 525.60.13 or newer'
    """
    if found.driver is None:
        return None
    if found.visible is not None and found.visible.split(",")[0].strip() in _NONE:
        return (
            f"CUDA_VISIBLE_DEVICES={found.visible} hides the GPUs of this machine: unset it to use "
            "them"
        )
    if is_too_old(found.driver):
        return (
            f"the NVIDIA driver {found.driver} is too old for CUDA 12: install "
            f"{'.'.join(map(str, MIN_DRIVER))} or newer"
        )
    if LIBCUDA in found.missing:
        return (
            f"the driver's {LIBCUDA} is missing: start a container with its GPUs, such as docker "
            "run --gpus all; elsewhere install the driver again"
        )
    if found.missing:
        return (
            f"CUDA's libraries are missing ({', '.join(found.missing)}): pip install "
            "'pdarts-tf[gpu]', or make setup GPU=1 in a checkout"
        )
    if found.visible is not None:
        return (
            f"TensorFlow finds none of the GPUs in CUDA_VISIBLE_DEVICES={found.visible}: name "
            "those that nvidia-smi --list-gpus shows"
        )
    return (
        f"TensorFlow lists no GPU, though driver {found.driver} and CUDA's libraries are there: it "
        "needs a compute capability of 6.0 or higher, and says more with python -c "
        "'import tensorflow as tf; tf.config.list_physical_devices()'"
    )


def is_too_old(driver: str) -> bool:
    """Returns whether a driver cannot run CUDA 12.

    >>> is_too_old("525.60.13"), is_too_old("525.60.11")
    (False, True)
    """
    return tuple(map(int, driver.split("."))) < MIN_DRIVER


def why_none() -> str | None:
    """Returns `trouble` of this machine; call it where TensorFlow lists no GPU."""
    driver = _driver_version()
    if driver is None:
        return None
    names = (LIBCUDA, *CUDA_LIBRARIES)
    missing = tuple(name for name in names if not _can_be_opened(name))
    return trouble(Found(driver, os.environ.get("CUDA_VISIBLE_DEVICES"), missing))


def why_unusable(error: str) -> str:
    """Returns why TensorFlow cannot use the GPUs that it lists, and what to do.

    Args:
        error: Message of its error.
    """
    driver = _driver_version()
    reason = error.splitlines()[0] if error else "its error has no message"
    if driver is not None and is_too_old(driver):
        reason = str(trouble(Found(driver)))
    return f"TensorFlow cannot use the GPUs: {reason}; CUDA_VISIBLE_DEVICES=-1 runs on the CPU"


def _driver_version() -> str | None:
    try:
        text = DRIVER_FILE.read_text("utf-8")
    except OSError:  # no driver, or one without this file, as on WSL
        text = _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    version = re.search(r"\b\d+\.\d+(\.\d+)?\b", text)
    return None if version is None else version[0]


def _can_be_opened(name: str) -> bool:
    """Returns whether TensorFlow can open a library: that of a wheel, or one of the system."""
    spec = importlib.util.find_spec("tensorflow")
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    if any(any(pathlib.Path(each).parent.glob(f"nvidia/*/lib/{name}")) for each in folders):
        return True
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
