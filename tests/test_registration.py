"""Models that are saved and loaded by another process, which has imported the package only."""

import subprocess
import sys

import numpy as np
import pytest

import pdarts_tf as pd

FORMS = {
    "package first": "import pdarts_tf, keras",
    "keras first": "import keras, pdarts_tf",
    "a name first": "import pdarts_tf; pdarts_tf.weight_optimizer; import keras",
}
PROGRAM = """
import sys
{imports}
for path in sys.argv[1:]:
    print(type(keras.saving.load_model(path)).__name__)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Files of an evaluation network, and of a compiled supernet."""
    folder = tmp_path_factory.mktemp("models")
    network = pd.EvaluationNetwork(pd.GENOTYPES["PDARTS"], 4, 3, 3)
    network.build((None, 8, 8, 3))
    supernet = pd.Supernet(
        pd.SearchSpace(*np.array([[[name in (3, 4) for name in range(8)]] * 14] * 2)),
        init_channels=4,
        num_layers=3,
        num_classes=3,
    )
    supernet.build((None, 8, 8, 3))
    paths = []
    for model in (network, supernet):
        paths.append(folder / f"{type(model).__name__}.keras")
        model.save(paths[-1])
    return paths


@pytest.mark.parametrize(
    "form",
    [
        "package first",
        pytest.param("keras first", marks=pytest.mark.slow),
        pytest.param("a name first", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_saved_models_are_loaded_after_the_import_of_the_package(form, saved):
    program = PROGRAM.format(imports=FORMS[form])
    done = subprocess.run(
        [sys.executable, "-c", program, *saved], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["EvaluationNetwork", "Supernet"]


def test_the_package_alone_imports_no_keras():
    program = "import sys, pdarts_tf; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
