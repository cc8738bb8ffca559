"""The flag that says which steps are profiled."""

from collections.abc import Callable

from absl import flags


def define_profile_flag(
    module_name: str, flag_values: flags.FlagValues = flags.FLAGS
) -> Callable[[], tuple[int, int] | None]:
    """Defines the flag, and returns a function that reads it: (first, last) step, or None."""
    steps = flags.DEFINE_list(
        "profile_steps",
        None,
        "First and last step of which a trace is written for TensorBoard, such as 10,20; counted "
        "from 1 from the start of this process.",
        module_name=module_name,
        flag_values=flag_values,
    )
    flags.register_validator(
        steps,
        lambda words: words is None or _parsed(words) is not None,
        "expected two steps, the first one at least 1 and not after the last one, such as 10,20",
        flag_values,
    )
    return lambda: None if steps.value is None else _parsed(steps.value)


def _parsed(words: list[str]) -> tuple[int, int] | None:
    """The two steps, None if they are not valid."""
    if len(words) != 2 or not all(word.isascii() and word.isdecimal() for word in words):
        return None
    first, last = map(int, words)
    return (first, last) if 1 <= first <= last else None
