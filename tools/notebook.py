"""`make notebook`: executes docs/notebooks/quickstart.ipynb, and stores it with its outputs."""

import json
import os
import pathlib
import tempfile

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[1]
PATH = ROOT / "docs/notebooks/quickstart.ipynb"
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main() -> None:
    """Executes the notebook in a directory of its own, and replaces it."""
    notebook = nbformat.read(PATH, as_version=4)
    with tempfile.TemporaryDirectory(prefix="quickstart_") as folder:
        execute(notebook, folder)
        clean(notebook, folder)
    nbformat.write(notebook, PATH)
    print(f"{PATH} is executed; look at what has changed before you commit it")


def execute(notebook: nbformat.NotebookNode, folder: str, timeout: int = 600) -> None:
    """Executes all cells of a notebook with the code of this checkout; outputs are replaced.

    Args:
        notebook: The notebook.
        folder: Working directory.
        timeout: The most seconds that a cell may take.

    Raises:
        CellExecutionError: If a cell fails.
    """
    found = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(found)}
    resources = {"metadata": {"path": folder}}
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=resources)
    client.execute(env=environment)


def clean(notebook: nbformat.NotebookNode, folder: str) -> None:
    """Removes from a notebook what another execution would not repeat for a reader's good.

    These are the paths of this machine, what libraries write to standard error, times and versions
    in the metadata, and text in place of which readers see a page. What a cell prints becomes one
    output.

    Args:
        notebook: The executed notebook.
        folder: Its working directory, which becomes ".".
    """
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
        if cell.cell_type == "code":
            cell.outputs = [_without(each, folder) for each in _shown(cell.outputs)]


def _shown(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Returns the outputs that readers see, printed ones joined."""
    shown: list[nbformat.NotebookNode] = []
    for output in outputs:
        printed = output.output_type == "stream"
        if printed and output.name == "stderr":
            continue
        if printed and shown and shown[-1].output_type == "stream":
            shown[-1].text += output.text
        else:
            shown.append(output)
        if "text/html" in output.get("data", {}):
            output.data.pop("text/plain", None)
    return shown


def _without(output: nbformat.NotebookNode, folder: str) -> nbformat.NotebookNode:
    """Returns an output without the path of a folder."""
    return nbformat.from_dict(json.loads(json.dumps(output).replace(folder, ".")))


if __name__ == "__main__":
    main()
