"""Exports a trained network as a SavedModel for TensorFlow Serving, or for other runtimes.

    python -m export.saved_model --run_dir=runs/train_digits_seed0 --export_dir=models/digits

Reads the best weights of a training by validation accuracy, or the last of one without validation,
and writes the next version of the model. Exit codes: 0 done, 2 wrong usage or input, 1 anything
else.
"""

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from export import versions
from flags import command_line, export_flags
from pdarts_tf.errors import InputError
from pdarts_tf.runs import run_directory
from pdarts_tf.runs.next_commands import read_training


def main() -> None:
    """Exports as the flags say, and prints the path of the version."""
    run_dir, export_dir = export_flags.RUN_DIR.value, export_flags.EXPORT_DIR.value
    if run_dir is None or export_dir is None:
        raise InputError(
            "expected --run_dir, the run directory of a training, and --export_dir, the directory "
            f"of the model. Received: --run_dir={run_dir} --export_dir={export_dir}"
        )
    file_format, version = export_flags.FORMAT.value, export_flags.VERSION.value
    check_form(file_format)
    config = read_training(run_dir, command_line.recipe_settings)
    weights = run_directory.stored_weights(run_dir, config)
    versions.check(export_dir, version)
    from pdarts_tf.training.runtime import configure

    configure()
    from export import exporter
    from pdarts_tf.train.stored_network import stored_network

    data = run_directory.read_config(run_dir)["data"]
    network = stored_network(config, data, weights)
    if file_format == "saved_model":
        summary = exporter.write_saved_model(
            network,
            data,
            export_dir,
            version=version,
            centre=config.augmentation == "resized_crop",
            serve_on=export_flags.SERVE_ON.value.upper(),
            max_megapixels=export_flags.MAX_MEGAPIXELS.value,
        )
    else:
        from export import other_formats

        summary = other_formats.write(file_format, network, data, export_dir, version=version)
    print(summary)


def check_form(file_format: str) -> None:
    """Checks that flags of a SavedModel are given for a SavedModel only.

    Raises:
        InputError: If --serve_on or --max_megapixels is given for another format.
    """
    if export_flags.MAX_MEGAPIXELS.present and file_format != "saved_model":
        raise InputError(
            "--max_megapixels limits the encoded images that a SavedModel takes: leave it out with "
            f"--format={file_format}"
        )
    if export_flags.SERVE_ON.present and file_format != "saved_model":
        raise InputError(
            f"--serve_on chooses the form of a SavedModel: leave it out with --format={file_format}"
        )


if __name__ == "__main__":
    command_line.run(main, export_flags)
