"""Interface of a model that classifies images, choice of its version, and errors of its server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pdarts_tf.errors import InputError, RunError

# Names in the SavedModel that export.saved_model writes.
PREDICT, PREDICT_INPUT, PREDICT_OUTPUT = "predict_bytes", "image_bytes", "probabilities"
CLASSIFY, CLASSIFY_FEATURE = "classify", "image/encoded"


class Model(Protocol):
    """A model that classifies one encoded image per call.

    A server answers a request as a whole, so that a damaged image would take the other images of
    its request with it.
    """

    version: int

    def predict(self, image: bytes) -> list[float]:
        """Returns the probability of every class, from the signature predict_bytes.

        Raises:
            Refused: If the model does not accept this image.
            RunError: If there is no answer, or one without probabilities.
        """

    def classify(self, image: bytes) -> tuple[list[str], list[float]]:
        """Returns names and probabilities of all classes, from the signature classify.

        Raises:
            Refused: If the model does not accept this image.
            RunError: If there is no answer, or one without classes.
        """


class Refused(InputError):
    """Raised if the server rejects a request, such as one with a damaged image."""


@dataclass(frozen=True)
class VersionStatus:
    """Status of one version of a model on a server.

    Args:
        version: Its number.
        state: "AVAILABLE" if it is ready, or another state of TensorFlow Serving.
        message: Why it could not be loaded; empty otherwise.
    """

    version: int
    state: str
    message: str = ""

    def __str__(self) -> str:
        return f"version {self.version} is {self.state}" + (
            f" ({self.message})" if self.message else ""
        )


def choose_version(model: str, statuses: Sequence[VersionStatus], wanted: int | None) -> int:
    """Returns the version that all requests of one command go to.

    It is fixed before the first image, so that a version that the server loads meanwhile does not
    answer for some of them.

    Args:
        model: Name of the model on the server.
        statuses: All versions that the server knows.
        wanted: Version that must be ready, or None for the newest ready one.

    Raises:
        InputError: If another version is ready, but not the wanted one.
        RunError: If no version is ready.

    Example:

    >>> choose_version("m", [VersionStatus(1, "AVAILABLE"), VersionStatus(2, "LOADING")], None)
    1
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


@dataclass(frozen=True)
class Server:
    """A model on a server, as requests and error messages name it.

    Args:
        address: Such as "localhost:8500".
        model: Name of the model on the server.
        timeout: Seconds to wait for an answer.
    """

    address: str
    model: str
    timeout: float

    def error(self, status: str, message: str) -> InputError | RunError:
        """Returns the exception for a request without answer.

        Args:
            status: Name of a gRPC status code, or another description of the failure.
            message: Reason given by the server or the operating system.
        """
        match status:
            case "UNAVAILABLE":
                return RunError(
                    f"no TensorFlow Serving at {self.address}: {message}. Is it running, and are "
                    "--host, --port (default: 8501 for REST, 8500 for gRPC) and --grpc right?"
                )
            case "DEADLINE_EXCEEDED":
                return RunError(
                    f"no answer from {self.address} within {self.timeout:g} s; increase --timeout"
                )
            case "NOT_FOUND":
                return InputError(
                    f"the server has no model {self.model!r}: {message}. --model must be the name "
                    "that the server was started with (--model_name or models.config)"
                )
            case "INVALID_ARGUMENT" | "FAILED_PRECONDITION":
                return Refused(f"the server refuses the request: {message}")
        return RunError(f"the server at {self.address} failed ({status}): {message}")

    def unexpected(self, missing: str) -> RunError:
        """Returns the exception for an answer that lacks an expected field."""
        return RunError(
            f"the answer of {self.address} has no {missing}: is it TensorFlow Serving, with a "
            "model that export.saved_model wrote?"
        )
