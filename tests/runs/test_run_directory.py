"""The run directory: whom it belongs to, and what it remembers."""

import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys

import pytest

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.errors import InputError, StoppedError
from pdarts_tf.runs import provenance, run_directory
from pdarts_tf.runs.files import WriteError
from pdarts_tf.runs.run_directory import RunDirectory, RunDirectoryError

CONFIG = SearchConfig(epochs=8, warmup_epochs=3)
DATA = {"name": "digits", "class_names": ["0", "1"]}
HOLD_LOCK = """
import fcntl, sys
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def open_run(path, config=CONFIG):
    return RunDirectory(path, config, DATA)


@pytest.fixture
def used(tmp_path):
    """A directory in which a run has been."""
    with open_run(tmp_path / "used"):
        pass
    return tmp_path / "used"


@pytest.fixture
def locked(used):
    """A directory that another process has open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, used / ".lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield used, process
    process.kill()
    process.communicate()


def contents(path):
    return {each.name: each.read_bytes() for each in path.iterdir()}


def change_stored(path, **changes):
    """Changes what config.json holds, None taking a setting away."""
    stored = json.loads((path / "config.json").read_text())
    stored["config"] |= changes
    stored["config"] = {name: v for name, v in stored["config"].items() if v != "away"}
    (path / "config.json").write_text(json.dumps(stored))


def without_validation(path, name="weights_last.npz"):
    """A training of an earlier version, which knew no validation, with weights of a name."""
    with open_run(path, TrainConfig()):
        (path / name).touch()
    change_stored(path, validation_portion="away")
    return path


def test_the_best_weights_count_if_a_validation_has_chosen_them(tmp_path):
    for name in ("weights_best.npz", "weights_last.npz"):
        (tmp_path / name).touch()
    best = run_directory.stored_weights(tmp_path, TrainConfig())
    last = run_directory.stored_weights(tmp_path, TrainConfig(validation_portion=0.0))
    assert (best.name, last.name) == ("weights_best.npz", "weights_last.npz")


def test_the_last_weights_of_earlier_versions_count(tmp_path):
    path = without_validation(tmp_path / "run")
    config = run_directory.read_settings(path, TrainConfig)
    assert run_directory.stored_weights(path, config) == path / "weights_last.npz"


def test_weights_that_were_chosen_by_the_test_do_not_count(tmp_path):
    path = without_validation(tmp_path / "run", "weights_best.npz")
    config = run_directory.read_settings(path, TrainConfig)
    with pytest.raises(RunDirectoryError, match=r"has no weights_last\.npz; has its training fin"):
        run_directory.stored_weights(path, config)


def test_a_training_of_earlier_versions_goes_on_without_validation(tmp_path):
    path = without_validation(tmp_path / "run")
    run_directory.check(path, TrainConfig(validation_portion=0.0))
    message = r"its --validation_portion is 0\.0, not 0\.1; choose another --output_dir"
    with pytest.raises(RunDirectoryError, match=message):
        run_directory.check(path, TrainConfig())


def test_a_new_directory_is_made_with_its_parents(tmp_path):
    with open_run(tmp_path / "runs" / "a") as run:
        assert run.path == tmp_path / "runs" / "a"
        assert sorted(contents(run.path)) == [".lock", "config.json"]


def test_an_empty_directory_can_be_used(tmp_path):
    with open_run(tmp_path) as run:
        assert (run.path / "config.json").is_file()


def test_settings_data_and_versions_are_stored(used):
    stored = json.loads((used / "config.json").read_text())
    assert stored["data"] == DATA
    assert stored["versions"] == provenance.versions()
    assert SearchConfig.from_dict(stored["config"]) == CONFIG


def test_the_same_settings_open_a_directory_again_and_leave_config_json(used):
    before = (used / "config.json").stat().st_mtime_ns
    with open_run(used):
        pass
    assert (used / "config.json").stat().st_mtime_ns == before


def test_checking_touches_nothing(tmp_path):
    run_directory.check(tmp_path / "new", CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_a_directory_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunDirectoryError, match=r"must be a directory\. Received: .*, a file"):
        run_directory.check(tmp_path / "file", CONFIG)


def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunDirectoryError, match=r"--output_dir cannot be made .*; choose another"):
        open_run(tmp_path / "file" / "run")


def test_a_directory_with_other_files_is_refused_and_stays_as_it_is(tmp_path):
    (tmp_path / "thesis.tex").write_text("\\documentclass{book}")
    with pytest.raises(
        RunDirectoryError, match=r"has files but no config.json; choose another one"
    ):
        open_run(tmp_path)
    assert list(contents(tmp_path)) == ["thesis.tex"]


def test_other_settings_are_refused_naming_the_first_difference(used):
    before = contents(used)
    other = dataclasses.replace(CONFIG, layers=(3, 4, 5), seed=7)
    with pytest.raises(RunDirectoryError) as refused:
        open_run(used, other)
    assert str(refused.value) == (
        f"{used} holds another run: its --seed is 0, not 7; choose another --output_dir"
    )
    assert contents(used) == before


@pytest.mark.parametrize("number", [None, 1, 3])
def test_a_run_of_another_format_is_refused_and_stays_as_it_is(used, number):
    stored = json.loads((used / "config.json").read_text())
    stored["versions"]["pdarts-tf"] = "0.0.9"
    del stored["format"]
    (used / "config.json").write_text(json.dumps(stored | ({"format": number} if number else {})))
    before = contents(used)
    with pytest.raises(RunDirectoryError) as refused:
        open_run(used)
    assert str(refused.value) == (
        f"{used} holds a run of another version (pdarts-tf 0.0.9, format {number or 1}; this "
        "version goes on with format 2 only); finish it with the version that made it, or choose "
        "another --output_dir"
    )
    assert contents(used) == before


