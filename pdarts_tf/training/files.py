"""Files that are written whole or not at all."""

import os
import pathlib


def write_whole(path, data):
    """Writes text or bytes to a temporary sibling, and renames it when it is on the disk."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    data = data.encode("utf-8") if isinstance(data, str) else data
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
