"""Asks a TensorFlow Serving server what images show, and prints the five likeliest classes.

    python -m export.client --model=pdarts image.png …
    python -m export.client --model=pdarts --grpc --check=models/pdarts image.png …

Images are sent as they are, encoded, one a request: the model decodes, resizes and normalizes. If
the server refuses one, the others are answered all the same, and the command ends with 2. With
--check every answer is compared with that of the same version of the SavedModel run here.

Exit codes: 0 done; 2 wrong usage or input, images that the server refuses among it; 1 anything
else, such as no server, or answers that --check finds different.
"""

import math
import pathlib
from collections.abc import Callable

from absl import flags

from export import client_model, client_rest
from flags import client_flags, command_line
from pdarts_tf.errors import InputError, RunError
from pdarts_tf.startup import import_tensorflow

_REST_PORT = 8501
_GRPC_PORT = 8500
_SHOWN = 5

# Names and probabilities of all classes, in the same order.
Answer = tuple[list[str], list[float]]


def main(paths: list[str]) -> None:
    """Asks for each image; see the top of the module."""
    name = model_name()
    check_flags(paths)
    images = [(path, read_image(path)) for path in paths]
    model = connect(name)
    ask, ask_here = asker(model), asker_here(model.version)
    print(model)
    refusals, differences = [], []
    for path, image in images:
        try:
            answer = ask(image)
        except client_model.Refused as error:
            refusals.append(f"{path}: {one_line(error)}")
            print(f"{path}\n  no answer: {one_line(error)}")
            continue
        print(f"{path}\n{best_classes(answer)}")
        if ask_here is not None:
            differences.append(difference(answer, ask_here(image)))
    if ask_here is not None:
        report_check(differences)
    if refusals:
        raise InputError(f"images without answer: {len(refusals)} of {len(images)}. {refusals[0]}")


def model_name() -> str:
    """The model's name on the server."""
    if not client_flags.MODEL.value:
        raise InputError("name the model on the server: --model=NAME")
    return client_flags.MODEL.value


def check_flags(paths: list[str]) -> None:
    """Sees to it that the command line makes sense, before anything is read or sent."""
    if not paths:
        raise InputError("name at least one image: python -m export.client --model=NAME image.png")
    if client_flags.FORMAT.present and (
        client_flags.GRPC.value or client_flags.SIGNATURE.value != client_model.PREDICT
    ):
        raise InputError(
            "--format is for predict_bytes over REST: leave it out with --grpc and with "
            "--signature=classify"
        )
    if client_flags.CHECK.value is not None and not pathlib.Path(client_flags.CHECK.value).is_dir():
        raise InputError(
            f"--check must be the directory with the versions. Received: {client_flags.CHECK.value}"
        )


def read_image(path: str) -> bytes:
    """The content of a file; whether that is an image, the model finds out."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the image {path}: {error.strerror}") from error


def connect(model: str) -> client_model.Model:
    """The model of that name on the server that the flags name."""
    host, port = client_flags.HOST.value, client_flags.PORT.value
    version, timeout = client_flags.VERSION.value, client_flags.TIMEOUT.value
    if not client_flags.GRPC.value:
        form = client_flags.FORMAT.value
        return client_rest.RestModel(host, port or _REST_PORT, model, version, form, timeout)
    import_tensorflow()
    from export import client_grpc

    return client_grpc.GrpcModel(host, port or _GRPC_PORT, model, version, timeout)


def asker_here(version: int) -> Callable[[bytes], Answer] | None:
    """What answers as the server should, if --check asks for that."""
    if client_flags.CHECK.value is None:
        return None
    import_tensorflow()
    from export import client_check

    return asker(client_check.LocalModel(client_flags.CHECK.value, version))


def asker(model: client_model.Model) -> Callable[[bytes], Answer]:
    """What asks the model for names and probabilities, by the signature that the flags name.

    The signature predict_bytes names the likeliest class only; the names of all of them are asked
    for once, with the first image that the model takes.
    """
    if client_flags.SIGNATURE.value == client_model.CLASSIFY:
        return model.classify
    names: list[str] = []

    def ask(image):
        probabilities = model.predict(image)
        if not names:
            names.extend(model.classify(image)[0])
        return names, probabilities

    return ask


def best_classes(answer: Answer) -> str:
    """The likeliest classes, one a line."""
    ranked = sorted(zip(*answer, strict=True), key=lambda pair: pair[1], reverse=True)
    return "\n".join(f"  {probability:.4f}  {name}" for name, probability in ranked[:_SHOWN])


def difference(answer: Answer, expected: Answer) -> float:
    """The largest difference between the probabilities of two answers; NaN if one is not a number.

    Raises:
        RunError: the answers are for different classes.
    """
    if answer[0] != expected[0]:
        raise RunError(
            f"the server's classes are not those of --check={client_flags.CHECK.value}: "
            f"{answer[0][:_SHOWN]}, … and {expected[0][:_SHOWN]}, …"
        )
    return largest(abs(a - b) for a, b in zip(answer[1], expected[1], strict=True))


def largest(values) -> float:
    """The largest value, 0 of none; NaN if there is one, which `max` alone may pass over."""
    values = list(values)
    return math.nan if any(map(math.isnan, values)) else max(values, default=0.0)


def report_check(differences: list[float]) -> None:
    """Prints how far the answers were apart.

    Raises:
        RunError: by more than --tolerance.
    """
    found, tolerance = largest(differences), client_flags.TOLERANCE.value
    result = (
        f"largest difference to {client_flags.CHECK.value}: {found:.3g} "
        f"(images compared: {len(differences)})"
    )
    if not found <= tolerance:  # so that NaN is too much
        raise RunError(f"{result}, more than --tolerance={tolerance:g}")
    print(result)


def one_line(error: Exception) -> str:
    """The message of an error; TensorFlow's are of several lines."""
    return " ".join(str(error).split())


def run() -> None:
    """Runs the command line: flags, and images between them."""
    paths: list[str] = []

    def parse(argv):
        program, *images = flags.FLAGS(argv)
        paths.extend(images)
        return [program]

    command_line.run(lambda: main(paths), client_flags, parse)


if __name__ == "__main__":
    run()
