"""Flags that searches and trainings share."""

import pytest
from absl import flags

from flags.fields import define_flags, read_flags
from flags.run_flags import define_run_flags
from pdarts_tf.config import CheckpointConfig, SearchConfig
from pdarts_tf.runs.options import RunOptions
from pdarts_tf.training.devices import Devices


def options(*argv):
    """The options of a command line."""
    values = flags.FlagValues()
    define_flags(SearchConfig, "example", values)
    read = define_run_flags("search", "example", values)
    values(["program", *argv])
    return read()


def parsed(*argv):
    """The steps that a command line asks to profile."""
    return options(*argv).profile_steps


def test_without_flags_options_are_the_defaults():
    assert options() == RunOptions()


def test_options_are_those_of_the_flags():
    read = options(
        "--data_dir=D", "--output_dir=R", "--dry_run", "--memory_limit_gb=4",
        "--distribution=mirrored", "--num_cpu_devices=2", "--keep_checkpoints=3",
        "--compilation_cache_dir=C", "--gpu_memory=all", "--plugins=a,b.c",
    )  # fmt: skip
    assert read == RunOptions(
        data_dir="D",
        output_dir="R",
        devices=Devices("mirrored", 2),
        checkpoints=CheckpointConfig(keep_checkpoints=3),
        compilation_cache_dir="C",
        dry_run=True,
        memory_limit_gb=4.0,
        gpu_memory="all",
        plugins=("a", "b.c"),
    )


def test_what_was_given_is_known_if_there_is_no_recipe():
    given = options("--dataset=folder", "--batch_size=96", "--noflip", "--data_dir=D").given
    assert given == {"dataset", "batch_size", "flip"}


def test_a_recipe_sets_what_was_not_given():
    assert options("--dataset=cifar100", "--batch_size=96").given is None


@pytest.mark.parametrize(("text", "chosen"), [("96", False), ("auto", True)])
def test_the_batch_size_may_be_left_to_the_program(text, chosen):
    values = flags.FlagValues()
    define_flags(SearchConfig, "example", values)
    read = define_run_flags("search", "example", values)
    values(["program", f"--batch_size={text}"])
    assert read() == RunOptions(auto_batch_size=chosen)
    assert read_flags(SearchConfig, values) == SearchConfig()


@pytest.mark.parametrize(
    ("text", "steps"), [("10,20", (10, 20)), ("1,1", (1, 1)), ("3, 4", (3, 4)), ("007,9", (7, 9))]
)
def test_the_first_and_the_last_step_are_read(text, steps):
    assert parsed(f"--profile_steps={text}") == steps


def test_nothing_is_profiled_unless_asked_for():
    assert parsed() is None


@pytest.mark.parametrize(
    "text",
    ["", "5", "1,2,3", "4,3", "0,3", "-1,3", "1.5,3", "a,b", "1,", "²,3", f"1,{'9' * 5000}"],
    ids=lambda text: text[:9],
)
def test_other_texts_are_refused_and_the_message_says_what_is_expected(text):
    with pytest.raises(flags.IllegalFlagValueError, match=r"expected two steps.* such as 10,20"):
        parsed(f"--profile_steps={text}")


def test_the_limit_of_pixels_is_a_positive_number():
    assert options("--max_megapixels=0.5").max_megapixels == 0.5
    for text in ("0", "-1", "nan", "inf", "many"):
        with pytest.raises(flags.IllegalFlagValueError, match="max_megapixels"):
            options(f"--max_megapixels={text}")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "much"])
def test_the_limit_of_memory_is_a_finite_number(text):
    with pytest.raises(flags.IllegalFlagValueError, match="memory_limit_gb"):
        options("--dry_run", f"--memory_limit_gb={text}")


def test_more_logical_devices_than_anybody_needs_are_refused():
    with pytest.raises(flags.IllegalFlagValueError, match="num_cpu_devices"):
        options("--distribution=mirrored", "--num_cpu_devices=1000000")


def test_paths_may_begin_with_the_home_directory(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    read = options("--data_dir=~/my data", "--output_dir=~", "--compilation_cache_dir=a~b")
    assert (read.data_dir, read.output_dir) == ("/home/me/my data", "/home/me")
    assert read.compilation_cache_dir == "a~b"


@pytest.mark.parametrize("path", ["~nobody-has-this-name/run", "a\nb", "a\0b", "caf\udce9"])
def test_paths_that_no_run_can_have_are_refused(path):
    with pytest.raises(flags.IllegalFlagValueError, match="output_dir") as refused:
        options(f"--output_dir={path}")
    assert "expected a path" in str(refused.value) or "no such home" in str(refused.value)
