"""Whole searches and trainings as functions."""

import dataclasses
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.budget import open_network
from pdarts_tf.data.array_source import Examples, image_data
from pdarts_tf.data.images import DataError, ImageData
from pdarts_tf.genotype import Genotype, load_genotype, load_genotypes
from pdarts_tf.library.jobs import SEARCH, TRAIN
from pdarts_tf.library.recipes import given_settings, settings_for
from pdarts_tf.library.results import SearchResult, TrainingResult
from pdarts_tf.report.run import Run, read_run
from pdarts_tf.runs import job
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.runs.settings_of_run import LoadData
from pdarts_tf.training.devices import Devices

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    import keras

_ARRAYS = "arrays"


def run_search(
    train: "str | Examples",
    test: "Examples | None" = None,
    *,
    output_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    distribution: str = "auto",
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    **settings: Any,
) -> SearchResult:
    """Searches a cell, as `python -m pdarts_tf.search` does, and returns what it has found.

    The search writes its run directory as it goes: called again with the same arguments, it goes on
    where it was interrupted, or returns the result that is there.

    Args:
        train: Training images: a pair of arrays (images, labels), a `tf.data.Dataset` of such
            pairs, see `array_source.image_data`, or the name of a data set, such as "digits".
        test: Test images, likewise; a search only counts them. Not with a name.
        output_dir: The run directory; by default a temporary one, which stays until you remove it.
        data_dir: With the name of a data set: where its data lies.
        class_names: With arrays: name of the class of each label.
        distribution: Devices to run on, see docs/distributed.md.
        callbacks: Keras callbacks; they see the epochs of all stages as those of one training.
        **settings: Settings of the search, such as `epochs=10`: the fields of `SearchConfig`,
            which are the flags of the command. Others are those of the recipe of the data set, or
            without one follow from the data; for arrays, `dataset="digits"` gives the data a name,
            and with it a recipe.

    Returns:
        The result, which notebooks show with its cells drawn.

    Raises:
        TypeError: If there is no such setting.
        InputError: If settings, data, devices or directory cannot be used.
        RunError: If the search could not be finished.
        StoppedError: If a signal, such as the interruption of a notebook, asked it to stop; there
            is a checkpoint.

    Example::

        (images, labels), _ = keras.datasets.cifar10.load_data()
        result = pd.run_search((images, labels), output_dir="runs/mine")
        result.genotype, result.genotypes["M=0"]
    """
    dataset = _name(train, settings)
    config = settings_for(SearchConfig, dataset, settings | {"dataset": dataset})
    load = _loader(train, test, class_names)
    options = _options(SEARCH, config, settings, output_dir, data_dir, distribution, callbacks)
    return SearchResult(_run(SEARCH, config, options, load))


def run_training(
    genotype: Genotype | SearchResult | str | os.PathLike[str],
    train: "str | Examples",
    test: "Examples | None" = None,
    *,
    output_dir: str | os.PathLike[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    distribution: str = "auto",
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
    **settings: Any,
) -> TrainingResult:
    """Trains the network of a genotype from scratch, as `python -m pdarts_tf.train` does.

    Args:
        genotype: The genotype; the result of a search; or what `load_genotype` reads.
        train: See `run_search`.
        test: Test images; by default a tenth of the training images.
        output_dir: See `run_search`.
        data_dir: See `run_search`.
        class_names: See `run_search`.
        distribution: See `run_search`.
        callbacks: See `run_search`.
        **settings: Settings of the training: the fields of `TrainConfig`. With `max_parameters`,
            `max_macs` or `max_latency_ms`, the largest network that fits is trained, of the
            genotypes of the search for every limit on skip-connects, and of sizes, as far as
            `layers` and `init_channels` are not given.

    Returns:
        The result, whose network `load_network` returns.

    Raises:
        TypeError, InputError, RunError, StoppedError: See `run_search`.

    Example::

        training = pd.run_training("PDARTS", "digits", epochs=2)
        network = pd.load_network(training)
    """
    named, load_all = _genotypes(genotype)
    dataset = _name(train, settings)
    fixed = {"dataset": dataset, "genotype": str(named)}
    config = settings_for(TrainConfig, dataset, settings | fixed)
    network = open_network(config, load_all, settings)
    load = _loader(train, test, class_names)
    options = _options(TRAIN, config, settings, output_dir, data_dir, distribution, callbacks)
    options = dataclasses.replace(options, open_network=network)
    return TrainingResult(_run(TRAIN, config, options, load))


def _genotypes(
    genotype: Genotype | SearchResult | str | os.PathLike[str],
) -> tuple[Genotype, Callable[[], Mapping[str, Genotype]]]:
    """Returns the genotype that is named, and what loads those that a budget chooses among."""
    if isinstance(genotype, SearchResult):
        return genotype.genotype, lambda: genotype.genotypes
    if isinstance(genotype, Genotype):
        return genotype, lambda: {"": genotype}
    return load_genotype(genotype), lambda: load_genotypes(genotype)


def _name(train: "str | Examples", settings: Mapping[str, Any]) -> str:
    """Returns the name of the data set, which settings may give to arrays only."""
    if not isinstance(train, str):
        return str(settings.get("dataset", _ARRAYS))
    if settings.get("dataset", train) != train:
        raise DataError(
            f"dataset must be {train!r}, as the first argument says, or left out. "
            f"Received: {settings['dataset']!r}"
        )
    return train


def _options(
    command: job.Command,
    config: SearchConfig | TrainConfig,
    settings: Mapping[str, Any],
    output_dir: str | os.PathLike[str] | None,
    data_dir: str | os.PathLike[str] | None,
    distribution: str,
    callbacks: "Sequence[keras.callbacks.Callback]",
) -> RunOptions:
    if output_dir is None:
        output_dir = tempfile.mkdtemp(prefix=f"pdarts_{command.name}_")
    return RunOptions(
        data_dir=None if data_dir is None else os.fspath(data_dir),
        output_dir=os.fspath(output_dir),
        devices=Devices.from_environment(distribution, 1),
        callbacks=lambda: callbacks,
        given=given_settings(command.name, config.dataset, settings),
    )


def _run(
    command: job.Command,
    config: SearchConfig | TrainConfig,
    options: RunOptions,
    load: LoadData,
) -> Run:
    """Runs a job, and returns what its directory holds then."""
    path = job.run(command, config, options, load)
    return read_run(path or str(options.output_dir))


def _loader(
    train: "str | Examples", test: "Examples | None", class_names: Sequence[str] | None
) -> LoadData:
    """Returns a function that loads the data set of a name, or the one that arrays make."""
    if isinstance(train, str):
        if test is not None or class_names is not None:
            raise DataError(
                f"dataset {train!r} has test images and names of its own; leave test and "
                "class_names out"
            )
        return job.load_data

    def load(config: Any, options: RunOptions, stored: Mapping[str, Any] | None) -> ImageData:
        return image_data(
            train,
            test,
            name=config.dataset,
            class_names=class_names,
            image_size=config.image_size,
            images_per_class=config.train_images_per_class,
            seed=config.seed,
            stored=stored,
        )

    return load
