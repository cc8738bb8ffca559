"""The command line: recipe before flags, errors in one line with exit code 2."""

import pytest
from absl import flags

from flags import command_line
from flags.settings import define_flags, read_flags
from pdarts_tf.config import SearchConfig

RECIPES = {
    "search_digits.flags": "# Any comment.\n--epochs=8\n--warmup_epochs=3\n--layers=3,4,5\n",
    "search_cifar100.flags": "--skip_dropout_rates=0.1,0.2,0.3\n",
}


@pytest.fixture(autouse=True)
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


def assert_one_line(capsys, message):
    """Sees that one line on standard error, and nothing else, was printed."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("error: ")
    assert message in printed.err


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


def test_positional_arguments_are_returned(parse):
    rest, _ = parse("cifar10", "--seed=1")
    assert rest == ["cifar10"]


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--sead=1", "Unknown command line flag 'sead'. Did you mean: seed ?"),
        ("--epochs=many", "flag --epochs=many: invalid literal for int()"),
        ("--layers=3;4;5", "flag --layers=3;4;5: expected ints, separated by commas"),
        ("--epochs", "Missing value for flag --epochs"),
        ("--flagfile=/nonexistent", "Unable to open flagfile"),
    ],
)
def test_wrong_flags_end_the_program_in_one_line(capsys, parse, flag, message):
    with pytest.raises(SystemExit) as ended:
        parse(flag)
    assert ended.value.code == 2
    assert_one_line(capsys, message)


def test_failing_joins_the_lines_of_a_message(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.fail("no data\n  in  /tmp\n")
    assert ended.value.code == 2
    assert_one_line(capsys, "error: no data in /tmp\n")


def test_running_calls_main_and_ends_with_0(monkeypatch):
    called = []
    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(SystemExit) as ended:
        command_line.run(lambda: called.append(True), list)
    assert not ended.value.code
    assert called == [True]


def test_running_refuses_positional_arguments(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["program", "cifar10", "now"])
    with pytest.raises(SystemExit) as ended:
        command_line.run(lambda: pytest.fail("main is called"), list)
    assert ended.value.code == 2
    assert_one_line(capsys, "expected flags only, such as --seed=1. Received: cifar10 now")


def test_recipe_path_is_none_without_a_recipe():
    assert command_line.recipe_path("search", "svhn_cropped") is None
