"""How a run was started: command, place, time, devices, commit and versions."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
from collections.abc import Mapping
from typing import Any

from pdarts_tf.errors import printable

_CHECKOUT = pathlib.Path(__file__).parents[2]
_GIT_SECONDS = 5.0
_FACTS = ("command", "directory", "time", "devices", "commit")


def started_record(command: str | None, devices: str) -> dict[str, str]:
    """Returns how a run is being started, for its config.json.

    Args:
        command: The command, as a line for a shell; None for a call of a function.
        devices: The devices in words.

    Returns:
        {"command", "directory" (where it was given), "time", "devices", "commit"}, as far as they
        are known.
    """
    facts = {
        "command": command,
        "directory": os.getcwd(),
        "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "devices": devices,
        "commit": git_commit(_CHECKOUT),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def recorded_start(content: Mapping[str, Any]) -> dict[str, str]:
    """Returns what `started_record` has left in a config.json, which nobody should trust.

    >>> recorded_start({"started": {"command": "python -m x", "devices": 5, "other": ""}})
    {'command': 'python -m x'}
    """
    found = content.get("started")
    given = found if isinstance(found, dict) else {}
    facts = {name: given[name] for name in _FACTS if isinstance(given.get(name), str)}
    return {name: printable(fact, most=2000) for name, fact in facts.items()}


def git_commit(checkout: pathlib.Path) -> str | None:
    """Returns the commit of a checkout, with "-dirty" if files differ; None if it is none.

    Args:
        checkout: Root of the checkout.
    """
    if not (checkout / ".git").exists():
        return None
    options = ("--always", "--dirty", "--abbrev=40", "--exclude=*")
    command = ["git", "-C", str(checkout), "describe", *options]
    try:
        described = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):  # no git, or none that may read it
        return None
    return described.stdout.strip() or None


def versions() -> dict[str, str]:
    """Returns the versions that results depend on, by package."""
    packages = ("pdarts-tf", "tensorflow", "keras", "numpy", "tensorflow-datasets")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # this project, run from its checkout
            found[package] = "checkout"
    return found
