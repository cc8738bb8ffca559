"""Writes an evaluation network as one file of plain Keras, which needs nothing of this project.

    python -m export.keras_code --run_dir=runs/train_digits_seed0 --output=cell_network.py
    python -m export.keras_code --genotype=PDARTS --layers=20 --output=cell_network.py

Of a training, the weights that count are written beside it, as cell_network.weights.h5. Existing
files are never overwritten. Exit codes: 0 done, 2 wrong usage or input, 1 anything else.
"""

import dataclasses
import math
import pathlib
from typing import Any

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from export.keras_source import NetworkSizes, TrainedWith, network_source
from flags import command_line, keras_code_flags
from pdarts_tf.config import TrainConfig
from pdarts_tf.errors import InputError, quoted
from pdarts_tf.genotype import Genotype, load_genotype
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.files import WriteError, write_whole
from pdarts_tf.runs.next_commands import read_training
from pdarts_tf.stems import check_image_size, stem_for

_IMAGE_SIZES = {"imagenet": 224}  # where none is given; 32 with other stems
_USUAL_SIZE = 32
_COLORS = 3


def main() -> None:
    """Writes the file, and prints what it has written."""
    run_dir, genotype = keras_code_flags.RUN_DIR.value, keras_code_flags.GENOTYPE.value
    if (run_dir is None) == (genotype is None):
        raise InputError(
            "expected --run_dir, the run directory of a training, or --genotype. "
            f"Received: --run_dir={run_dir} --genotype={genotype}"
        )
    path = output_path(keras_code_flags.OUTPUT.value)
    if run_dir is not None:
        _write_training(run_dir, path)
    if genotype is not None:
        _write_genotype(genotype, path)


def output_path(text: str | None) -> pathlib.Path:
    """Returns the path of a new file that Python can import.

    Args:
        text: Value of --output.

    Raises:
        InputError: If it is none, or the file or its weights exist.
    """
    path = pathlib.Path(text or "")
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise InputError(
            "expected --output, a file that Python can import, such as cell_network.py. "
            f"Received: {quoted(text)}"
        )
    if not path.parent.is_dir():
        raise InputError(
            f"--output must be in an existing directory. Received: {quoted(text)}; make it first"
        )
    for each in (path, weights_path(path)):
        if each.exists():
            raise InputError(f"{each} exists, and is never overwritten; choose another --output")
    return path


def weights_path(path: pathlib.Path) -> pathlib.Path:
    """Returns the path of the weights beside a file.

    >>> weights_path(pathlib.Path("cell_network.py")).name
    'cell_network.weights.h5'
    """
    return path.with_suffix(".weights.h5")


def _write_genotype(text_or_path: str, path: pathlib.Path) -> None:
    """Writes the network of a genotype, without importing TensorFlow."""
    genotype = load_genotype(text_or_path, keras_code_flags.MAX_SKIP_CONNECTS.value)
    stem = keras_code_flags.STEM.value
    size = keras_code_flags.IMAGE_SIZE.value or _IMAGE_SIZES.get(stem, _USUAL_SIZE)
    config = TrainConfig(  # which checks them
        genotype=str(genotype),
        layers=keras_code_flags.LAYERS.value,
        init_channels=keras_code_flags.INIT_CHANNELS.value,
        stem=stem,
        image_size=size,
    )
    try:
        check_image_size(size, size, stem_for(stem, (size, size)))
    except ValueError as error:
        raise InputError(str(error)) from error
    sizes = _sizes(config, (size, size, _COLORS), keras_code_flags.NUM_CLASSES.value)
    _write(path, network_source(genotype, sizes))
    print(f"Wrote {path}: {_summary(sizes)}, without weights")


def _write_training(run_dir: str, path: pathlib.Path) -> None:
    """Writes the network of a training, and its weights."""
    for flag in (*keras_code_flags.SIZES, keras_code_flags.MAX_SKIP_CONNECTS):
        if flag.present:
            raise InputError(f"--{flag.name} is that of the run: leave it out with --run_dir")
    config = read_training(run_dir, command_line.recipe_settings)
    stored = run_directory.stored_weights(run_dir, config)
    data = run_directory.stored_data(run_dir) or {}
    sizes = _sizes(config, data["image_shape"], len(data["class_names"]))
    source = network_source(Genotype.parse(config.genotype), sizes, _training(path, data))
    from pdarts_tf.training.runtime import configure

    configure()
    from export import keras_weights
    from pdarts_tf.train.stored_network import stored_network

    # The file computes in float32.
    plain_config = dataclasses.replace(config, mixed_precision="none", jit_compile="none")
    network = stored_network(plain_config, data, stored)
    plain, difference = keras_weights.trained_network(network, source, data)
    _write(weights_path(path), plain.weights_file())
    _write(path, source)
    print(f"Wrote {path}: {_summary(sizes)}, {plain.num_parameters:,} parameters")
    print(f"Wrote {weights_path(path)}, from {stored}")
    print(f"Its logits differ from the network's by {difference:.1e} at most.")


def _sizes(config: TrainConfig, image_shape: Any, num_classes: int) -> NetworkSizes:
    stem = stem_for(config.stem, image_shape)
    network = config.init_channels, config.layers, num_classes, stem
    return NetworkSizes(tuple(image_shape), *network)


def _training(path: pathlib.Path, data: Any) -> TrainedWith:
    if not all(math.isfinite(each) for each in (*data["mean"], *data["std"])):
        raise InputError(
            "expected the mean and the std of the run's data to be finite. "
            f"Received: {data['mean']} and {data['std']}"
        )
    return TrainedWith(weights_path(path).name, data["class_names"], data["mean"], data["std"])


def _summary(sizes: NetworkSizes) -> str:
    return f"images {'x'.join(map(str, sizes.image_shape))}, {sizes.num_classes} classes"


def _write(path: pathlib.Path, content: str | bytes) -> None:
    try:
        write_whole(path, content)
    except WriteError as error:
        raise InputError(
            f"{path} cannot be written ({error.__cause__}); choose another --output"
        ) from error


if __name__ == "__main__":
    command_line.run(main, keras_code_flags)
