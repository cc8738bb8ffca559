"""Server configuration and a README, beside the versions of a model.

They are written once; later changes to them are kept.
"""

import os
import pathlib
import string
from collections.abc import Sequence

from pdarts_tf.runs.files import write_whole

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
NAMES = ("README.md", "models.config", "batching.config", "monitoring.config")


def write_missing(
    model_dir: str | os.PathLike[str], image_shape: Sequence[int], num_classes: int
) -> list[str]:
    """Writes those of the files that do not exist yet.

    Args:
        model_dir: Directory of the model; its name is the model's name on the server.
        image_shape: (height, width, channels).
        num_classes: Number of classes.

    Returns:
        The names of the existing files, which are kept.

    Raises:
        WriteError: If a file cannot be written.
    """
    model = pathlib.Path(model_dir)
    height, width, channels = image_shape
    values = {
        "name": model.resolve().name,
        "height": height,
        "width": width,
        "channels": channels,
        "num_classes": num_classes,
    }
    kept = [name for name in NAMES if (model / name).exists()]
    for name in NAMES:
        if name not in kept:
            template = string.Template((_TEMPLATES / name).read_text("utf-8"))
            write_whole(model / name, template.substitute(values))
    return kept
