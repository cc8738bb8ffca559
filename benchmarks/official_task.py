"""Tasks of `benchmarks.official_step`, which knows nothing of this project."""

import pathlib

from benchmarks.workloads import IMAGE_SIZE

OFFICIAL_STEP = "benchmarks.official_step"


def official_task(stage, space, checkout, batch_size):
    """Returns the task of a stage of the search, on the CPU in float32, but for its timing.

    Args:
        stage: `StageConfig`.
        space: `SearchSpace`.
        checkout: Folder of the official code.
        batch_size: Images per step.
    """
    return {
        "what": "stage",
        "normal": space.normal.tolist(),
        "reduce": space.reduce.tolist(),
        "layers": stage.num_layers,
        "channels": stage.init_channels,
        "dropout": stage.skip_dropout_rate,
        **_everywhere(checkout, batch_size),
    }


def official_network_task(config, checkout, batch_size):
    """Returns the task of the evaluation network, as `official_task`.

    Args:
        config: `TrainConfig`, of which it takes the size of the network.
        checkout, batch_size: See `official_task`.
    """
    return {
        "what": "network",
        "layers": config.layers,
        "channels": config.init_channels,
        "drop_path_rate": config.drop_path_rate,
        **_everywhere(checkout, batch_size),
    }


def _everywhere(checkout, batch_size):
    return {
        "checkout": str(pathlib.Path(checkout).resolve()),
        "batch_size": batch_size,
        "image_size": IMAGE_SIZE,
        "device": "cpu",
        "precision": "float32",
        "compile": False,
    }
