"""Commands that are printed to be pasted, run by a shell as they are, on a folder of images."""

import html
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

import pdarts_tf as pd
from pdarts_tf.interop.torch_names import network_slots
from tests.image_files import pixels, save
from tests.source_tree import ROOT
from tests.torch_files import saved

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SEARCH = (
    *("--layers=3", "--candidates=8", "--skip_dropout_rates=0", "--add_channels=0"),
    *("--init_channels=2", "--epochs=1", "--warmup_epochs=0", "--validation_epochs=1"),
    *("--max_steps_per_epoch=1", "--batch_size=4", "--image_size=12", "--seed=1"),
)
# Makes a training short without saying anything about its data.
SHORT = "--layers=3 --init_channels=4 --epochs=1 --noauxiliary --max_steps_per_epoch=2"
SIZES = ((12, 12), (10, 14))
PER_CLASS = 10


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A directory with a folder of images of two sizes, both of which a shell has to be told."""
    path = tmp_path_factory.mktemp("my runs")
    for label, name in enumerate(("cat", "dog's")):
        for number in range(PER_CLASS):
            image = pixels(1, (*SIZES[number % 2], 3), number)[0] // 2 + 100 * label
            save(path / "my photos" / "train" / name / f"{number}.png", image)
    return path


def shell(line, cwd):
    """Runs a line with the Python of the tests as `python`; returns what it printed."""
    folder = os.path.dirname(sys.executable)
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", line], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


def command(module, *flags):
    return shlex.join(["python", "-m", module, *flags])


def printed(output):
    """The command that an output ends with."""
    line = output.splitlines()[-1]
    assert line.startswith("  python -m pdarts_tf.")
    return line


@pytest.fixture(scope="module")
def searched(work):
    """What a search prints."""
    flags = ("--dataset=folder", "--data_dir=my photos", "--output_dir=the search", *SEARCH)
    return shell(command("pdarts_tf.search", *flags), work)


@pytest.fixture(scope="module")
def trained(work, searched):
    """What the training prints that the search has told of."""
    return shell(f"{printed(searched)} {SHORT} --output_dir='the training'", work)


def test_a_search_is_trained_and_the_training_tested(work, trained):
    assert "test images of folder: top-1" in shell(printed(trained), work)


def test_a_finished_search_knows_its_data_though_it_is_not_told_again(work, searched):
    flags = ("--dataset=folder", "--output_dir=the search", *SEARCH)
    again = printed(shell(command("pdarts_tf.search", *flags), work))
    shell(f"{again} {SHORT} --output_dir=another", work)


@pytest.mark.parametrize("run", ["the search", "the training"])
def test_the_report_tells_how_to_run_the_same_again(work, trained, run):
    report = (work / run / "report.html").read_text("utf-8")
    (shown,) = re.findall(r'<pre [^>]*class="command">(.*)</pre>', report)
    line = html.unescape(re.sub("<[^>]*>", "", shown))
    shell(line, work)
    first, again = ((work / each / "genotype.json").read_text() for each in (run, f"{run}_again"))
    assert first == again


@pytest.mark.parametrize("module", ["pdarts_tf.train --evaluate_only", "export.saved_model"])
def test_a_search_that_is_taken_for_a_training_says_what_to_paste(work, searched, module):
    line = f"python -m {module} --run_dir='the search' {'--export_dir=m' * ('export' in module)}"
    told = shell(f"{line} 2>&1 || true", work)
    assert told.count("\n") == 1
    pasted = told[told.index("python -m") :].strip()
    shell(f"{pasted} {SHORT} --output_dir='after {module[-4:]}'", work)


def test_an_import_is_tested(work):
    model = pd.EvaluationNetwork(
        pd.GENOTYPES["PDARTS"], init_channels=4, num_layers=3, num_classes=2
    )
    model.build((None, 12, 12, 3))
    rng = np.random.default_rng(0)
    shapes = {name: slot.torch_shape for name, slot in network_slots(model).items()}
    arrays = {name: rng.random(shape, np.float32) for name, shape in shapes.items()}
    (work / "weights.pt").write_bytes(saved(arrays))
    flags = ("--genotype=PDARTS", "--dataset=folder", "--data_dir=my photos", "--image_size=12")
    line = command(
        "pdarts_tf.interop.pytorch", "--checkpoint=weights.pt", "--output_dir=an import", *flags
    )
    assert "test images of folder: top-1" in shell(printed(shell(line, work)), work)


def test_an_imported_search_is_trained(work):
    rng = np.random.default_rng(1)
    names = ("alphas_normal", "alphas_reduce")
    (work / "search.pt").write_bytes(saved({name: rng.normal(size=(14, 8)) for name in names}))
    flags = ("--dataset=folder", "--data_dir=my photos", "--image_size=12")
    line = command(
        "pdarts_tf.interop.pytorch", "--checkpoint=search.pt", "--output_dir=found", *flags
    )
    shell(f"{printed(shell(line, work))} {SHORT} --batch_size=4 --output_dir=trained", work)


def test_the_genotype_of_a_study_is_trained(work):
    (work / "search.flags").write_text("\n".join(SEARCH))
    (work / "train.flags").write_text(
        "\n".join([*SHORT.split(), "--batch_size=4", "--image_size=12"])
    )
    line = command(
        "pdarts_tf.study", "--output_dir=a study", "--dataset=folder", "--data_dir=my photos",
        "--seeds=0", "--search_flags=search.flags", "--train_flags=train.flags",
    )  # fmt: skip
    shell(f"{printed(shell(line, work))} {SHORT} --output_dir='of the study'", work)
