"""--help: flags in groups, what matters first, with the defaults of the data set."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from flags import flag_groups
from flags.command_line import EXIT_USAGE
from flags.flag_groups import grouped
from flags.help_text import WIDTH
from tests.commands import run_command
from tests.source_tree import ROOT, sources

FLAGS_OF_COMMANDS = """
import importlib, json, os, sys
from absl import flags
from flags.help_text import own_flags
for name in sys.argv[1:]:
    if not os.fork():
        module = importlib.import_module(name)
        first = getattr(module, "FIRST", ())
        print(json.dumps([name, sorted(own_flags(flags.FLAGS)), first]))
        sys.exit()
    if os.wait()[1]:
        sys.exit(1)
"""


@pytest.fixture(scope="module")
def commands():
    """{module of flags: (names of all flags, those that come first)} of every command."""
    modules = [f"flags.{path[6:-3]}" for path in sources("flags") if path.endswith("_flags.py")]
    commands = [name for name in modules if name != "flags.run_flags"]
    done = subprocess.run(
        [sys.executable, "-c", FLAGS_OF_COMMANDS, *commands],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {
        name: (names, first) for name, names, first in map(json.loads, done.stdout.splitlines())
    }


def test_every_flag_of_every_command_is_in_exactly_one_group(commands):
    assert len(commands) >= 8
    for names, first in commands.values():
        shown = [name for group in grouped(set(names), tuple(first)).values() for name in group]
        assert sorted(shown) == names


def test_every_group_has_flags_of_commands_only(commands):
    known = {name for names, _ in commands.values() for name in names}
    counts = Counter(name for members in flag_groups.GROUPS.values() for name in members)
    assert set(counts) == known
    assert max(counts.values()) == 1


def test_at_most_five_flags_come_first(commands):
    assert all(len(first) <= 5 for _, first in commands.values())


def test_a_flag_without_a_group_is_an_error():
    with pytest.raises(KeyError, match="no_such_flag"):
        grouped({"seed", "no_such_flag"})


@pytest.fixture(scope="module")
def search_help():
    """Function of further words to the output of the search's --help."""

    def shown(*words):
        done = run_command("pdarts_tf.search", *words, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return shown


def default_of(text, flag):
    """The default in the text of a flag."""
    words = " ".join(text.split(f"\n  --{flag}=", 1)[1].split())
    return words.partition("(default: ")[2].partition(")")[0]


def test_without_a_data_set_it_is_said_whose_defaults_they_are(search_help):
    text = search_help()
    assert "Defaults are those for --dataset=digits, which holds if none is given" in text
    assert (default_of(text, "layers"), default_of(text, "batch_size")) == ("3,4,5", "32")


def test_defaults_are_those_of_the_recipe(search_help):
    text = search_help("--dataset=cifar10")
    assert "Defaults are those for --dataset=cifar10: flags/recipes/search_cifar10.flags." in text
    assert (default_of(text, "layers"), default_of(text, "epochs")) == ("5,11,17", "25")


def test_a_data_set_without_a_recipe_has_the_general_defaults(search_help):
    text = search_help("--dataset=svhn_cropped")
    line = "There is no recipe for --dataset=svhn_cropped: defaults are the general ones, and some"
    assert line in text


def test_help_comes_even_if_other_words_are_wrong(search_help):
    assert "Architecture parameters:" in search_help("--datset=cifar10")


def test_choices_are_shown_between_bars(search_help):
    text = search_help()
    for form in (
        "--distribution=auto|one|mirrored|multi_worker\n",
        "--arch_order=first|second ",
        "--jit_compile=none|cells|step\n",
        "--dataset=digits|cifar10|cifar100|imagenet2012|folder|NAME\n",
        "--batch_size=N|auto ",
        "--[no]flip ",
        "--color_jitter=X,X,… ",
        "--layers=N,N,… ",
        "--output_dir=PATH ",
    ):
        assert f"\n  {form}" in text


def test_five_flags_come_first_and_no_line_is_long_or_names_a_source(search_help):
    text = search_help()
    listed = text.split("The most important:\n")[1].split("\n\n")[0]
    assert listed.count("\n  --") + 1 == 5
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "search_flags" not in text


@pytest.mark.parametrize("word", ["-help", "--helpshort", "-h", "-?"])
def test_other_spellings(word):
    done = run_command("pdarts_tf.describe", word)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--genotype=TEXT" in done.stdout


def test_help_after_two_dashes_is_an_argument():
    done = run_command("pdarts_tf.describe", "--", "--help")
    assert done.returncode == EXIT_USAGE
