"""Hooks of MkDocs: pages of the root join those of docs/, and diagrams become pictures.

The same files are read on GitHub and in the site, so links are those of the repository, and here
they are made to lead to the pages of the site. `make docs` ends with an error if a public name of
the library has no entry or no docstring.
"""

import dataclasses
import pathlib
import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from pdarts_tf.config import SearchConfig, TrainConfig
from tools import public_names
from tools.diagrams import svg_of

ROOT = pathlib.Path(__file__).parents[1]
# Path in the repository -> page of the site, where they differ but for the folder docs/.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
RECIPES = "flags/recipes"
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s#]+)")
_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages whose sources are not in docs/."""
    pages = {"recipes.md": recipes_page(), "settings.md": settings_page()}
    for path, page in PAGES.items():
        pages[page] = with_links_of_the_site((ROOT / path).read_text("utf-8"), path)
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Returns the text of a page as the site has it."""
    path = f"docs/{page.file.src_uri}"
    if page.file.generated_by is None:  # the others have been changed when they were added
        markdown = with_links_of_the_site(markdown, path)
    return _DIAGRAM.sub(lambda block: svg_of(block[1]), markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Ends the build if a public name is not documented.

    Raises:
        PluginError: If there is such a name.
    """
    text = pathlib.Path(config.docs_dir, "api")
    pages = [path.read_text("utf-8") for path in sorted(text.glob("*.md"))]
    if problems := public_names.problems(pages):
        raise PluginError("\n".join(problems))


def with_links_of_the_site(text: str, path: str) -> str:
    """Returns a text in Markdown whose links to files of the repository lead to pages of the site.

    Args:
        text: Text in Markdown.
        path: Where it lies in the repository.

    Example:

    >>> with_links_of_the_site("[a](docs/data.md#images) [b](LICENSE)", "README.md")
    '[a](data.md#images) [b](LICENSE)'
    >>> with_links_of_the_site("[a](../SECURITY.md)", "docs/serving.md")
    '[a](security.md)'
    """
    folder = posixpath.dirname(path)
    own = posixpath.dirname(_page(path))

    def replaced(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        return link[1] + posixpath.relpath(_page(target), own or ".")

    return _LINK.sub(replaced, text)


def settings_page() -> str:
    """Returns the page with the settings of searches and trainings, which are flags too."""
    return "\n\n".join(
        [
            "# Settings",
            "Arguments of [`pd.run_search`][pdarts_tf.library.whole_runs.run_search] and "
            "[`pd.run_training`][pdarts_tf.library.whole_runs.run_training], and flags of "
            "`pdarts search` and `pdarts train`. The defaults are those of CIFAR-10; the "
            "[recipes](recipes.md) of other data sets change them.",
            f"## Search\n\n{_table(SearchConfig)}",
            f"## Training\n\n{_table(TrainConfig)}",
        ]
    )


def _table(kind: type[SearchConfig | TrainConfig]) -> str:
    """Returns a table of the fields of a class of settings, in alphabetical order."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for field in sorted(dataclasses.fields(kind), key=lambda each: each.name):
        default, text = (
            str(each).replace("|", r"\|") for each in (field.default, field.metadata["help"])
        )
        text = re.sub(r"--\w+(?:=\w+)?", r"`\g<0>`", text)
        rows.append(f"| `{field.name}` | `{default}` | {text} |")
    return "\n".join(rows)


def recipes_page() -> str:
    """Returns the page with all recipes, as they are."""
    folder = ROOT / RECIPES
    parts = [
        "# Recipes",
        "The settings of published experiments, as flags. Those of a data set are used with "
        "`--dataset`, the others with `--flagfile`; flags on the command line override both. They "
        "lie in the folder `flags/recipes` of the repository.",
    ]
    for path in sorted(folder.rglob("*.flags"), key=lambda each: (len(each.parts), each)):
        name = path.relative_to(folder).as_posix()
        parts.append(f"## {name}\n\n```text\n{path.read_text('utf-8').strip()}\n```")
    return "\n\n".join(parts) + "\n"


def _page(path: str) -> str:
    """Returns the page of a file of the repository, or its path if it has none."""
    return "recipes.md" if path == RECIPES else PAGES.get(path, path.removeprefix("docs/"))
