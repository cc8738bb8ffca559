"""Writes an HTML report of one run, or a comparison of several.

    python -m pdarts_tf.report runs/demo
    python -m pdarts_tf.report runs/demo runs/train_digits_seed0 --output=both.html

The report of a single run is written to report.html in its directory, a comparison to --output.
Runs may be in progress or damaged: the report shows whatever can be read.

Exit codes: 0 done, 2 wrong usage or input, 1 anything else.
"""

import os

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, report_flags
from flags.kinds import expanded_path
from pdarts_tf.errors import InputError
from pdarts_tf.report.page import report
from pdarts_tf.report.run import read_run
from pdarts_tf.runs.files import WriteError, write_whole
from pdarts_tf.runs.run_directory import REPORT


def main(paths: list[str]) -> None:
    """Writes the report of the runs at the given paths, without importing TensorFlow."""
    if not paths:
        raise InputError("expected run directories: python -m pdarts_tf.report RUN [RUN…]")
    paths = list(map(expanded_path, paths))
    output = report_flags.OUTPUT.value
    if output is None:
        if len(paths) > 1:
            raise InputError("a comparison of several runs needs a file: add --output=FILE")
        output = os.path.join(paths[0], REPORT)
    text = report([read_run(path) for path in paths], command_line.recipe_settings)
    try:
        write_whole(output, text)
    except WriteError as error:
        raise InputError(
            f"the report cannot be written ({error.__cause__}); pass a path in an existing "
            "directory with --output=FILE"
        ) from error
    print(f"Wrote {output}; open it in a browser")


if __name__ == "__main__":
    command_line.run(main, report_flags, takes_arguments=True)
