"""Flags made from the fields of a dataclass, and read back into one."""

from dataclasses import dataclass, field

import pytest
from absl import flags

from flags.fields import default_settings, define_flags, read_flags
from pdarts_tf.config import SearchConfig
from pdarts_tf.config.settings import setting


@dataclass(frozen=True)
class Example:
    """One field of every kind that settings may have."""

    count: int = field(default=3, metadata={"help": "A number of things."})
    rate: float = field(default=0.5, metadata={"help": "A rate."})
    name: str = field(default="digits", metadata={"help": "A name."})
    flip: bool = field(default=True, metadata={"help": "Whether to flip."})
    size: int | None = field(default=None, metadata={"help": "A size."})
    layers: tuple[int, ...] = field(default=(5, 11, 17), metadata={"help": "Cells."})
    rates: tuple[float, ...] = field(default=(0.0, 0.4), metadata={"help": "Rates."})
    mode: str = setting("off", "Once a boolean.", booleans=("off", "part"))
    batch: int = field(default=96, metadata={"help": "A batch.", "auto": True})


def parsed(*argv):
    """The example with the values of a command line."""
    values = flags.FlagValues()
    define_flags(Example, "example", values)
    values(["program", *argv])
    return read_flags(Example, values)


def test_without_flags_the_defaults_of_the_fields_hold():
    assert parsed() == Example()


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--count=7", Example(count=7)),
        ("--rate=3e-4", Example(rate=3e-4)),
        ("--name=cifar10", Example(name="cifar10")),
        ("--noflip", Example(flip=False)),
        ("--flip=false", Example(flip=False)),
        ("--size=16", Example(size=16)),
        ("--layers=3,4", Example(layers=(3, 4))),
        ("--layers=3", Example(layers=(3,))),
        ("--rates=0.1,1e-1,0", Example(rates=(0.1, 0.1, 0.0))),
        ("--mode=whole", Example(mode="whole")),
        ("--mode", Example(mode="part")),
        ("--mode=true", Example(mode="part")),
        ("--nomode", Example(mode="off")),
        ("--mode=false", Example(mode="off")),
        ("--batch=8", Example(batch=8)),
        ("--batch=auto", Example()),
        ("--name=auto", Example(name="auto")),
    ],
)
def test_values_have_the_types_of_the_fields(flag, expected):
    config = parsed(flag)
    assert config == expected
    # 1 == 1.0 == True: the types are compared on their own.
    assert repr(config) == repr(expected)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--count=many", "flag --count=many"),
        ("--layers=5,x", "expected ints, separated by commas"),
        ("--layers=5.5", "expected ints, separated by commas"),
        ("--layers=", "expected ints, separated by commas"),
        ("--rates=0.1,,0.2", "expected floats, separated by commas"),
        ("--flip=perhaps", "flag --flip=perhaps"),
        ("--batch=large", "flag --batch=large: invalid literal for int"),
        ("--count=auto", "flag --count=auto"),
    ],
)
def test_values_of_another_type_are_refused(flag, message):
    with pytest.raises(flags.IllegalFlagValueError, match=message):
        parsed(flag)


def test_flags_written_to_a_file_give_the_same_values(tmp_path):
    values = flags.FlagValues()
    define_flags(Example, "example", values)
    values(["program", "--layers=3,4,5", "--rates=0.5", "--noflip"])
    values.append_flags_into_file(str(tmp_path / "run.flags"))
    assert parsed(f"--flagfile={tmp_path / 'run.flags'}") == read_flags(Example, values)


def test_help_has_the_texts_of_the_fields_below_their_module():
    values = flags.FlagValues()
    define_flags(Example, "example", values)
    text = values.get_help()
    assert "example:" in text
    assert "--layers: Cells." in text
    assert "(default: '5,11,17')" in text


def test_every_setting_of_a_search_is_a_flag():
    values = flags.FlagValues()
    define_flags(SearchConfig, "search", values)
    values(["program"])
    assert read_flags(SearchConfig, values) == SearchConfig()


def test_help_shows_the_default_of_what_once_was_a_boolean():
    values = flags.FlagValues()
    define_flags(Example, "example", values)
    assert "--[no]mode: Once a boolean.\n    (default: 'off')" in values.module_help("example")


def test_a_value_for_a_negated_flag_is_an_error_of_flags(tmp_path):
    recipe = tmp_path / "my.flags"
    recipe.write_text("--noflip=1\n")
    with pytest.raises(flags.Error, match="noflip=1 does not take an argument"):
        default_settings(SearchConfig, recipe)
