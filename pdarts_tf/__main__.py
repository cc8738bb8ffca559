"""All commands by name: `pdarts search …` runs `python -m pdarts_tf.search …`.

Flags, output and exit codes are those of the command. Alone, or with --help, lists the commands. An
unknown command ends with exit code 2.
"""

import difflib
import runpy
import sys
from typing import NamedTuple

from pdarts_tf import own_packages
from pdarts_tf.errors import quoted
from pdarts_tf.runs.provenance import versions


class _Command(NamedTuple):
    """What `pdarts NAME` runs, and what the list says about it."""

    module: str
    summary: str


_COMMANDS = {
    "search": _Command("pdarts_tf.search", "search a cell on a data set"),
    "train": _Command("pdarts_tf.train", "train and test the network of a genotype"),
    "study": _Command("pdarts_tf.study", "compare search methods over several seeds"),
    "report": _Command("pdarts_tf.report", "write an HTML page about one run or several"),
    "describe": _Command("pdarts_tf.describe", "print cost, shape and drawing of a genotype"),
    "predict": _Command("pdarts_tf.predict", "classify images by a trained or exported network"),
    "export": _Command("export.saved_model", "export a trained network for serving"),
    "keras-code": _Command("export.keras_code", "write a network as one file of plain Keras"),
    "client": _Command("export.client", "classify images by a TensorFlow Serving server"),
    "import-pytorch": _Command(
        "pdarts_tf.interop.pytorch", "import a checkpoint of the official PyTorch code"
    ),
}


def main() -> None:
    """Runs the command that the first argument names."""
    match sys.argv[1:]:
        case [] | ["--help" | "-help" | "-h" | "help"]:
            print(_help())
        case ["--version"]:
            print(", ".join(f"{package} {version}" for package, version in versions().items()))
        case [name, *_] if name in _COMMANDS:
            del sys.argv[1]
            module = _COMMANDS[name].module
            own_packages.require(module.split(".")[0])
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [name, *_]:
            print(f"error: {_unknown(name)}", file=sys.stderr)
            sys.exit(own_packages.EXIT_USAGE)


def _help() -> str:
    """Returns the list of commands, a line each."""
    width = max(map(len, _COMMANDS))
    rows = (f"  {name:{width}}  {each.summary}" for name, each in _COMMANDS.items())
    return "\n".join(
        [
            "Usage: pdarts COMMAND [flags]",
            "",
            "P-DARTS: searches cells, and trains and exports the networks built from them.",
            "",
            *rows,
            "",
            "`pdarts COMMAND --help` lists a command's flags, `pdarts --version` versions.",
        ]
    )


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, _COMMANDS, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"expected a command: {', '.join(_COMMANDS)}. Received: {quoted(name)}{hint}"


if __name__ == "__main__":
    main()
