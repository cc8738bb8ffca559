"""Flags of the fields of a settings dataclass, and settings made from their values.

Names, defaults and help texts are those of the fields, so that each is defined in one place.
"""

import dataclasses
import os
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

from flags.flagfiles import expanded
from pdarts_tf.config.settings import AUTO, ConfigError, as_flag, shown
from pdarts_tf.errors import printable


class TupleParser(flags.ArgumentParser):
    """Parses values separated by commas, such as 5,11,17."""

    def __init__(self, item: Callable[[str], Any], kind: str):
        super().__init__()
        self.item = item
        self.kind = kind
        self.syntactic_help = f"{kind}s, separated by commas"

    def parse(self, argument: Any) -> tuple[Any, ...]:
        """Returns the values as a tuple."""
        if not isinstance(argument, str):
            return tuple(argument)
        try:
            return tuple(self.item(value) for value in argument.split(","))
        except ValueError as error:
            raise ValueError(f"expected {self.syntactic_help}") from error

    def flag_type(self) -> str:
        """Returns the name of the type, for help texts."""
        return f"{self.kind} list"


class IntegerOrAuto(flags.IntegerParser):
    """Parses an integer, or the word that leaves it to the program."""

    syntactic_help = f"an integer or {AUTO}"

    def parse(self, argument: Any) -> Any:
        """Returns the integer, or `AUTO`."""
        return AUTO if argument == AUTO else super().parse(argument)


class _ListSerializer(flags.ArgumentSerializer):
    """Serializes values in the form that `TupleParser` parses."""

    def serialize(self, value: Any) -> str:
        """Returns the values, separated by commas."""
        return ",".join(map(str, value))


class FormParser(flags.ArgumentParser):
    """Parses text of which help texts say what it looks like; settings check it.

    Args:
        form: What it looks like, such as "first|second".
    """

    def __init__(self, form: str):
        super().__init__()
        self.form = form


class _WordParser(FormParser):
    """Parses a word, or the booleans that a setting once had as its values.

    Args:
        form: See `FormParser`.
        booleans: What false and true stand for.
    """

    def __init__(self, form: str, booleans: tuple[str, str]):
        super().__init__(form)
        self.booleans = booleans

    def parse(self, argument: Any) -> str:
        """Returns the word."""
        try:
            return self.booleans[flags.BooleanParser().parse(argument)]
        except (ValueError, TypeError):
            return str(argument)


class _WordFlag(flags.Flag[str]):
    """A flag of a word that may also be given as if it were a boolean flag."""

    def serialize(self) -> str:
        """Returns the flag with its word, as absl writes no flag that it takes for a boolean."""
        return f"--{self.name}={self.value}"


def define_flags(
    settings: type, module_name: str, flag_values: flags.FlagValues = flags.FLAGS
) -> None:
    """Defines one flag per field of a dataclass.

    Args:
        settings: Dataclass whose fields are int, float, bool, str, one of these or None, or tuples
            of ints or floats, with metadata {"help": ...}, and "auto" if an int may be chosen by
            the program.
        module_name: Module that defines the flags, for `--help`.
        flag_values: Where to define them.
    """
    define: dict[Any, Callable[..., Any]] = {
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        bool: flags.DEFINE_boolean,
        str: flags.DEFINE_string,
    }
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        kind, text = hints[field.name], field.metadata["help"]
        if "booleans" in field.metadata:
            word = _WordParser(_form(field.metadata), field.metadata["booleans"])
            default: Any = field.default
            flag = _WordFlag(word, None, field.name, default, text, boolean=True)
            flag.default_as_str = f"'{default}'"  # for absl any word is true
            flags.DEFINE_flag(flag, flag_values, module_name=module_name)
            continue
        if own := _own_parser(kind, field.metadata):
            parser, serializer = own
            flags.DEFINE(
                parser,
                field.name,
                field.default,
                text,
                flag_values,
                serializer=serializer,
                module_name=module_name,
            )
            continue
        if typing.get_origin(kind) is types.UnionType:
            kind = next(each for each in typing.get_args(kind) if each is not types.NoneType)
        define[kind](
            field.name, field.default, text, flag_values=flag_values, module_name=module_name
        )


