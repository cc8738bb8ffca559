"""The front of networks: which are on it, and how it is shown."""

import itertools
import json
import re
from xml.etree import ElementTree

import pytest

from pdarts_tf.config import SearchConfig
from pdarts_tf.cost.candidates import ImageSetting, candidates
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import GENOTYPES
from pdarts_tf.report.run import read_run
from pdarts_tf.study.front import (
    as_dict,
    as_text,
    front_plot,
    images_of,
    make_front,
    trained_network,
)
from pdarts_tf.study.plots import svg_file
from tests.run_directories import DATA, TRAINING, write_search, write_training

DIGITS = ImageSetting((8, 8, 1), 10, "cifar")
BY_LIMIT = {"M=1": GENOTYPES["DARTS_V2"], "M=0": GENOTYPES["PDARTS"]}
TRIED = candidates(BY_LIMIT, DIGITS, (5, 8), (4, 8, 16))
SVG = "{http://www.w3.org/2000/svg}"


def latency(network):
    return 0.5 + 0.2 * network.layers + network.macs / 20e6


@pytest.fixture
def trained(tmp_path):
    """Trainings of two widths: in this record, both are as accurate."""
    runs = []
    for channels in (8, 16):
        config = TRAINING.from_dict(json.loads(TRAINING.to_json()) | {"init_channels": channels})
        runs.append(read_run(write_training(tmp_path / f"width{channels}", config)))
    return [trained_network(run, BY_LIMIT, DIGITS) for run in runs]


def test_a_network_on_the_front_has_the_most_macs_for_its_parameters():
    found = make_front(TRIED, [], DIGITS, {})
    assert found.num_tried == 12
    sizes = [(each.candidate.parameters, each.candidate.macs) for each in found.networks]
    assert sizes == sorted(sizes)
    for network in TRIED:
        beaten = [s for s in sizes if s[0] <= network.parameters and s[1] >= network.macs]
        assert beaten


def test_with_latencies_fast_networks_are_on_the_front_too():
    tried = candidates(BY_LIMIT, DIGITS)
    measured = {each: latency(each) for each in tried[::40]}
    found = make_front(tried, [], DIGITS, measured)
    assert len(found.networks) > len(make_front(tried, [], DIGITS, {}).networks)
    assert {each.candidate for each in found.networks if each.measured} <= set(measured)
    for each in found.networks:
        assert each.latency == pytest.approx(latency(each.candidate))


def test_a_training_has_its_accuracy_and_its_limit(trained):
    narrow, _ = trained
    assert (narrow.label, narrow.training) == ("M=1", "width8")
    assert narrow.accuracy == pytest.approx(0.6)  # of the best weights, epoch 4
    size = narrow.candidate.layers, narrow.candidate.init_channels
    assert (narrow.candidate.genotype, *size) == (GENOTYPES["DARTS_V2"], 5, 8)


def test_of_trainings_those_that_another_beats_are_not_on_the_front(trained):
    found = make_front(TRIED, trained, DIGITS, {})
    on_front = {each.training: each.on_front for each in found.networks if each.training}
    assert on_front == {"width8": True, "width16": False}  # it costs more, and is not better
    assert len({each.candidate for each in found.networks}) == len(found.networks)


def test_the_table_has_all_trainings_and_only_the_columns_that_are_known(trained):
    plain = as_text(make_front(TRIED, [], DIGITS, {}))
    assert plain.startswith("Networks for images 8x8x1, 10 classes, --stem=cifar\n")
    assert re.search(r"^ +M +cells +channels +parameters +MACs$", plain, re.MULTILINE)
    text = as_text(make_front(TRIED, trained, DIGITS, {each: latency(each) for each in TRIED[:3]}))
    assert re.search(r"M=1 +5 +8 +[\d,]+ +[\d,]+ +~[\d.]+ +60\.00% \* +width8$", text, re.MULTILINE)
    assert re.search(r"60\.00%  +width16$", text, re.MULTILINE)
    assert "~ is predicted from the others" in text


def test_rows_are_apart_and_the_largest_network_is_among_them():
    lines = as_text(make_front(candidates(BY_LIMIT, DIGITS), [], DIGITS, {})).splitlines()
    macs = [int(line.split()[-1].replace(",", "")) for line in lines[3:] if line.startswith("M=")]
    assert macs[-1] == candidates(BY_LIMIT, DIGITS)[0].macs
    assert all(large >= 1.5 * small for small, large in itertools.pairwise(macs))


def test_json_has_the_whole_front(trained):
    found = make_front(TRIED, trained, DIGITS, {})
    content = json.loads(json.dumps(as_dict(found)))
    assert (content["image_shape"], content["num_classes"], content["num_tried"]) == (
        [8, 8, 1],
        10,
        12,
    )
    assert len(content["networks"]) == len(found.networks)
    (best,) = [each for each in content["networks"] if each["training"] == "width8"]
    assert best["max_skip_connects"] == "M=1" and best["latency_ms"] is None and best["on_front"]


def points_and_axes(found):
    plot = front_plot(found)
    assert plot is not None
    root = ElementTree.fromstring(svg_file(plot))
    marks = [each for each in root.iter(f"{SVG}path") if each.get("transform")]
    return len(marks), {each.text for each in root.iter(f"{SVG}text")}


def test_the_plot_shows_accuracies_if_there_are_any(trained):
    found = make_front(TRIED, [], DIGITS, {})
    marks, texts = points_and_axes(found)
    legend = len({each.label for each in found.networks})
    assert marks == len(found.networks) + legend
    assert {"↑ multiply-accumulates", "parameters →", "M=0"} <= texts
    marks, texts = points_and_axes(make_front(TRIED, trained, DIGITS, {}))
    assert marks == 2 + 1
    assert {"↑ test accuracy", "multiply-accumulates →", "M=1"} <= texts
    measured = {each: latency(each) for each in TRIED[:3]}
    assert "latency (ms) →" in points_and_axes(make_front(TRIED, trained, DIGITS, measured))[1]


def test_images_are_those_of_a_run(tmp_path):
    large = DATA | {"image_shape": [64, 64, 3], "class_names": ["a", "b"]}
    search = write_search(tmp_path / "search", data=large, epochs=1)
    assert images_of(read_run(search)) == ImageSetting((64, 64, 3), 2, "stride2")


def test_a_run_that_does_not_say_its_images_is_refused(tmp_path):
    search = write_search(tmp_path / "search", SearchConfig(), epochs=1, data={})
    with pytest.raises(InputError, match="the shape and the classes of the images"):
        images_of(read_run(search))


def test_trainings_that_are_none_or_on_other_images_are_refused(tmp_path):
    search = read_run(write_search(tmp_path / "search"))
    with pytest.raises(InputError, match="run directories of finished trainings"):
        trained_network(search, BY_LIMIT, DIGITS)
    training = write_training(tmp_path / "training")
    with pytest.raises(InputError, match="must have images 32x32x3, 10 classes"):
        trained_network(read_run(training), BY_LIMIT, ImageSetting((32, 32, 3), 10, "cifar"))
    (training / "result.json").unlink()
    with pytest.raises(InputError, match="run directories of finished trainings"):
        trained_network(read_run(training), BY_LIMIT, DIGITS)
