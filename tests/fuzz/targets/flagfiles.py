"""Flagfiles and recipes."""

import json
from pathlib import Path

from absl import flags

from flags.command_line import RECIPES
from flags.fields import default_settings
from flags.flagfiles import FlagfileError
from pdarts_tf.config import ConfigError, SearchConfig, TrainConfig
from tests.fuzz.targets import Target

_TOKENS = (
    "--",
    "--flagfile=",
    "--no",
    "=",
    "\\n",
    "#",
    "1e999",
    "nan",
    "-1",
    "auto",
    "\ufeff",
    ",",
)


def make(scratch: Path) -> Target:
    """See `Target`; the first byte tells whether it is a search's or a training's."""
    path = scratch / "recipe.flags"
    kinds = (SearchConfig, TrainConfig)

    def read(data: bytes) -> str:
        kind = kinds[data[0] % 2] if data else SearchConfig
        path.write_bytes(data[1:])
        settings = default_settings(kind, path)
        # What was read is valid settings, which survive being written and read.
        assert kind.from_dict(json.loads(settings.to_json())) == settings
        return "read"

    names = sorted(RECIPES.glob("*.flags"))
    seeds = [bytes([each.name.startswith("train")]) + each.read_bytes() for each in names]
    return Target(seeds, read, (flags.Error, ConfigError, FlagfileError), _TOKENS)
