"""The description of a genotype: the golden counts, per cell and in total."""

import json

import pytest

from pdarts_tf.cost.description import as_dict, as_text
from pdarts_tf.genotype import GENOTYPES, Genotype
from tests.source_tree import ROOT

COUNTS = json.loads((ROOT / "tests/goldens/counts.json").read_text())


@pytest.fixture(scope="module")
def data():
    return as_dict(GENOTYPES["PDARTS"])


@pytest.mark.parametrize("setting", ["cifar10", "cifar100", "cifar10_large", "imagenet"])
def test_settings_and_counts_are_the_official_ones(data, setting):
    count, described = COUNTS[f"PDARTS/{setting}"], data["settings"][setting]
    assert described["init_channels"] == count["init_channels"]
    assert described["num_layers"] == count["layers"]
    assert described["num_classes"] == count["classes"]
    assert described["image_size"] == count["image_size"]
    assert described["parameters"] == count["params"]
    assert described["macs"] == count["macs"]
    auxiliary = count["params_with_auxiliary"] - count["params"]
    assert described["auxiliary_parameters"] == auxiliary


def test_blocks_add_up(data):
    for setting in data["settings"].values():
        for key in ("parameters", "macs"):
            assert sum(block[key] for block in setting["blocks"]) == setting[key]
        assert len(setting["blocks"]) == setting["num_layers"] + 2


def test_the_cell_is_described(data):
    assert data["normal_cell"] == {"depth": 3, "width": 3.0, "num_skip_connects": 2}


def test_the_genotype_can_be_read_back(data):
    assert Genotype.parse(data["notation"]) == GENOTYPES["PDARTS"]
    assert Genotype.parse(json.dumps(data["genotype"])) == GENOTYPES["PDARTS"]


def test_the_text_has_every_cell_and_total():
    text = as_text(GENOTYPES["PDARTS"])
    assert str(GENOTYPES["PDARTS"]) in text
    assert "depth 3" in text
    assert text.count("normal") - text.count("normal_concat") - text.count("normal=") >= 3 * 18
    for count in (COUNTS[f"PDARTS/{name}"] for name in ("cifar10", "imagenet")):
        assert f"{count['params']:,}" in text
        assert f"{count['macs']:,}" in text
