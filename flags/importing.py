"""The flag of modules that are imported first, such as those that register primitives."""

from typing import Any

from absl import flags

from pdarts_tf.plugins import imported

_NAME = "plugins"


def define_plugins(**where: Any) -> "flags.FlagHolder[list[str]]":
    """Defines the flag, for commands that read or make genotypes.

    Args:
        **where: Arguments of absl's functions that define flags.
    """
    return flags.DEFINE_list(
        _NAME,
        [],
        "Python modules to import first, such as ones that register primitives; of installed "
        "packages or the working directory.",
        **where,
    )


def import_plugins(flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Imports the modules that the flag names, if the command has it.

    Raises:
        InputError: One cannot be imported.
    """
    for name in flag_values[_NAME].value or () if _NAME in flag_values else ():
        imported(name, f"--{_NAME}={name}")
