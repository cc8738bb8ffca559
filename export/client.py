"""Classifies images by a TensorFlow Serving server, and prints the five most probable classes.

    python -m export.client --model=pdarts image.png …
    python -m export.client --model=pdarts --grpc --check=models/pdarts image.png …

Images are sent encoded, as they are, one per request: the model decodes, resizes and normalizes
them. If the server refuses an image, the others are classified all the same, and the exit code is
2. An answer that is none of an exported model ends the client with one line. With --check, every
answer is compared with that of the same version of the SavedModel in this process.

Exit codes: 0 done; 2 wrong usage or input, including images that the server refuses; 1 anything
else, such as no server, or answers that differ under --check.
"""

import math
import os
import pathlib
from collections.abc import Callable, Iterable

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from export import client_model, client_rest
from flags import client_flags, command_line
from pdarts_tf.errors import InputError, RunError, printable, quoted
from pdarts_tf.prediction import image_files
from pdarts_tf.startup import import_tensorflow
from pdarts_tf.streams import show

_REST_PORT = 8501
_GRPC_PORT = 8500
_SHOWN = 5
_LONGEST = 86_400  # seconds

# Names and probabilities of all classes, in the same order.
Answer = tuple[list[str], list[float]]


def main(paths: list[str]) -> None:
    """Classifies every image and prints the answers.

    Args:
        paths: Image files, the positional arguments of the command line.
    """
    name = client_flags.MODEL.value or ""
    check_flags(name, paths)
    images = [(path, read_image(path)) for path in paths]
    model = connect(name)
    ask, ask_here = asker(model), local_asker(model.version)
    show(str(model))
    refusals, differences = [], []
    for path, image in images:
        try:
            answer = ask(image)
        except client_model.Refused as error:
            refusals.append(f"{printable(path)}: {error}")
            show(f"{printable(path)}\n  no answer: {error}")
            continue
        show(f"{printable(path)}\n{best_classes(answer)}")
        if ask_here is not None:
            differences.append(difference(answer, ask_here(image)))
    if ask_here is not None:
        report_check(differences)
    if refusals:
        raise InputError(f"images without answer: {len(refusals)} of {len(images)}. {refusals[0]}")


def check_flags(model: str, paths: list[str]) -> None:
    """Checks the command line before anything is read or sent.

    Raises:
        InputError: If an argument is missing, or some do not go together.
    """
    if not model:
        raise InputError("name the model on the server: --model=NAME")
    if not paths:
        raise InputError("name at least one image: python -m export.client --model=NAME image.png")
    if client_flags.FORMAT.present and (
        client_flags.GRPC.value or client_flags.SIGNATURE.value != client_model.PREDICT
    ):
        raise InputError(
            "--format is for predict_bytes over REST: leave it out with --grpc and with "
            "--signature=classify"
        )
    try:
        model.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"--model must be UTF-8 text. Received: {quoted(model)}") from error
    if not client_flags.TIMEOUT.value <= _LONGEST:  # so that NaN is too long
        raise InputError(
            f"--timeout must be at most {_LONGEST} seconds. Received: {client_flags.TIMEOUT.value}"
        )
    if client_flags.CHECK.value is not None and not pathlib.Path(client_flags.CHECK.value).is_dir():
        raise InputError(
            "--check must be the directory that contains the versions. Received: "
            f"{quoted(client_flags.CHECK.value)}"
        )


def read_image(path: str) -> bytes:
    """Reads a file without decoding it, which is left to the model.

    Raises:
        InputError: If the file cannot be read, or is larger than any image.
    """
    try:
        return image_files.read_image(path)
    except InputError as error:
        raise InputError(f"cannot read the image {printable(path)}: {error}") from error


def connect(model: str) -> client_model.Model:
    """Returns the model of that name on the server that the flags name.

    Raises:
        InputError: If --grpc is given, and the packages that it needs are not installed.
    """
    host, port = client_flags.HOST.value, client_flags.PORT.value
    version, timeout = client_flags.VERSION.value, client_flags.TIMEOUT.value
    if not client_flags.GRPC.value:
        return client_rest.RestModel(
            host,
            port or _REST_PORT,
            model,
            version=version,
            request_format=client_flags.FORMAT.value,
            timeout=timeout,
        )
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # native code logs beside the one line
    import_tensorflow()
    try:
        from export import client_grpc
    except ImportError as error:
        raise InputError("--grpc needs the extra: pip install 'pdarts-tf[serving]'") from error
    return client_grpc.GrpcModel(host, port or _GRPC_PORT, model, version=version, timeout=timeout)


def local_asker(version: int) -> Callable[[bytes], Answer] | None:
    """Returns the function that classifies an image in this process; None without --check."""
    if client_flags.CHECK.value is None:
        return None
    import_tensorflow()
    from export import client_check

    return asker(client_check.LocalModel(client_flags.CHECK.value, version))


def asker(model: client_model.Model) -> Callable[[bytes], Answer]:
    """Returns the function that classifies an image by the signature that the flags name.

    The signature predict_bytes names the most probable class only. The names of all classes are
    requested once, with the first image that the model accepts.
    """
    if client_flags.SIGNATURE.value == client_model.CLASSIFY:
        return model.classify
    names: list[str] = []

    def ask(image: bytes) -> Answer:
        probabilities = model.predict(image)
        if not names:
            names.extend(model.classify(image)[0])
        if len(names) != len(probabilities):
            raise RunError(
                f"{model} has {len(names)} classes by its signature {client_model.CLASSIFY}, and "
                f"{len(probabilities)} probabilities by {client_model.PREDICT}: is it a model that "
                "export.saved_model wrote?"
            )
        return names, probabilities

    return ask


def best_classes(answer: Answer) -> str:
    """Returns the most probable classes, one per line."""
    ranked = sorted(zip(*answer, strict=True), key=lambda pair: pair[1], reverse=True)
    shown = ranked[:_SHOWN]
    return "\n".join(f"  {probability:.4f}  {printable(name)}" for name, probability in shown)


def difference(answer: Answer, expected: Answer) -> float:
    """Returns the largest difference between the probabilities of two answers.

    Raises:
        RunError: If the answers are for different classes.
    """
    if answer[0] != expected[0]:
        raise RunError(
            f"the server's classes are not those of --check={client_flags.CHECK.value}: "
            f"{quoted(answer[0])} and {quoted(expected[0])}"
        )
    return largest(abs(a - b) for a, b in zip(answer[1], expected[1], strict=True))


def largest(values: Iterable[float]) -> float:
    """Returns the largest value, 0 if there is none; NaN, which `max` may skip, is the largest."""
    values = list(values)
    return math.nan if any(map(math.isnan, values)) else max(values, default=0.0)


def report_check(differences: list[float]) -> None:
    """Prints the largest difference between the answers.

    Raises:
        RunError: If it exceeds --tolerance.
    """
    found, tolerance = largest(differences), client_flags.TOLERANCE.value
    result = (
        f"largest difference to {client_flags.CHECK.value}: {found:.3g} "
        f"(images compared: {len(differences)})"
    )
    if not found <= tolerance:  # so that NaN is too much
        raise RunError(f"{result}, more than --tolerance={tolerance:g}")
    show(result)


if __name__ == "__main__":
    command_line.run(main, client_flags, takes_arguments=True)
