"""The site of the documentation, as `make docs` builds it: strict, and in a real browser."""

import re
import subprocess
import sys

import pytest

from tests.browser import served
from tests.source_tree import ROOT

pytestmark = pytest.mark.slow
PAGES = (
    "index.html",
    "installation.html",
    "python.html",
    "architecture.html",
    "comparison.html",
    "settings.html",
    "recipes.html",
    "api/models.html",
    "notebooks/quickstart.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The directory of the site; a broken link or a public name without an entry ends the build."""
    path = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", f"--site-dir={path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served."""
    with served(site) as found:
        yield found


@pytest.fixture
def opened(chromium, address, request):
    """A function (page, width, scheme) -> page and all that went wrong or left this machine."""

    def open_page(path, width=1400, scheme="light"):
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        request.addfinalizer(page.close)
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda sent: wrong.append(f"failed: {sent.url}"))
        page.on("response", lambda got: wrong.append(got.url) if got.status >= 400 else None)
        page.on(
            "request",
            lambda sent: (
                None if sent.url.startswith((address, "data:", "blob:")) else wrong.append(sent.url)
            ),
        )
        page.goto(f"{address}/{path}")
        page.wait_for_load_state("networkidle")
        return page, wrong

    return open_page


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1400, "light")])
def test_a_page_fits_its_screen_and_asks_no_other_host(opened, path, width, scheme):
    page, wrong = opened(path, width, scheme)
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    broken = "[...document.images].filter((each) => !each.naturalWidth).map((each) => each.src)"
    assert page.evaluate(broken) == []


def test_the_search_finds_a_public_name(opened):
    page, wrong = opened("index.html")
    page.locator("input.md-search__input").click()
    page.keyboard.type("load_network")
    page.locator(".md-search-result__link", has_text="load_network").first.wait_for()
    assert wrong == []


def test_entries_have_signature_arguments_and_example(opened):
    page, _ = opened("api/models.html")
    entry = page.locator("[id='pdarts_tf.models.network.EvaluationNetwork']").locator("..")
    text = entry.inner_text()
    assert "init_channels: int = 36" in text
    assert "Channels of the first cells" in text
    assert page.locator(".highlight", has_text="pd.EvaluationNetwork(").count() >= 1


def test_links_to_other_hosts_are_only_followed_by_readers(site):
    loads = re.compile(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"?(?:https?:)?//[^>]*>")
    found = {each for path in site.rglob("*.html") for each in loads.findall(path.read_text())}
    assert {each for each in found if 'rel="canonical"' not in each} == set()
