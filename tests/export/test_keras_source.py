"""The text of a network in plain Keras: what a person would have written, and safe."""

import ast
import dataclasses
import subprocess
import sys

import pytest

from export.keras_source import NetworkSizes, TrainedWith, live_nodes, network_source
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import GENOTYPES, Genotype
from pdarts_tf.primitives import TABLE
from pdarts_tf.stems import STEMS
from tests.source_tree import ROOT

SIZES = NetworkSizes((224, 224, 3), init_channels=48, num_layers=14, num_classes=1000)
NAMES = ["cat", "it's", 'the "dog"', "émeu", '"""', "\\", "x\\'", '"]\nimport os  # {}$name']
TRAINED = TrainedWith("cell.weights.h5", NAMES, mean=[0.25, 0.5, 1 / 3], std=[0.1, 0.2, 0.3])
EVERYTHING = Genotype(
    [(name, i % 2) for i, name in enumerate(TABLE)], range(2, 7), [("none", 0)] * 24, range(2, 14)
)


def texts():
    """Texts of all kinds, by the name of a file."""
    found = {
        f"{name}_{stem}.py": network_source(genotype, dataclasses.replace(SIZES, stem=stem))
        for name, genotype in GENOTYPES.items()
        for stem in STEMS
    }
    many = dataclasses.replace(TRAINED, class_names=[f"class {i}" for i in range(100)])
    return found | {
        "everything.py": network_source(EVERYTHING, SIZES, TRAINED),
        "many.py": network_source(GENOTYPES["PDARTS"], SIZES, many),
    }


def calls(tree):
    """Names of what is called or handed on."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("options", [[], ["--isolated"]], ids=["ours", "defaults"])
def test_the_text_passes_ruff_and_is_formatted(tmp_path, options):
    for name, text in texts().items():
        (tmp_path / name).write_text(text, "utf-8")
    options = options or [f"--config={ROOT / 'pyproject.toml'}"]
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", *options, str(tmp_path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_text_imports_keras_only():
    tree = ast.parse(network_source(EVERYTHING, SIZES, TRAINED))
    imported = [
        ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    assert imported == ["import keras", "from keras import layers"]


@pytest.mark.parametrize("name", GENOTYPES)
def test_every_function_is_used(name):
    tree = ast.parse(network_source(GENOTYPES[name], SIZES))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert defined - calls(tree) == {"build"}


def test_edges_are_in_order_with_their_strides():
    text = network_source(GENOTYPES["PDARTS"], SIZES)
    assert (
        "    node2 = add(skip_connect(node0, channels, 1), dil_conv_3x3(node1, channels, 1))"
        in text
    )
    assert (
        "    node3 = add(sep_conv_3x3(node0, channels, 2), dil_conv_5x5(node2, channels, 1))"
        in text
    )
    assert text.count("    return concatenate(node2, node3, node4, node5)\n") == 2


def test_names_of_classes_are_literals():
    tree = ast.parse(network_source(GENOTYPES["PDARTS"], SIZES, TRAINED))
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert values == {"MEAN": TRAINED.mean, "STD": TRAINED.std, "CLASSES": NAMES}
    assert not any(
        isinstance(node, ast.Import) and node.names[0].name == "os" for node in tree.body
    )


def test_what_leads_nowhere_is_left_out():
    edges = [("sep_conv_3x3", 1), ("skip_connect", 1), ("dil_conv_5x5", 0), ("max_pool_3x3", 2)]
    genotype = Genotype(edges, [2], edges, [2])
    text = network_source(genotype, SIZES)
    assert live_nodes(genotype.normal, genotype.normal_concat) == {1, 2}
    assert "    _, node1 = preprocess(" in text
    assert "node3" not in text and "dil_conv" not in text and "max_pool" not in text


def row_of_another_form(row):
    return dataclasses.replace(row, form="mine")


def row_of_two_sizes(row):
    kernels = TABLE["sep_conv_3x3"].kernels[1][:2] + TABLE["sep_conv_5x5"].kernels[1][:2]
    return dataclasses.replace(row, kernels={1: kernels, 2: kernels})


@pytest.mark.parametrize("change", [row_of_another_form, row_of_two_sizes])
def test_a_primitive_without_a_text_is_one_line(monkeypatch, change):
    monkeypatch.setitem(TABLE, "sep_conv_3x3", change(TABLE["sep_conv_3x3"]))
    with pytest.raises(InputError) as caught:
        network_source(GENOTYPES["PDARTS"], SIZES)
    message = str(caught.value)
    assert "expected primitives with a known text in Keras: max_pool_3x3, " in message
    assert "Received: 'sep_conv_3x3'; take another genotype" in message
    assert "\n" not in message
