"""Modules of others that are imported by name: their primitives, and their callbacks."""

import importlib
import os
import sys
from types import ModuleType

from pdarts_tf.errors import InputError, printable


def imported(name: str, flag: str) -> ModuleType:
    """Imports a module of an installed package, or of the working directory.

    Args:
        name: Name of the module, such as "package.module".
        flag: The flag that has it, for errors.

    Raises:
        InputError: There is no such module, or it does not run.

    >>> imported("no.module", "--plugins=no.module")
    Traceback (most recent call last):
    ...
    pdarts_tf.errors.InputError: --plugins=no.module cannot be imported (No module named 'no')
    """
    if os.getcwd() not in sys.path:  # of the command `pdarts`, unlike python -m
        sys.path.append(os.getcwd())
    try:
        return importlib.import_module(name)
    except (ImportError, SyntaxError, ValueError) as error:
        raise InputError(f"{flag} cannot be imported ({printable(str(error))})") from error
