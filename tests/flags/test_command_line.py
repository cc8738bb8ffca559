"""The command line: recipe before flags, errors in one line with exit code 2."""

import subprocess
import sys

import pytest
from absl import flags

from flags import command_line
from flags.fields import define_flags, given_fields, read_flags
from pdarts_tf.config import SearchConfig
from tests.source_tree import ROOT

RECIPES = {
    "search_digits.flags": "# Any comment.\n--epochs=8\n--warmup_epochs=3\n--layers=3,4,5\n",
    "search_cifar100.flags": "--skip_dropout_rates=0.1,0.2,0.3\n",
}
ENTRY_POINT = """
from flags import command_line, search_flags
from pdarts_tf import errors

def main():
    {body}

command_line.run(main, search_flags, recipes_of="search")
"""


@pytest.fixture
def values(tmp_path, monkeypatch):
    """The flags of a search in place of those of the process, and recipes to go with them."""
    values = flags.FlagValues()
    define_flags(SearchConfig, "search", values)
    monkeypatch.setattr(flags, "FLAGS", values)
    for name, text in RECIPES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(command_line, "RECIPES", tmp_path)
    return values


@pytest.fixture
def parse(values):
    """Parses a command line of a search: its positional arguments and settings."""

    def parse(*argv):
        program, *rest = command_line.parse_with_recipe("search", ["program", *argv])
        assert program == "program"
        return rest, read_flags(SearchConfig, values)

    return parse


def test_the_recipe_of_the_default_data_set_is_read(parse):
    _, config = parse()
    assert config == SearchConfig(epochs=8, warmup_epochs=3, layers=(3, 4, 5))


@pytest.mark.parametrize("form", [("--dataset=cifar100",), ("--dataset", "cifar100")], ids=len)
def test_the_recipe_of_the_named_data_set_is_read(parse, form):
    _, config = parse(*form)
    assert config == SearchConfig(dataset="cifar100", skip_dropout_rates=(0.1, 0.2, 0.3))


@pytest.mark.parametrize("form", [("--epochs=9",), ("--epochs", "9"), ("-epochs=9",)], ids=str)
def test_the_command_line_wins_over_the_recipe(parse, form):
    _, config = parse(*form)
    assert (config.epochs, config.warmup_epochs) == (9, 3)


def test_the_last_of_two_equal_flags_wins(parse):
    _, config = parse("--epochs=9", "--epochs=10")
    assert config.epochs == 10


@pytest.mark.parametrize("joined", [True, False])
def test_a_flagfile_wins_over_the_recipe(parse, tmp_path, joined):
    mine = tmp_path / "mine.flags"
    mine.write_text("--epochs=20\n--seed=4\n")
    _, config = parse(*([f"--flagfile={mine}"] if joined else ["--flagfile", str(mine)]))
    assert (config.epochs, config.warmup_epochs, config.seed) == (20, 3, 4)


def test_a_flag_after_a_flagfile_wins_over_it(parse, tmp_path):
    (tmp_path / "mine.flags").write_text("--epochs=20\n--seed=4\n")
    _, config = parse(f"--flagfile={tmp_path / 'mine.flags'}", "--seed=5")
    assert (config.epochs, config.seed) == (20, 5)


def test_a_flagfile_may_name_the_data_set(parse, tmp_path):
    (tmp_path / "mine.flags").write_text("--dataset=cifar100\n")
    _, config = parse(f"--flagfile={tmp_path / 'mine.flags'}")
    assert config == SearchConfig(dataset="cifar100", skip_dropout_rates=(0.1, 0.2, 0.3))


def test_without_a_recipe_the_defaults_hold(parse):
    _, config = parse("--dataset=svhn_cropped", "--seed=1")
    assert config == SearchConfig(dataset="svhn_cropped", seed=1)


def test_another_command_has_recipes_of_its_own(values):
    command_line.parse_with_recipe("train", ["program", "--dataset=digits"])
    assert read_flags(SearchConfig, values) == SearchConfig()


