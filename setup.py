"""The long description of the package: README.md, with links that work where it stands alone.

A package index shows it without the repository, to which relative links lead. With an address in
pyproject.toml, [project.urls] Repository, they lead there, to the files of this version; without
one, only their text is left, and pictures are left out.
"""

import pathlib
import re
import tomllib

from setuptools import setup

_ROOT = pathlib.Path(__file__).parent
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")


def long_description(readme: str, version: str, repository: str | None) -> str:
    """Returns a text in Markdown without relative links.

    Args:
        readme: Text in Markdown.
        version: Version of the package; the repository has a tag of its name after a "v".
        repository: Address of the repository, None if it has none.

    Example:

    >>> long_description("See [data](docs/data.md).", "1.0", "https://example.org/x")
    'See [data](https://example.org/x/blob/v1.0/docs/data.md).'
    >>> long_description("See [data](docs/data.md).", "1.0", None)
    'See data.'
    """

    def replaced(link: re.Match[str]) -> str:
        picture, text, target = link.groups()
        if repository is None:
            return "" if picture else text
        kind = "raw" if picture else "blob"
        return f"{picture}[{text}]({repository.rstrip('/')}/{kind}/v{version}/{target})"

    return _LINK.sub(replaced, readme)


if __name__ == "__main__":
    _project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    setup(
        long_description=long_description(
            (_ROOT / "README.md").read_text("utf-8"),
            _project["version"],
            _project.get("urls", {}).get("Repository"),
        ),
        long_description_content_type="text/markdown",
    )
