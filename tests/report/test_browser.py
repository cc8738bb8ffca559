"""The report in a real browser: nothing fails, nothing is fetched, the slider works."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from flags.command_line import recipe_settings
from pdarts_tf.genotype import load_genotype
from pdarts_tf.report.page import report, write_report
from pdarts_tf.report.run import read_run
from tests.browser import served
from tests.run_directories import write_search, write_training

CELL = "[data-heat=normal] tbody tr:nth-child(1) td:nth-child(2)"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Run directories with reports, and a comparison of them."""
    path = tmp_path_factory.mktemp("runs")
    search, training = write_search(path / "search"), write_training(path / "training")
    runs = [read_run(search), read_run(training)]
    (path / "both.html").write_text(report(runs, recipe_settings))
    for each in (search, training):
        write_report(each, recipe_settings)
    return path


@pytest.fixture(scope="module")
def address(directory):
    """Where the directory is served, so that requests would be seen; /favicon.ico too."""
    with served(directory) as found:
        yield found


class Opened:
    """A page, with all that it has said and asked for."""

    def __init__(self, chromium, url, width=1400, scheme="light"):
        self.page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def texts(self, selector):
        return self.page.locator(selector).all_text_contents()

    def label(self):
        return self.page.locator("output").first.text_content()


@pytest.fixture
def opened(chromium, address, request):
    """A function (file, ...) -> `Opened`."""

    def open_page(file, **options):
        each = Opened(chromium, f"{address}/{file}", **options)
        request.addfinalizer(each.page.close)
        return each

    return open_page


@pytest.mark.parametrize(
    ("file", "scheme"),
    [("search/report.html", "light"), ("training/report.html", "light"), ("both.html", "dark")],
)
def test_a_page_loads_without_errors_or_requests_of_its_own(opened, file, scheme):
    shown = opened(file, scheme=scheme)
    shown.page.wait_for_load_state("networkidle")
    assert shown.messages == []
    assert shown.requests == [shown.page.url]


@pytest.mark.parametrize("file", ["search/report.html", "training/report.html", "both.html"])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_sticks_out_of_the_screen(opened, file, width):
    page = opened(file, width=width).page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(
        """(width) => [...document.querySelectorAll("body *")]
        .filter((each) => !each.closest(".scroll, svg, .hidden, .jump"))
        .filter((each) => each.getBoundingClientRect().right > width + 0.5)
        .map((each) => each.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []


@pytest.mark.parametrize("file", ["search/report.html", "training/report.html", "both.html"])
@pytest.mark.parametrize("width", [400, 768, 1024, 1400])
def test_drawings_fit_their_cards(opened, file, width):
    page = opened(file, width=width).page
    outside = page.evaluate(
        """() => [...document.querySelectorAll(".drawing svg")].filter((each) => {
            const card = each.closest(".card").getBoundingClientRect();
            const own = each.getBoundingClientRect();
            return own.width < 100 || own.left < card.left || own.right > card.right;
        }).length"""
    )
    assert outside == 0


def test_the_slider_moved_by_the_mouse_changes_the_heat_maps_and_charts(opened):
    shown = opened("search/report.html")
    before, values = shown.texts("[data-heat] td"), shown.texts(".value")
    shown.page.locator("input[type=range]").click(position={"x": 2, "y": 12})
    assert shown.label() == "stage 1, epoch 1"
    assert shown.texts("[data-heat] td") != before
    assert shown.texts(".value") != values
    assert shown.texts("[data-heat] td.gone") == []  # all are candidates in the first stage


def test_the_slider_moved_by_the_keyboard_changes_the_heat_maps(opened, directory):
    shown = opened("search/report.html")
    frames = read_run(directory / "search").frames
    shown.page.locator("input[type=range]").focus()
    shown.page.keyboard.press("Home")
    for epoch in (1, 2, 3):
        assert shown.label() == f"stage 1, epoch {epoch}"
        expected = frames[1, epoch].probabilities("normal")[0, 0]
        assert shown.texts(CELL)[0].startswith(f"{expected:.2f}")
        shown.page.keyboard.press("ArrowRight")
    described = shown.page.locator("input[type=range]").get_attribute("aria-valuetext")
    assert described == "stage 1, epoch 4"


def test_a_click_on_a_chart_moves_the_slider(opened):
    shown = opened("search/report.html")
    chart = shown.page.locator("[data-chart] > svg").first
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.12, "y": box["height"] / 2})
    assert shown.label() == "stage 1, epoch 1"


def test_play_goes_through_the_epochs_and_stops_at_the_last(opened):
    shown = opened("training/report.html")
    button = shown.page.locator("[data-play]")
    button.click()
    assert shown.label() == "epoch 1"
    assert "Pause" in button.text_content()
    expect(button).to_contain_text("Play")
    assert shown.label() == "epoch 5"


def test_frames_mark_what_a_derivation_would_choose(opened):
    shown = opened("search/report.html")
    shown.page.locator("input[type=range]").fill("0")
    chosen = shown.page.locator("[data-heat=reduce] td.chosen")
    assert chosen.count() == 8
    assert "chosen" in chosen.first.text_content()


def test_the_cells_are_drawn(opened, directory):
    shown = opened("search/report.html")
    genotype = load_genotype(directory / "search" / "genotype.json")
    drawn = shown.page.locator(".result svg.cell").first
    assert drawn.bounding_box()["width"] > 400
    labels = drawn.locator("text").all_text_contents()
    assert [text for text in labels if text in dict(genotype.normal)] == [
        name for name, _ in genotype.normal
    ]


def test_the_page_is_whole_without_scripts(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/search/report.html")
    assert page.locator("[data-heat=normal] td").count() == 14 * 8
    assert page.locator("svg.cell").count() >= 2
    context.close()


def test_everything_can_be_reached_by_the_keyboard_and_has_a_name(opened):
    shown = opened("search/report.html")
    reached = []
    for _ in range(200):
        shown.page.keyboard.press("Tab")
        name = shown.page.evaluate(
            """() => { const at = document.activeElement; return at === document.body ? null :
            [at.tagName, at.getAttribute("aria-label") || at.textContent.trim()
             || (at.labels && at.labels[0].textContent)]; }"""
        )
        if name is None:
            break
        reached.append(name)
    assert all(name for _, name in reached), json.dumps(reached)
    assert {"INPUT", "BUTTON", "SUMMARY", "DIV", "A"} <= {tag for tag, _ in reached}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_report_of_a_real_search_on_digits(opened, directory, real_search):
    shutil.copytree(real_search, directory / "real")
    shown = opened("real/report.html", width=400)
    shown.page.wait_for_load_state("networkidle")
    assert (shown.messages, shown.requests) == ([], [shown.page.url])
    assert shown.page.evaluate("document.documentElement.scrollWidth") == 400
    genotype = load_genotype(directory / "real" / "genotype.json")
    labels = shown.page.locator(".result svg.cell").first.locator("text").all_text_contents()
    assert [text for text in labels if "_" in text] == [name for name, _ in genotype.normal]
    last = shown.texts("[data-heat] td")
    shown.page.locator("input[type=range]").focus()
    shown.page.keyboard.press("Home")
    assert shown.label() == "stage 1, epoch 1"
    assert shown.texts("[data-heat] td") != last
