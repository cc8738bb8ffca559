"""What needs an extra says so in one line where it is not installed, and nothing else needs one."""

import ast
import sys

import pytest
from absl import flags
from absl.testing import flagsaver

import export
from export import client, other_formats
from pdarts_tf.errors import InputError
from pdarts_tf.study import on_ray
from tests import source_tree

OPTIONAL = {
    "grpc",
    "onnx",
    "onnxruntime",
    "openvino",
    "ray",
    "tensorflow_serving",
    "tf2onnx",
    "torch",
}


def missing(monkeypatch, *names):
    """Makes imports of packages fail."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def test_grpc_names_its_extra(monkeypatch):
    missing(monkeypatch, "tensorflow_serving.apis")
    monkeypatch.delitem(sys.modules, "export.client_grpc", raising=False)
    monkeypatch.delattr(export, "client_grpc", raising=False)
    with flagsaver.flagsaver():
        flags.FLAGS(["client", "--grpc"])
        with pytest.raises(InputError, match=r"--grpc .* pip install 'pdarts-tf\[serving\]'$"):
            client.connect("model")


@pytest.mark.parametrize("package", ["tf2onnx", "onnxruntime"])
def test_onnx_names_its_extra(monkeypatch, package):
    missing(monkeypatch, package)
    with pytest.raises(InputError, match=r"--format=onnx .* pip install 'pdarts-tf\[onnx\]'$"):
        other_formats._to_onnx(None)  # type: ignore[arg-type] # not reached


def test_ray_names_its_extra(monkeypatch):
    missing(monkeypatch, "ray")
    with pytest.raises(InputError, match=r"--executor=ray .* pip install 'pdarts-tf\[ray\]'$"):
        on_ray._connected()


def test_no_other_module_needs_an_extra_to_be_imported():
    found = {
        path
        for path in source_tree.sources("pdarts_tf", "flags", "export")
        for node in source_tree.tree(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for item in source_tree.imports(path)
        if item.line == node.lineno and item.distribution in OPTIONAL
    }
    assert found == {"export/client_grpc.py"}