def test_what_a_recipe_sets_was_not_given(parse, values, tmp_path):
    (tmp_path / "mine.flags").write_text("--seed=4\n")
    parse(f"--flagfile={tmp_path / 'mine.flags'}", "--epochs=9", "--noflip")
    assert given_fields(SearchConfig, values) == {"seed", "epochs", "flip"}


def test_positional_arguments_are_returned(parse):
    rest, _ = parse("cifar10", "--seed=1")
    assert rest == ["cifar10"]


def test_recipe_path_is_none_without_a_recipe():
    assert command_line.recipe_path("search", "svhn_cropped") is None


# Running an entry point, each time as a process: its errors become one line and an exit code.


def run(body, *argv):
    """Runs an entry point with the flags of the search and a main function of this body."""
    return subprocess.run(
        [sys.executable, "-c", ENTRY_POINT.format(body=body), *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_ended(process, code, message):
    """Sees that a process ended with a code and one line on standard error, nothing else."""
    assert (process.returncode, process.stdout) == (code, ""), process.stderr
    assert process.stderr.count("\n") == 1
    assert message in process.stderr


def test_main_sees_the_parsed_flags_and_the_program_ends_with_0():
    process = run("print(search_flags.search_config().seed)", "--seed=3")
    assert (process.returncode, process.stdout, process.stderr) == (0, "3\n", "")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--sead=1", "error: Unknown command line flag 'sead'. Did you mean: seed ?"),
        ("--epochs=many", "error: flag --epochs=many: invalid literal for int()"),
        ("--layers=3;4;5", "error: flag --layers=3;4;5: expected ints, separated by commas"),
        ("--epochs", "error: Missing value for flag --epochs"),
        ("--flagfile=/nonexistent", "Unable to open flagfile"),
        ("cifar10", "error: expected flags only, such as --seed=1. Received: cifar10"),
    ],
)
def test_a_wrong_command_line_ends_the_program_with_2(flag, message):
    assert_ended(run("print('called')", flag), 2, message)


def test_settings_that_do_not_fit_end_the_program_with_2():
    process = run("search_flags.search_config()", "--layers=3,4")
    assert_ended(process, 2, "--layers has 2, --candidates has 3")


@pytest.mark.parametrize(("kind", "code"), [("InputError", 2), ("RunError", 1)])
def test_errors_that_a_person_can_mend_become_one_line(kind, code):
    process = run(f"raise errors.{kind}('no data\\n  in  /tmp\\n')")
    assert_ended(process, code, "error: no data in /tmp\n")


def test_an_interrupt_ends_the_program_with_1_and_says_how_to_go_on():
    process = run("raise KeyboardInterrupt")
    assert_ended(process, 1, "interrupted; the same command resumes the run\n")


@pytest.mark.parametrize(("by", "code"), [("SIGTERM", 75), ("SIGINT", 1)])
def test_a_run_that_was_stopped_ends_with_a_code_by_the_signal(by, code):
    process = run(f"import signal; raise errors.StoppedError(signal.{by})")
    assert_ended(process, code, f"stopped by {by} with a checkpoint of the last step; the same com")


def test_defects_keep_their_traceback():
    process = run("1 / 0")
    assert process.returncode == 1
    assert process.stderr.startswith("Traceback")
    assert process.stderr.endswith("ZeroDivisionError: division by zero\n")


# The end of a process: what others have registered for it is done, but nothing is taken apart.

OBJECT = """
import atexit, sys, threading
class Graph:
    def __del__(self):
        print("taken apart")
def main():
    atexit.register(print, "registered")
    threading.Timer(0.2, print, ["other thread"]).start()
    graph = Graph()
    {then}
"""


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("global kept; kept = graph", 0),
        ("raise errors.RunError('full')", 1),
        ("import signal; raise errors.StoppedError(signal.SIGTERM)", 75),
    ],
)
def test_a_command_ends_without_taking_its_graphs_apart(then, code):
    body = OBJECT.format(then=then).replace("def main():", "def work():")
    process = run(f"exec({body!r}, globals()); work()")
    assert (process.returncode, process.stdout) == (code, "other thread\nregistered\n")
