"""Operations that refuse to run on a GPU when TensorFlow has been told to be deterministic.

TensorFlow has no list of them. Each has a message in TensorFlow's library, and these are all that
there are in version 2.21; `messages` reads them there.
"""

import mmap
import pathlib
import re
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf
from tensorflow.core.framework import node_def_pb2

LIBRARY = "libtensorflow_cc.so.2"

_PHRASES = re.compile(
    rb"deterministic GPU implementation|Determinism is not yet|would have been executed is not "
    rb"deterministic|do not yet have a deterministic|when determinism is enabled",
    re.IGNORECASE,
)


def _always(node: node_def_pb2.NodeDef) -> bool:
    del node
    return True


def _never(node: node_def_pb2.NodeDef) -> bool:
    del node
    return False


def _inference(node: node_def_pb2.NodeDef) -> bool:
    return not node.attr["is_training"].b


@dataclass(frozen=True)
class Refusal:
    """A message of TensorFlow's library.

    Args:
        message: The message, or the part of it that tells it from others.
        operations: Operations that it is about.
        refuses: Whether one of them with these attributes refuses in this version.
        reason: Source, where `refuses` is not always true.
    """

    message: str
    operations: tuple[str, ...]
    refuses: Callable[[node_def_pb2.NodeDef], bool] = _always
    reason: str = ""


_SEGMENTS = (
    "TensorFlow's release notes of 2.7 and 2.8: both have deterministic kernels, which it takes "
    "when it is told to be deterministic"
)
_UNSORTED = tuple(f"UnsortedSegment{name}" for name in ("Max", "Min", "Prod", "Sum"))
_SORTED = ("SegmentMean", "SegmentProd", "SegmentProdV2", "SegmentSum", "SegmentSumV2")
_SCATTER = tuple(f"Scatter{name}" for name in ("Add", "Div", "Max", "Min", "Mul", "Sub", "Update"))
_RESOURCE_SCATTER = tuple(f"Resource{name}" for name in _SCATTER)

REFUSALS = (
    Refusal("of AdjustContrast is not", ("AdjustContrast",)),
    Refusal("of AdjustContrastv2 is not", ("AdjustContrastv2",)),
    Refusal(
        "of DepthwiseConvBackpropFilter is not available with this version of cuDNN",
        ("DepthwiseConv2dNativeBackpropFilter",),
        _never,
        "tensorflow/tensorflow pull request 55657: deterministic with cuDNN 7.6.3 and later; "
        "TensorFlow 2.21 is built for cuDNN 9",
    ),
    Refusal("of ResizeNearestNeighborGrad is not", ("ResizeNearestNeighborGrad",)),
    Refusal("of SparseTensorDenseMatmulOp is not", ("SparseTensorDenseMatMul",)),
    Refusal(
        "of fused batch-norm backprop, when training is disabled",
        ("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3"),
        _inference,
        "the message itself",
    ),
    Refusal("DebugNumericSummaryV2 when tensor_debug_mode is CONC", ("DebugNumericSummaryV2",)),
    Refusal("DebugNumericSummaryV2 when tensor_debug_mode is FULL", ("DebugNumericSummaryV2",)),
    Refusal("for Dilation2DBackpropFilter", ("Dilation2DBackpropFilter",)),
    Refusal("for Dilation2DBackpropInput", ("Dilation2DBackpropInput",)),
    Refusal("for MaxPoolGradWithArgmax", ("MaxPoolGradWithArgmax",)),
    Refusal("for SVD of matrices with 1 column", ("Svd",)),
    Refusal("GPU implementation of Bincount", ("Bincount",)),
    Refusal("GPU implementation of DenseBincount", ("DenseBincount",)),
    Refusal("FakeQuantWithMinMaxVarsGradient", ("FakeQuantWithMinMaxVarsGradient",)),
    Refusal(
        "FakeQuantWithMinMaxVarsPerChannelGradient", ("FakeQuantWithMinMaxVarsPerChannelGradient",)
    ),
    Refusal("GPU implementation of Scatter ops with ref inputs", _SCATTER),
    Refusal("of CropAndResizeBackpropBoxes not", ("CropAndResizeGradBoxes",)),
    Refusal("of CropAndResizeBackpropImage not", ("CropAndResizeGradImage",)),
    Refusal("of sorted segment reduction op not", _SORTED, _never, _SEGMENTS),
    Refusal("of unsorted segment reduction op not", _UNSORTED, _never, _SEGMENTS),
    Refusal(
        "GPU MaxPool gradient ops do not yet have a deterministic XLA implementation",
        ("MaxPoolGrad", "MaxPoolGradV2"),
        _never,
        "the message itself: what XLA compiles only; tests/layers/test_pooling.py holds that no "
        "max pool's gradient is left to XLA",
    ),
    # Python's functions of these names take another path then.
    Refusal("of SoftmaxCrossEntropyWithLogits that", ("SoftmaxCrossEntropyWithLogits",)),
    Refusal(
        "of SparseSoftmaxCrossEntropyWithLogits that", ("SparseSoftmaxCrossEntropyWithLogits",)
    ),
    Refusal("Timestamp cannot be called", ("Timestamp",)),
    # The message begins with the operation; it stands beside the names of these kernels.
    Refusal(" do not yet have a deterministic implementation", _RESOURCE_SCATTER),
)


def refusal(node: node_def_pb2.NodeDef) -> str:
    """Returns the message by which a node refuses; "" if it does not.

    Example:

    >>> refusal(node_def_pb2.NodeDef(op="Svd"))
    'for SVD of matrices with 1 column'
    >>> refusal(node_def_pb2.NodeDef(op="MatMul"))
    ''
    """
    found = (r.message for r in REFUSALS if node.op in r.operations and r.refuses(node))
    return next(found, "")


def messages() -> set[str]:
    """Returns the messages in TensorFlow's library by which operations refuse determinism."""
    path = pathlib.Path(tf.sysconfig.get_lib(), LIBRARY)
    found = set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(b"eterminis")
        while place >= 0:
            start = content.rfind(b"\0", max(place - 500, 0), place) + 1
            end = content.find(b"\0", place)
            if start and _PHRASES.search(content, start, end):
                found.add(content[start:end].decode("ascii", "replace"))
            place = content.find(b"eterminis", end)
    return found
