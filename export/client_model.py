"""Interface of a model that classifies images, choice of its version, and errors of its server."""

import ipaddress
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pdarts_tf.errors import InputError, RunError, printable, quoted
from pdarts_tf.exported_models import PREDICT as PREDICT
from pdarts_tf.exported_models import PREDICT_INPUT as PREDICT_INPUT
from pdarts_tf.exported_models import PREDICT_OUTPUT as PREDICT_OUTPUT

# Names in the SavedModel that export.saved_model writes.
CLASSIFY, CLASSIFY_FEATURE = "classify", "image/encoded"

MOST_BYTES = 16 * 2**20
"""The largest answer that is read; one with 20,000 classes has about 2 MB."""

_SHOWN_VERSIONS = 5


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
        return f"version {self.version} is {printable(self.state)}" + (
            f" ({_one_line(self.message)})" if self.message else ""
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
    known = "; ".join(map(str, statuses[:_SHOWN_VERSIONS])) or "it knows no version"
    if len(statuses) > _SHOWN_VERSIONS:
        known += f"; and {len(statuses) - _SHOWN_VERSIONS} more"
    if ready:
        raise InputError(f"model {model!r} has no version {wanted} ready on the server: {known}")
    raise RunError(
        f"model {model!r} has no version ready on the server: {known}. Try again when it has "
        "loaded one; the server's log says more"
    )


def network_address(host: str, port: int) -> str:
    """Returns HOST:PORT as URLs and gRPC's targets have it.

    Raises:
        InputError: If the host is no name or address.

    Example:

    >>> network_address("localhost", 8501), network_address("::1", 8500)
    ('localhost:8501', '[::1]:8500')
    """
    version = _ip_version(host)
    plain = all(each.isalnum() or each in "-._" for each in host)
    if not host or not (plain or version):
        raise InputError(
            "--host must be the name or address of a server, such as localhost, without scheme "
            f"and port, which --port is for. Received: {quoted(host)}"
        )
    return f"[{host}]:{port}" if version == 6 else f"{host}:{port}"


def environment_proxy(host: str, schemes: Sequence[str]) -> str | None:
    """Returns the proxy that the environment names for a server, or None.

    Args:
        host: Name or address of the server. The loopback device needs no proxy, and a proxy on
            another machine would look for the server there.
        schemes: What the variables begin with that count, such as "http" for http_proxy.

    Returns:
        Its URL, or None for none.
    """
    if _is_here(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = next((proxies[scheme] for scheme in schemes if proxies.get(scheme)), None)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _is_here(host: str) -> bool:
    if _ip_version(host) is None:
        return host.rstrip(".").lower().split(".")[-1] == "localhost"
    address = ipaddress.ip_address(host)
    return address.is_loopback or address.is_unspecified


def _ip_version(host: str) -> int | None:
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


def _one_line(message: str | None) -> str:
    """Returns a server's message, which may have several lines and anything in them."""
    return printable(" ".join((message or "").split())) or "no reason is given"


@dataclass(frozen=True)
class Server:
    """A model on a server, as requests and error messages name it.

    Args:
        address: Such as "localhost:8500".
        model: Name of the model on the server.
        timeout: Seconds that an answer may take.
        proxy: URL of the proxy that requests go through, or None.
    """

    address: str
    model: str
    timeout: float
    proxy: str | None = None

    def __str__(self) -> str:
        if self.proxy is None:
            return self.address
        shown = printable(self.proxy.rpartition("@")[2])  # without name and password
        return (
            f"{self.address} (through the proxy {shown}, which the environment names; no_proxy "
            "excepts servers)"
        )

    def error(self, status: str, message: str | None) -> InputError | RunError:
        """Returns the exception for a request without answer.

        Args:
            status: Name of a gRPC status code, or another description of the failure.
            message: Reason given by the server or the operating system.
        """
        reason = _one_line(message)
        match status:
            case "UNAVAILABLE":
                return RunError(
                    f"no TensorFlow Serving at {self}: {reason}. Is it running, and are "
                    "--host, --port (default: 8501 for REST, 8500 for gRPC) and --grpc right?"
                )
            case "DEADLINE_EXCEEDED":
                return RunError(
                    f"no answer from {self} within {self.timeout:g} s; increase --timeout"
                )
            case "NOT_FOUND":
                return InputError(
                    f"the server has no model {self.model!r}: {reason}. --model must be the name "
                    "that the server was started with (--model_name or models.config)"
                )
            case "INVALID_ARGUMENT" | "FAILED_PRECONDITION":
                return Refused(f"the server refuses the request: {reason}")
        return RunError(f"the server at {self} failed ({printable(status)}): {reason}")

    def unreadable(self, reason: str) -> RunError:
        """Returns the exception for an answer that is damaged or too large."""
        return RunError(
            f"the answer of {self} cannot be read: {_one_line(reason)}. Is it TensorFlow Serving, "
            "and does nothing on the way change what it answers?"
        )

    def unexpected(self, what: str) -> RunError:
        """Returns the exception for an answer of another form than that of an exported model.

        Args:
            what: What it has, such as "no predictions".
        """
        return RunError(
            f"the answer of {self} has {what}: is it TensorFlow Serving, with a "
            "model that export.saved_model wrote?"
        )
