"""Check that the packages `flags` and `export` are those of this project.

They stand at the top, and `python -m` looks into the working directory first: a flags.py there
would be imported in place of `flags`, and run. Commands import this module before `flags`, which
makes the check, so that one line says so instead of a traceback.
"""

import importlib.util
import os
import sys

from pdarts_tf.errors import printable

EXIT_USAGE = 2  # as in flags/command_line.py, which may be hidden


def what_hides(package: str) -> str | None:
    """Returns the path of what Python would import in place of a package of this project.

    Args:
        package: A package that stands beside `pdarts_tf`, such as "flags".

    Returns:
        The path; None if Python finds the package of this project, or none at all.

    Example:

    >>> what_hides("flags") is None
    True
    """
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    own = os.path.join(os.path.dirname(os.path.dirname(__file__)), package)
    found = next(iter(spec.submodule_search_locations or [str(spec.origin)]))
    return None if os.path.realpath(found) == os.path.realpath(own) else found


def require(package: str) -> None:
    """Ends the program with a line if a package of this project is hidden.

    Args:
        package: A package that stands beside `pdarts_tf`, such as "flags".

    Raises:
        SystemExit: If it is hidden, with code 2.
    """
    found = what_hides(package)
    if found is not None:
        print(
            f"error: expected pdarts_tf's own package {package!r}. Received: {printable(found)}, "
            "which Python finds first; run `pdarts` instead of `python -m`, or rename that, or "
            "run this in another directory",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_USAGE)


require("flags")
