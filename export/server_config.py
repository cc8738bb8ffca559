"""Files beside the versions of a model that a server is started with, and that tell people how.

They are written once: what somebody has changed since stays as it is.
"""

import pathlib
import string

from pdarts_tf.runs.files import write_whole

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
NAMES = ("README.md", "models.config", "batching.config", "monitoring.config")


def write_missing(model, image_shape, num_classes):
    """Writes those of the files that are not there yet.

    Args:
        model: the model's directory, after whose name the server knows the model.
        image_shape: (height, width, channels).
        num_classes: how many classes it tells apart.

    Returns:
        The names of the files that were there and are kept.
    """
    model = pathlib.Path(model)
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