def _form(metadata: Mapping[str, Any]) -> str:
    """Returns what values of a setting look like; nothing if its type says all."""
    return str(metadata.get("form") or "|".join(metadata.get("choices", ())))


def _own_parser(
    kind: Any, metadata: Mapping[str, Any]
) -> tuple[flags.ArgumentParser, flags.ArgumentSerializer] | None:
    """Returns the parser and serializer of a type that absl has no flag for; None if it has."""
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return TupleParser(item, item.__name__), _ListSerializer()
    if form := _form(metadata):
        return FormParser(form), flags.ArgumentSerializer()
    return (IntegerOrAuto(), flags.ArgumentSerializer()) if metadata.get("auto") else None


def read_flags(settings: type, flag_values: flags.FlagValues = flags.FLAGS, **instead: Any) -> Any:
    """Returns settings with the values of the flags that `define_flags` defined.

    Where a flag is `AUTO`, its field has its default until the program has chosen.

    Args:
        settings: The dataclass.
        flag_values: Where its flags are defined.
        **instead: Values of fields that override those of their flags.
    """
    values = {}
    for field in dataclasses.fields(settings):
        chosen = field.metadata.get("auto") and is_auto(field.name, flag_values)
        values[field.name] = field.default if chosen else flag_values[field.name].value
    return settings(**values | instead)


def given_fields(settings: type, flag_values: flags.FlagValues = flags.FLAGS) -> frozenset[str]:
    """Returns the names of the fields whose flags were given, other than by a recipe.

    Args:
        settings: The dataclass.
        flag_values: Where its flags are defined.
    """
    names = (field.name for field in dataclasses.fields(settings))
    return frozenset(name for name in names if flag_values[name].present)


def check_as_trained(config: Any, flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Checks that no flag asks for another test than that of a network as it was trained.

    Args:
        config: Settings of the training.
        flag_values: Where flags of settings of this class are defined.

    Raises:
        ConfigError: A setting was given with another value, such as the size of the images.
    """
    for name in sorted(given_fields(type(config), flag_values) - {"genotype"}):
        given, own = flag_values[name].value, getattr(config, name)
        if given != own:
            how = f"without --{name}" if own is None else f"with {as_flag(name, own)}"
            raise ConfigError(
                f"--evaluate_only tests the network as it was trained, {how}. "
                f"Received: {printable(shown(given))}; leave --{name} out"
            )


def changed_defaults(settings: Any) -> dict[str, Any]:
    """Returns the values of settings that differ from the defaults of their fields, by name."""
    own = dataclasses.fields(settings)
    values = {each.name: getattr(settings, each.name) for each in own}
    return {each.name: values[each.name] for each in own if values[each.name] != each.default}


def is_auto(name: str, flag_values: flags.FlagValues = flags.FLAGS) -> bool:
    """Returns whether a flag leaves its value to the program."""
    return name in flag_values and flag_values[name].value == AUTO


def default_settings(settings: type, *recipes: os.PathLike[str] | None, **values: Any) -> Any:
    """Returns settings with the values of recipes, without a command line.

    Args:
        settings: The dataclass.
        *recipes: Flagfiles, the last of which wins; None for none.
        **values: Values of fields that override those of the recipes.

    Raises:
        flags.Error: A flagfile has a flag that is unknown, or a value that its flag cannot have.
        FlagfileError: A flagfile cannot be read.
        ConfigError: Settings do not fit each other.
    """
    flag_values = flags.FlagValues()
    define_flags(settings, __name__, flag_values)
    words = expanded([f"--flagfile={recipe}" for recipe in recipes if recipe])
    try:
        flag_values(["", *words])
    except ValueError as error:  # of absl, for --noflip=1
        raise flags.Error(str(error)) from error
    return read_flags(settings, flag_values, **values)
