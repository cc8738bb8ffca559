"""`python -m pdarts_tf.report`: what the page says, and how the command ends."""

import base64
import dataclasses
import hashlib
import html
import json
import re
import subprocess
import sys

import pytest

from flags.command_line import recipe_settings
from pdarts_tf.cost.counting import total
from pdarts_tf.cost.description import SETTINGS
from pdarts_tf.durations import duration
from pdarts_tf.report.cards import network_count
from pdarts_tf.report.page import report, write_report
from pdarts_tf.report.run import read_run
from tests.run_directories import (
    DATA,
    ONE_STAGE,
    SEARCH,
    TRAINING,
    write_config,
    write_search,
    write_training,
)
from tests.source_tree import ROOT

EVIL = "</script><script>alert('x')</script>"


def page(*paths):
    return report([read_run(path) for path in paths], recipe_settings)


def text_of(markup):
    """What a person reads, on one line."""
    body = re.sub(r"<script.*?</script>", "", markup.split("<body>")[1], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def run_command(*arguments):
    """Runs the program, with every import of TensorFlow made to fail."""
    code = (
        "import runpy, sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
        "runpy.run_module('pdarts_tf.report', run_name='__main__', alter_sys=True)"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_report_of_a_run_lies_in_its_directory(tmp_path):
    write_search(tmp_path / "run")
    done = run_command(tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(tmp_path / "run" / "report.html") in done.stdout
    assert (tmp_path / "run" / "report.html").read_text() == page(tmp_path / "run")


def test_several_runs_are_compared_in_one_file(tmp_path):
    write_search(tmp_path / "one")
    write_search(tmp_path / "other", dataclasses.replace(SEARCH, seed=7), seed=1)
    done = run_command(tmp_path / "one", tmp_path / "other", f"--output={tmp_path / 'both.html'}")
    assert (done.returncode, done.stderr) == (0, "")
    text = text_of((tmp_path / "both.html").read_text())
    assert "setting one other --seed 0 7" in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "expected run directories"),
        (["nowhere"], "expected a run directory"),
        (["{run}", "{run}"], "add --output=FILE"),
        (["{run}", "--output=nowhere/report.html"], "pass a path in an existing directory"),
        (["{run}", "--nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path, arguments, reason):
    write_search(tmp_path, epochs=1)
    done = run_command(*(each.format(run=tmp_path) for each in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_search_is_told_from_its_settings_to_its_genotypes(tmp_path):
    text = text_of(page(write_search(tmp_path / "run")))
    assert "Settings that differ from the recipe for digits" in text
    assert "--epochs 4 8 Number of epochs per stage." in text
    assert "python -m pdarts_tf.search --dataset=digits" in text
    assert "1 3 8 8 0 209,010 4 of 4 70.0 % 60.0 % - 101.5 8 s" in text.replace("\N{EN DASH}", "-")
    assert "stage 3, epoch 4" in text
    assert "dropped after stage 2" in text
    assert "unrestricted = M=4 skip-connects 4" in text
    assert "M=2 the result skip-connects 2" in text
    assert "tensorflow 2.21.0" in text


def test_a_search_that_goes_on_says_so(tmp_path):
    text = text_of(page(write_search(tmp_path, epochs=5)))
    assert "not finished epochs 5 of 12" in text
    assert "stage 2, epoch 1" in text
    assert "has no result yet" in text


def test_a_run_without_an_epoch_says_so(tmp_path):
    write_config(tmp_path, SEARCH)
    assert "No epoch is finished yet." in text_of(page(tmp_path))


def test_what_could_not_be_read_is_said(tmp_path):
    write_search(tmp_path)
    (tmp_path / "alphas.jsonl").write_text("{")
    text = text_of(page(tmp_path))
    assert "Some files could not be read: alphas.jsonl is damaged in line 1" in text


def test_a_training_shows_its_scores_and_its_network(tmp_path):
    text = text_of(page(write_training(tmp_path)))
    assert (
        "test accuracy 60.0 % with the best weights (epoch 4, by validation accuracy: 70.0 %), "
        "65.0 % with the last weights (epoch 5)"
    ) in text
    assert "training images 1,433, of which 10.0 % of each class for validation" in text
    assert "Accuracy by epoch: weights from 55.0 % to 75.0 %" in page(tmp_path)
    assert "validation, top 5" in text
    assert "DARTS_V2" in text
    assert "parameters" in text and "MACs" in text


def test_a_training_without_validation_shows_its_last_weights(tmp_path):
    config = dataclasses.replace(TRAINING, validation_portion=0.0)
    text = text_of(page(write_training(tmp_path, config)))
    assert "test accuracy 65.0 % with the last weights (epoch 5)" in text
    assert "with the best weights" not in text
    assert "training images 1,433 test images" in text


def test_trainings_are_compared_by_validation_and_test(tmp_path):
    config = dataclasses.replace(TRAINING, validation_portion=0.0, seed=1)
    markup = page(write_training(tmp_path / "one"), write_training(tmp_path / "other", config))
    assert "Validation accuracy by epoch: one from 40.0 %" in markup
    assert "Test accuracy by epoch: one from 45.0 % to 65.0 %" in markup
    text = text_of(markup)
    assert "test accuracy 60.0 % with the best weights (epoch 4, by validation" in text
    assert "--validation_portion 0.1 0.0" in text


def test_a_training_stands_by_the_genotype_that_it_trained(tmp_path):
    search = write_search(tmp_path / "search")
    genotype = read_run(search).genotype
    write_training(tmp_path / "train", dataclasses.replace(TRAINING, genotype=str(genotype)))
    write_training(tmp_path / "other")
    text = text_of(page(search, tmp_path / "train", tmp_path / "other"))
    assert text.count("Trained in train : test accuracy 60.0 % with the best weights") == 1
    assert "Trained in other" not in text


def test_texts_of_a_run_directory_are_escaped(tmp_path):
    path = tmp_path / "<b>run"
    data = {**DATA, "name": EVIL, "class_names": [EVIL, "&"]}
    write_search(path, dataclasses.replace(SEARCH, dataset=EVIL), data=data)
    record = (path / "metrics.jsonl").read_text().replace('"loss"', '"<script>loss"')
    (path / "metrics.jsonl").write_text(record)
    markup = page(path)
    assert markup.count("<script") == 2  # the page's own script and its data
    assert "<b>" not in markup
    assert EVIL in text_of(markup)


def test_only_the_script_of_the_page_may_run(tmp_path):
    markup = page(write_search(tmp_path))
    [script] = re.findall(r"<script>(.*?)</script>", markup, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in markup


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    markup = page(write_search(tmp_path))
    assert re.findall(r'(?:src|href)="(?!#|data:,)[^"]*"|url\(|@import', markup) == []


def test_identifiers_are_unique_and_every_reference_leads_somewhere(tmp_path):
    markup = page(write_search(tmp_path / "a"), write_training(tmp_path / "b"))
    ids = re.findall(r'\bid="([^"]+)"', markup)
    assert len(ids) == len(set(ids))
    references = re.findall(r'(?:for|aria-labelledby|data-course|href="#)="?([^"]+)"', markup)
    assert {name for reference in references for name in reference.split()} <= set(ids)


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path):
    markup = page(write_search(tmp_path / "a" / "run"), write_search(tmp_path / "b" / "run"))
    assert str(tmp_path / "a" / "run") + ": search" in text_of(markup)


def test_the_same_run_has_the_same_report(tmp_path):
    path = write_search(tmp_path)
    file = write_report(path, recipe_settings)
    before = file.read_bytes()
    write_report(path, recipe_settings)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (3600, "1 h 0 min"), (90061, "25 h 1 min")],
)
def test_durations_are_for_people(seconds, text):
    assert duration(seconds) == text


def test_a_random_search_has_samples_instead_of_stages(tmp_path):
    config = dataclasses.replace(SEARCH, **ONE_STAGE, samples=2)
    text = page(write_search(tmp_path / "run", config))
    assert "<h3>Samples</h3>" in text
    assert "When operations were dropped" not in text


def test_a_comparison_has_the_cost_of_every_network(tmp_path):
    search, training = write_search(tmp_path / "one"), write_training(tmp_path / "two")
    running = write_search(tmp_path / "three", epochs=2)
    text = text_of(page(search, training, running))
    genotype, trained = read_run(search).genotype, network_count(read_run(training))
    assert genotype is not None and trained is not None
    published = total(SETTINGS["cifar10"].blocks(genotype))
    for count in (published, trained):
        assert f"{count.parameters / 1e6:.2f} M {count.macs / 1e6:.1f} M" in text
    assert "2 of 12 4 s \u2013 \u2013 \u2013" in text


def test_the_page_says_how_the_run_was_started(tmp_path):
    path = write_search(tmp_path / "run")
    content = json.loads((path / "config.json").read_text())
    content["started"] = {"command": "python -m pdarts_tf.search --seed=1", "devices": "CPU"}
    (path / "config.json").write_text(json.dumps(content))
    text = text_of(page(path))
    assert "How it was started fact value command python -m pdarts_tf.search --seed=1" in text


ASSESSMENT = {
    "images": [3, 2], "correct": [3, 1], "confusion": [[3, 0], [1, 1]], "confused": [[1, 0, 1]],
    "calibration": [[5, 0.9, 0.8]], "calibration_error": 0.1,
    "mistakes": [
        {"index": 4, "label": 1, "predicted": 0, "confidence": 0.97, "image": EVIL,
         "thumbnail": "iVBORw0KGgoAAAA="}
    ],
}  # fmt: skip


def assessed(tmp_path, **changes):
    """The page of a training that ended with an assessment."""
    names = {"class_names": ["cat", "dog"]}
    path = write_training(tmp_path / "run", data=DATA | names)
    result = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps(result | {"test": ASSESSMENT | changes}))
    return page(path)


def test_a_training_shows_what_its_answers_are_worth(tmp_path):
    markup = assessed(tmp_path)
    text = text_of(markup)
    assert "Expected calibration error 10.0 %" in text
    assert "dog 2 1 50.0 % cat 3 3 100.0 %" in text
    assert "dog taken for cat ( 97.0 % )" in text
    assert 'src="data:image/png;base64,iVBORw0KGgoAAAA="' in markup
    assert EVIL not in markup


def test_a_damaged_assessment_is_left_out_and_said(tmp_path):
    text = text_of(assessed(tmp_path, images=[3]))
    assert "result.json is damaged (1 counts of 2 classes)" in text
    assert "class by class" not in text