@pytest.mark.parametrize(
    ("change", "odd"), [({"epochs": "away"}, "epochs"), ({"unheard_of": 1}, "unheard_of")]
)
def test_a_run_of_another_version_is_refused(used, change, odd):
    change_stored(used, **change)
    with pytest.raises(RunDirectoryError, match=f"not hold a SearchConfig of this version .*{odd}"):
        open_run(used)


@pytest.mark.parametrize("text", ["{", "{}", "[]", "null", '{"config": 3}', "\xff"])
def test_a_config_json_of_something_else_is_refused(used, text):
    (used / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(RunDirectoryError, match=r"expected (a run directory|settings in .*)\. Rec"):
        run_directory.check(used, CONFIG)


@pytest.mark.parametrize("text", ['{"config": ' + "[" * 5000 + "]" * 5000 + "}", "[" * 100_000])
def test_a_config_json_that_is_nested_deeply_is_one_line(used, text):
    (used / "config.json").write_text(text)
    for read in (lambda: run_directory.check(used, CONFIG), lambda: open_run(used)):
        with pytest.raises(RunDirectoryError, match="nested too deeply") as caught:
            read()
        assert len(str(caught.value).splitlines()) == 1


def test_a_config_json_that_is_no_file_is_one_line(used):
    (used / "config.json").unlink()
    os.mkfifo(used / "config.json")
    with pytest.raises(RunDirectoryError, match="is not a file"):
        run_directory.read_config(used)


@pytest.mark.parametrize("data", [None, [], {}, {"mean": ["x"], "std": [1]}, {"mean": 1, "std": 2}])
def test_data_without_a_normalization_is_refused(used, data):
    stored = json.loads((used / "config.json").read_text())
    (used / "config.json").write_text(json.dumps(stored | {"data": data}))
    with pytest.raises(RunDirectoryError, match="expected the data of the run"):
        run_directory.stored_data(used)


def test_a_run_of_another_command_is_refused(used):
    with pytest.raises(RunDirectoryError, match="not hold a TrainConfig of this version"):
        run_directory.check(used, TrainConfig())


def test_a_run_that_died_before_its_first_file_can_be_started_again(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".config.json.tmp").write_text("{")
    with open_run(tmp_path):
        pass


def test_what_a_killed_process_left_unfinished_is_removed(used):
    (used / ".metrics.jsonl.tmp").write_text("{")
    with open_run(used):
        assert not (used / ".metrics.jsonl.tmp").exists()


def test_a_log_that_cannot_be_written_ends_the_run(used):
    with open_run(used) as run, pytest.raises(WriteError, match=r"run\.log cannot be written"):
        (used / "run.log").unlink(missing_ok=True)
        (used / "run.log").mkdir()
        logging.getLogger("pdarts_tf").error("a line")
    assert run.path == used


def test_a_directory_belongs_to_one_process(locked):
    path, _ = locked
    before = contents(path)
    with pytest.raises(RunDirectoryError, match=r"another process is running in .*; wait for it"):
        open_run(path)
    assert contents(path) == before


def test_the_lock_dies_with_its_process(locked):
    path, process = locked
    process.kill()
    process.communicate()
    with open_run(path):
        pass


def test_a_closed_directory_is_free(used):
    with open_run(used), pytest.raises(RunDirectoryError, match="another process"):
        open_run(used)
    with open_run(used):
        pass


def test_records_come_back(used):
    records = [{"epoch": 1, "loss": 2.25}, {"epoch": 2, "loss": 1e-30, "kept": ["a", "b"]}]
    with open_run(used) as run:
        run.write_records("metrics.jsonl", records)
    lines = (used / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records


def test_texts_come_back(used):
    with open_run(used) as run:
        run.write("genotype.json", "{}\n")
        assert (used / "genotype.json").read_text() == "{}\n"


def test_log_keeps_what_was_said_while_the_directory_was_open(used):
    logger = logging.getLogger("pdarts_tf")
    with open_run(used):
        logger.info("first")
    logger.info("in between")
    with open_run(used):
        logger.info("second")
    lines = (used / "run.log").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["first", "second"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("no data"), "no data"),
        (StoppedError(signal.SIGTERM), "stopped by SIGTERM with a checkpoint of the last step; th"),
        (KeyboardInterrupt(), "KeyboardInterrupt at "),
        (ValueError("two\nlines"), "test_run_directory.py:"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_log_says_what_has_ended_a_run(used, error, line, capsys):
    with pytest.raises(type(error)), open_run(used):
        raise error
    last = (used / "run.log").read_text().splitlines()[-1]
    assert line in last
    assert line not in capsys.readouterr().out  # the command prints it


def test_how_a_run_was_started_is_kept_when_it_goes_on(tmp_path):
    for command in ("first", "second"):
        with RunDirectory(tmp_path, CONFIG, DATA, started={"command": command}):
            pass
    assert json.loads((tmp_path / "config.json").read_text())["started"] == {"command": "first"}


def test_default_path_is_the_same_for_the_same_command():
    config = SearchConfig(dataset="cifar10", seed=3)
    assert run_directory.default_path("search", config) == "runs/search_cifar10_seed3"
