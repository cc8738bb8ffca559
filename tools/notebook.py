"""`make notebook`: executes docs/notebooks/quickstart.ipynb, and stores it with its outputs."""

import pathlib
import tempfile

import nbformat
from nbclient import NotebookClient

PATH = pathlib.Path(__file__).parents[1] / "docs/notebooks/quickstart.ipynb"
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
    """Executes all cells of a notebook, whose outputs are replaced.

    Args:
        notebook: The notebook.
        folder: Working directory.
        timeout: The most seconds that a cell may take.

    Raises:
        CellExecutionError: If a cell fails.
    """
    resources = {"metadata": {"path": folder}}
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=resources).execute()


def clean(notebook: nbformat.NotebookNode, folder: str) -> None:
    """Removes from a notebook what another execution would not repeat for a reader's good.

    These are the paths of this machine, what libraries write to standard error, and times and
    versions in the metadata.

    Args:
        notebook: The executed notebook.
        folder: Its working directory, which becomes ".".
    """
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
        if cell.cell_type == "code":
            kept = [each for each in cell.outputs if each.get("name") != "stderr"]
            cell.outputs = [_without(each, folder) for each in kept]


def _without(output: nbformat.NotebookNode, folder: str) -> nbformat.NotebookNode:
    """Returns an output without the path of a folder."""
    text = nbformat.NotebookNode(output)
    for key, value in text.items():
        if isinstance(value, str):
            text[key] = value.replace(folder, ".")
        elif isinstance(value, dict):
            text[key] = _without(value, folder)
    return text


if __name__ == "__main__":
    main()
