"""Flag that selects the steps to profile."""

from collections.abc import Callable

from absl import flags


def define_profile_flag(
    module_name: str, flag_values: flags.FlagValues = flags.FLAGS
) -> Callable[[], tuple[int, int] | None]:
    """Defines the flag, and returns a function that reads it.

    The function returns (first, last) step, or None.

    Args:
        module_name: Module that defines the flag, for `--help`.
        flag_values: Where to define it.
    """
    steps = flags.DEFINE_list(
        "profile_steps",
        None,
        "First and last step to profile for TensorBoard, such as 10,20; steps are counted from 1, "
        "from the start of the process.",
        module_name=module_name,
        flag_values=flag_values,
    )
    flags.register_validator(
        steps,
        lambda words: words is None or _parsed(words) is not None,
        "expected two steps of at least 1, the first not after the last, such as 10,20",
        flag_values,
    )
    return lambda: None if steps.value is None else _parsed(steps.value)


def _parsed(words: list[str]) -> tuple[int, int] | None:
    """Returns the two steps, or None if they are not valid."""
    if len(words) != 2 or not all(word.isascii() and word.isdecimal() for word in words):
        return None
    first, last = map(int, words)
    return (first, last) if 1 <= first <= last else None
