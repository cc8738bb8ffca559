"""The page of a study in a real browser: nothing fails, nothing sticks out."""

import pytest

from pdarts_tf.study.study_page import study_page
from tests.study_records import FINISHED, IN_PROGRESS, renamed

LONG = {"pdarts": "pdarts_with_a_name_that_is_much_longer_than_any_that_one_would_like_to_read"}
RECORDS = {"finished": FINISHED, "progress": IN_PROGRESS, "long": renamed(FINISHED, LONG)}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with the pages of several studies."""
    path = tmp_path_factory.mktemp("studies")
    for name, record in RECORDS.items():
        (path / f"{name}.html").write_text(study_page(record), "utf-8")
    return path


@pytest.fixture
def opened(chromium, directory, request):
    """A function (name, width, scheme) -> a page and all that it has said and asked for."""

    def open_page(name, width, scheme):
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        request.addfinalizer(page.close)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda sent: said.append(sent.url))
        page.goto(f"file://{directory}/{name}.html")
        return page, said

    return open_page


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1400, "light")])
def test_a_page_fits_its_screen_and_loads_nothing_else(opened, name, width, scheme):
    page, said = opened(name, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        """(width) => [...document.querySelectorAll("body *")]
        .filter((each) => !each.closest(".scroll, .hidden, .jump"))
        .filter((each) => each.getBoundingClientRect().right > width + 0.5)
        .map((each) => each.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []
    assert said == [page.url]


def test_the_texts_of_plots_are_legible_and_apart_on_a_narrow_screen(opened):
    page, _ = opened("finished", 360, "light")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("svg.plot")].map((plot) =>
        [...plot.querySelectorAll("text")].map((each) => {
          const { left, right, top, bottom } = each.getBoundingClientRect();
          return [left, right, top, bottom];
        }))"""
    )
    assert len(boxes) == 5
    for plot in boxes:
        for i, (left, right, top, bottom) in enumerate(plot):
            assert bottom - top > 10
            for other in plot[:i]:
                across = min(right, other[1]) - max(left, other[0])
                down = min(bottom, other[3]) - max(top, other[2])
                assert across <= 0 or down <= 2, (plot[i], other)


def test_a_cell_is_reached_from_the_ranking(opened):
    page, _ = opened("finished", 1400, "light")
    page.locator('a[href="#cell2"]').first.click()
    assert page.locator("#cell2").bounding_box()["y"] < 900
