"""`python -m pdarts_tf.describe`: its output and its exit codes."""

import json
import subprocess
import sys

import pytest

from pdarts_tf.drawing.layout import draw_genotype
from pdarts_tf.drawing.svg import svg_file
from pdarts_tf.genotype import GENOTYPES
from tests.run_directories import write_search, write_training
from tests.source_tree import ROOT


def describe(*arguments):
    """Runs the program, with every import of TensorFlow made to fail."""
    code = (
        "import runpy, sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
        "runpy.run_module('pdarts_tf.describe', run_name='__main__', alter_sys=True)"
    )
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_published_cell_is_described_by_name():
    result = describe("--genotype=PDARTS")
    assert (result.returncode, result.stderr) == (0, "")
    assert str(GENOTYPES["PDARTS"]) in result.stdout
    assert "3,433,798" in result.stdout


def test_a_file_is_described_as_json(tmp_path):
    path = tmp_path / "genotype.json"
    path.write_text(GENOTYPES["NASNet"].to_json())
    result = describe(f"--genotype={path}", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    data = json.loads(result.stdout)
    assert data["notation"] == str(GENOTYPES["NASNet"])
    assert data["settings"]["imagenet"]["macs"] == 604_031_616


def test_both_cells_are_drawn_into_files(tmp_path):
    svg, png = tmp_path / "cells.svg", tmp_path / "cells.png"
    result = describe("--genotype=NASNet", f"--svg={svg}", f"--png={png}")
    assert (result.returncode, result.stderr) == (0, "")
    assert svg.read_text() == svg_file(draw_genotype(GENOTYPES["NASNet"]))
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_front_of_a_search_is_printed_and_drawn(tmp_path):
    search = write_search(tmp_path / "search")
    training = write_training(tmp_path / "training")
    plot = tmp_path / "front.svg"
    arguments = (f"--genotype={search}", "--front", f"--trainings={training}", f"--plot={plot}")
    result = describe(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Networks for images 8x8x1, 10 classes, --stem=cifar\n")
    assert "60.00% *  training" in result.stdout
    assert "test accuracy against multiply-accumulates" in plot.read_text()
    networks = json.loads(describe(*arguments, "--json").stdout)["networks"]
    limits = {each["max_skip_connects"] for each in networks}
    assert {"M=0", "M=4"} <= limits


def test_a_limit_on_skip_connects_leaves_one_genotype_on_the_front(tmp_path):
    search = write_search(tmp_path / "search")
    result = describe(f"--genotype={search}", "--front", "--max_skip_connects=1", "--json")
    limits = {each["max_skip_connects"] for each in json.loads(result.stdout)["networks"]}
    assert limits == {"M=1"}


def test_flags_say_what_the_networks_of_a_front_classify():
    flags = ("--image_size=64", "--num_classes=3")
    result = describe("--genotype=PDARTS", "--front", *flags)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Networks for images 64x64x3, 3 classes, --stem=stride2\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--genotype=PDARTS", "--front"), "--front needs the images: the run directory of a "),
        (("--genotype=PDARTS", "--latency"), "are for --front: add it"),
        (("--genotype=PDARTS", "--front", "--trainings=nowhere"), "expected a run directory"),
        (
            ("--genotype=PDARTS", "--front", "--image_size=63", "--num_classes=3"),
            "must be multiples of 8",
        ),
        ((), "--genotype=FILE|PDARTS"),
        (("--genotype=unknown",), "Known names"),
        (("--genotype=__import__('os')",), "Known names"),
        (("--genotype=PDARTS", "--nonsense"), "nonsense"),
        (("PDARTS",), "Received: PDARTS"),
        (("--genotype=PDARTS", "--svg=nowhere/cell.svg"), "pass a path in an existing directory"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, reason):
    result = describe(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


def test_help_lists_the_flags():
    assert "--genotype" in describe("--help").stdout
