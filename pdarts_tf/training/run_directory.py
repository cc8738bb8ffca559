"""The directory of one run: its settings, what it measured, what it found.

A directory belongs to one live process at a time, by a lock that dies with the process, and to one
configuration for ever.
"""

import fcntl
import importlib.metadata
import json
import logging
import os
import pathlib
import platform
import sys

from pdarts_tf.config import ConfigError, first_difference
from pdarts_tf.training.files import write_whole

CONFIG = "config.json"
GENOTYPE = "genotype.json"
LOG = "run.log"
METRICS = "metrics.jsonl"
ALPHAS = "alphas.jsonl"


class RunDirectoryError(ValueError):
    """A directory that cannot be used for this run; one line says why and what to do."""


def check(path, config):
    """Sees whether a run with these settings may use a directory, without touching it.

    Raises:
        RunDirectoryError: it holds something else, or a run with other settings.
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise RunDirectoryError(f"--output_dir must be a directory. Received: {path}, a file")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not (path / CONFIG).is_file():
        raise RunDirectoryError(
            f"--output_dir must be new, empty, or a run directory. Received: {path}, which has "
            f"files but no {CONFIG}; choose another one"
        )
    try:
        stored = type(config).from_dict(json.loads((path / CONFIG).read_text("utf-8"))["config"])
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        raise RunDirectoryError(
            f"{path / CONFIG} is not of a {type(config).__name__} of this version ({error}); "
            "choose another --output_dir, or continue with the version that made it"
        ) from error
    if difference := first_difference(stored, config):
        name, theirs, mine = difference
        raise RunDirectoryError(
            f"{path} holds another run: its --{name} is {theirs}, not {mine}; choose another "
            "--output_dir"
        )


def is_finished(path):
    """Returns whether a directory holds a finished search."""
    return (pathlib.Path(path) / GENOTYPE).is_file()


class RunDirectory:
    """An open run directory.

    Args:
        path: the directory; made if missing.
        config: settings, a dataclass with `to_json`.
        details: further facts for config.json, such as the classes of the data.

    Raises:
        RunDirectoryError: see `check`; or another process has it open.
    """

    def __init__(self, path, config, details):
        check(path, config)
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()
        if not (self.path / CONFIG).is_file():
            content = {"config": json.loads(config.to_json()), **details}
            write_whole(self.path / CONFIG, json.dumps(content, indent=2) + "\n")
        self._handler = logging.FileHandler(self.path / LOG, encoding="utf-8")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logging.getLogger("pdarts_tf").addHandler(self._handler)

    def _take_lock(self):
        lock = open(self.path / ".lock", "a", encoding="utf-8")  # noqa: SIM115, held while we live
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise RunDirectoryError(
                f"another process is running in {self.path}; wait for it, or choose another "
                "--output_dir"
            ) from error
        return lock

    def close(self):
        """Gives the directory free."""
        logging.getLogger("pdarts_tf").removeHandler(self._handler)
        self._handler.close()
        self._lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def write(self, name, text):
        """Writes a file of the run, whole or not at all."""
        write_whole(self.path / name, text)

    def read(self, name):
        """Returns the text of a file of the run."""
        return (self.path / name).read_text("utf-8")

    def read_records(self, name):
        """Returns the objects of a file with one JSON object a line; none if it is missing."""
        if not (self.path / name).is_file():
            return []
        return [json.loads(line) for line in self.read(name).splitlines()]

    def write_records(self, name, records):
        """Writes a file with one JSON object a line."""
        self.write(name, "".join(json.dumps(record) + "\n" for record in records))


def console():
    """Returns the logger that prints what a person should see, and writes it to run.log."""
    logger = logging.getLogger("pdarts_tf")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


def versions():
    """Returns the versions that results depend on, by package."""
    packages = ("pdarts-tf", "tensorflow", "keras", "numpy", "tensorflow-datasets")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # this project, run from its checkout
            found[package] = "checkout"
    return found


def default_path(command, config):
    """Returns the run directory for settings that name none: the same for the same command."""
    return os.path.join("runs", f"{command}_{config.dataset}_seed{config.seed}")
