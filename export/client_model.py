"""What the ways to ask a model for classes have in common: interface, versions and errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pdarts_tf.errors import InputError, RunError

# Names in the SavedModel that export.saved_model writes.
PREDICT = "predict_bytes"
PREDICT_INPUT = "image_bytes"
PREDICT_OUTPUT = "probabilities"
CLASSIFY = "classify"
CLASSIFY_FEATURE = "image/encoded"


class Model(Protocol):
    """A model that answers for one encoded image at a time.

    One, since a server answers a request as a whole: a damaged image would take the others of its
    request with it.
    """

    version: int

    def predict(self, image: bytes) -> list[float]:
        """Returns the probability of every class, from the signature predict_bytes.

        Raises:
            Refused: the model does not take this image.
            RunError: there is no answer, or one that means nothing.
        """

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Returns names and probabilities of all classes, from the signature classify.

        Raises:
            Refused: the model does not take this image.
            RunError: there is no answer, or one that means nothing.
        """


class Refused(InputError):
    """The model does not take one image, or the server one request; others may well pass."""


@dataclass(frozen=True)
class VersionStatus:
    """What a server says of one version of a model; `message` is empty unless loading failed."""

    version: int
    state: str
    message: str = ""

    def __str__(self):
        return f"version {self.version} is {self.state}" + (
            f" ({self.message})" if self.message else ""
        )


def choose_version(model: str, statuses: Sequence[VersionStatus], wanted: int | None) -> int:
    """The version that all requests of one command go to.

    It is fixed before the first image, so that a version that the server loads meanwhile does not
    answer for some of them.

    Args:
        model: its name.
        statuses: of all its versions that the server knows.
        wanted: version that must be ready, or None for the newest ready one.

    Raises:
        InputError: the server has another version ready, but not the wanted one.
        RunError: it has none ready.
    """
    ready = [status.version for status in statuses if status.state == "AVAILABLE"]
    if wanted in ready or (wanted is None and ready):
        return max(ready) if wanted is None else wanted
    known = "; ".join(map(str, statuses)) or "it knows no version"
    if ready:
        raise InputError(f"model {model!r} has no version {wanted} ready on the server: {known}")
    raise RunError(
        f"model {model!r} has no version ready on the server: {known}. Try again when it has "
        "loaded one; the server's log says more"
    )


def unknown_model(model: str, message: str) -> InputError:
    """The error for a server that does not have the model."""
    return InputError(
        f"the server has no model {model!r}: {message}. --model must be the name that the server "
        "was started with (--model_name or models.config)"
    )


def unreachable(address: str, reason: str) -> RunError:
    """The error for a server that cannot be talked to."""
    return RunError(
        f"no TensorFlow Serving at {address}: {reason}. Is it running, and are --host, --port "
        "(REST 8501, gRPC 8500 by default) and --grpc right?"
    )


def too_slow(address: str, seconds: float) -> RunError:
    """The error for a server that lets one wait for too long."""
    return RunError(
        f"no answer from {address} within {seconds:g} s; --timeout=SECONDS waits for longer"
    )


def meaningless(address: str, expected: str) -> RunError:
    """The error for an answer without what it ought to contain."""
    return RunError(
        f"the answer of {address} has no {expected}: is TensorFlow Serving there, with a model "
        "that export.saved_model wrote?"
    )
