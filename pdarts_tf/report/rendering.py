"""Environment, style sheet and content security policy of pages that are made from templates.

Everything that pages show is untrusted: the environment escapes it, and the policy of the pages
allows only their own script.
"""

import base64
import functools
import hashlib
import importlib.resources

import jinja2
from markupsafe import Markup

from pdarts_tf.drawing import svg as drawing_svg
from pdarts_tf.drawing.layout import CELL_NAMES
from pdarts_tf.drawing.palette import css_variables
from pdarts_tf.durations import duration
from pdarts_tf.report import charts
from pdarts_tf.search_space import edge_nodes

REPORT_PACKAGE = "pdarts_tf.report"


@functools.cache
def environment(*packages: str) -> jinja2.Environment:
    """Returns an environment with the templates of the report.

    Args:
        *packages: Other packages with a folder templates/, whose files come first.
    """
    found = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package) for package in (*packages, REPORT_PACKAGE)]
        ),
    )
    found.globals.update(
        canvas=charts,
        cells=CELL_NAMES,
        duration=duration,
        edges=edge_nodes(),
        number=charts.number,
        percent=charts.percent,
    )
    return found


def style(*sheets: str) -> Markup:
    """Returns the style sheet of a page: colours, the report's style, drawings, others.

    Args:
        *sheets: Texts of further style sheets, of this package's own making.
    """
    text = "\n".join(
        [
            f":root {{ {css_variables('light')} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{ {css_variables('dark')} }} }}",
            source(REPORT_PACKAGE, "report.css"),
            drawing_svg.STYLE,
            *sheets,
        ]
    )
    return Markup(text)  # noqa: S704, files of this package


def source(package: str, name: str) -> str:
    """Returns the text of a file in the folder templates/ of a package."""
    return (importlib.resources.files(package) / "templates" / name).read_text("utf-8")


def script_hash(script: str) -> str:
    """Returns the hash by which a content security policy allows a script.

    >>> script_hash("")
    '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
