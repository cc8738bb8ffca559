"""The notebook of the documentation: it runs, and it is stored as it ran."""

import re

import nbformat
import pytest

from tools import notebook as tool

STORED = nbformat.read(tool.PATH, as_version=4)
CODE = [cell for cell in STORED.cells if cell.cell_type == "code"]
OUTPUTS = [output for cell in CODE for output in cell.outputs]


def test_it_is_stored_as_it_ran_from_top_to_bottom():
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    assert {output.output_type for output in OUTPUTS} <= {"stream", "execute_result"}


def test_outputs_have_no_paths_of_a_machine_and_no_remarks_of_libraries():
    assert {output.name for output in OUTPUTS if output.output_type == "stream"} == {"stdout"}
    assert re.findall(r"(?<![\w.<])/(?:work|tmp|home|root)\b\S*", nbformat.writes(STORED)) == []


def test_the_cells_of_the_result_are_drawn():
    pages = [each.data["text/html"] for each in OUTPUTS if "text/html" in each.get("data", {})]
    assert any("data:image/svg+xml;base64," in page for page in pages)


def test_cleaning_removes_paths_and_what_goes_to_standard_error():
    code = nbformat.v4.new_code_cell()
    code.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="a remark"),
        nbformat.v4.new_output("stream", name="stdout", text="written to /x/y/runs"),
        nbformat.v4.new_output("execute_result", data={"text/plain": "'/x/y/page'"}),
    ]
    notebook = nbformat.v4.new_notebook(cells=[code])
    tool.clean(notebook, "/x/y")
    (stream, result) = notebook.cells[0].outputs
    assert (stream.text, result.data["text/plain"]) == ("written to ./runs", "'./page'")


@pytest.mark.slow
def test_it_runs(tmp_path):
    notebook = nbformat.read(tool.PATH, as_version=4)
    tool.execute(notebook, str(tmp_path))
    done = [cell for cell in notebook.cells if cell.cell_type == "code"]
    accuracy = next(
        each.data["text/plain"] for each in done[6].outputs if "accuracy" in str(each.get("data"))
    )
    assert float(re.findall(r"'accuracy': ([\d.]+)", accuracy)[0]) > 0.5
