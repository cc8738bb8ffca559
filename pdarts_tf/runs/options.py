"""Options of a run; of these only the choice of batch size and network influences its results."""

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pdarts_tf.config import CheckpointConfig
from pdarts_tf.config.budget import OpenNetwork
from pdarts_tf.config.data_rules import CHOSEN
from pdarts_tf.data.image_header import MAX_MEGAPIXELS
from pdarts_tf.errors import printable
from pdarts_tf.training.devices import Devices

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    import keras

    MakeCallbacks = Callable[[], Sequence[keras.callbacks.Callback]]


_RECORDED = ("data_dir", "max_megapixels", "plugins")


def no_callbacks() -> "Sequence[keras.callbacks.Callback]":
    """Returns no callbacks."""
    return ()


def callbacks_named(names: "Sequence[str]") -> "MakeCallbacks":
    """Returns a function that makes the callbacks of functions named "package.module:function"."""

    def make() -> "Sequence[keras.callbacks.Callback]":
        from pdarts_tf.runs.callbacks import from_names

        return from_names(names)

    return make


def recorded_options(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns how a run found its data, as {name of the flag: value}; see `RunOptions.of_data`.

    Args:
        content: Content of its config.json, which nobody should trust; that of earlier versions has
            no options.

    >>> recorded_options({"options": {"data_dir": "photos", "max_megapixels": "many"}})
    {'data_dir': 'photos'}
    """
    found = content.get("options")
    given = found if isinstance(found, dict) else {}
    data_dir, limit = given.get("data_dir"), given.get("max_megapixels")
    plugins = given.get("plugins")
    valid = {
        "data_dir": isinstance(data_dir, str) and data_dir == printable(data_dir, len(data_dir)),
        "max_megapixels": isinstance(limit, int | float) and 0 < limit < math.inf,
        "plugins": isinstance(plugins, list) and all(map(_is_module, plugins)),
    }
    values = {name: given[name] for name in _RECORDED if valid[name]}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def given_settings(content: Mapping[str, Any]) -> frozenset[str] | None:
    """Returns the names of the settings that were given to a run whose others the data chose.

    Args:
        content: Content of its config.json, which nobody should trust.

    Returns:
        The names; None if a recipe, or an earlier version, set what was not given.

    >>> given_settings({"options": {"given": ["epochs"]}})
    frozenset({'epochs'})
    """
    found = content.get("options")
    given = found.get("given") if isinstance(found, dict) else None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        return None
    return frozenset(given)


def _is_module(name: Any) -> bool:
    """Returns whether a value can be the name of a module."""
    return isinstance(name, str) and all(part.isidentifier() for part in name.split("."))


@dataclass(frozen=True)
class RunOptions:
    """Options of a run: data, files, devices, checkpoints and profiling.

    Args:
        data_dir: Where the data lies; None for the data set's default.
        output_dir: The run directory; None for the default one.
        devices: Devices to run on.
        checkpoints: When checkpoints are written.
        profile_steps: First and last step to profile; None for none.
        compilation_cache_dir: Directory for what XLA compiles; None for none.
        dry_run: Print what would run, and end.
        memory_limit_gb: GiB of memory for which a dry run prints the largest batch; None for none.
        max_megapixels: Millions of pixels that an image may have, before it is resized.
        gpu_memory: Memory to take of GPUs, "grow" (on demand) or "all".
        auto_batch_size: Replace the batch size of the settings by the one that the run in the
            directory has, or else by the largest that is estimated to fit into memory.
        open_network: Replace the network of the settings by the one that the run in the directory
            has, or else by the largest within the budget of the settings; None for their own.
        given: Names of the settings that were given, if the data is to choose others; None if it
            is not, since there is a recipe.
        plugins: Modules that were imported first, for the commands that go on with the run.
        callbacks: Makes Keras callbacks of all steps, once TensorFlow is set up; only called in the
            process that writes the run's files.
        words: Words of the command line after the command; None for a call of a function.
    """

    data_dir: str | None = None
    output_dir: str | None = None
    devices: Devices = field(default_factory=Devices)
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)
    profile_steps: tuple[int, int] | None = None
    compilation_cache_dir: str | None = None
    dry_run: bool = False
    memory_limit_gb: float | None = None
    max_megapixels: float = MAX_MEGAPIXELS
    gpu_memory: str = "grow"
    auto_batch_size: bool = False
    open_network: OpenNetwork | None = None
    given: frozenset[str] | None = None
    plugins: tuple[str, ...] = ()
    callbacks: "MakeCallbacks" = field(default=no_callbacks, compare=False)
    words: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def of_data(self) -> dict[str, Any]:
        """Options, beside settings, that another command on the same data needs, as flags.

        >>> RunOptions(data_dir="photos", dry_run=True).of_data
        {'data_dir': 'photos'}
        """
        usual = RunOptions()
        return {
            name: getattr(self, name)
            for name in _RECORDED
            if getattr(self, name) != getattr(usual, name)
        }

    @property
    def to_record(self) -> dict[str, Any]:
        """What config.json keeps: `of_data`, its directory absolute, and what was `given`."""
        of_data = {
            name: value if name != "data_dir" or "://" in value else os.path.abspath(value)
            for name, value in self.of_data.items()
        }
        return of_data if self.given is None else {**of_data, "given": sorted(self.given)}

    def left_to_data(self, config: Any) -> frozenset[str]:
        """Returns the names of the settings that follow from the data.

        Args:
            config: Settings of the run.
        """
        if self.given is None:
            return frozenset()
        own = {each.name for each in dataclasses.fields(config)}
        return (CHOSEN & own) - self.given - self._left_to_budget

    def unset(self, config: Any) -> frozenset[str]:
        """Returns the names of all settings that are left to the program; see `left_to_data`."""
        batch = frozenset({"batch_size"} if self.auto_batch_size else ())
        return self.left_to_data(config) | batch | self._left_to_budget

    @property
    def _left_to_budget(self) -> frozenset[str]:
        network = self.open_network
        return frozenset() if network is None else frozenset({"genotype", *network.sizes})
