"""TensorBoard itself: what its server reads of runs, and what its page shows of it."""

import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from pdarts_tf.drawing.layout import draw_cell
from pdarts_tf.drawing.png import png_bytes
from pdarts_tf.genotype import load_genotype
from pdarts_tf.runs.run_directory import METRICS, TENSORBOARD
from pdarts_tf.tensorboard.board_layout import entropy_tag
from pdarts_tf.tensorboard.heat_map import width
from tests.boards import epochs_of, write_board
from tests.run_directories import BEGUN, write_search, write_training
from tests.run_directories import SEARCH as CONFIG

pytestmark = pytest.mark.slow  # a TensorBoard, and a browser

SEARCH, RUNNING, TRAINING = (f"{name}/{TENSORBOARD}" for name in ("search", "running", "training"))
LAST = len(CONFIG.stages) * CONFIG.epochs
SECONDS_TO_START = 120


class Server:
    """A TensorBoard that is running."""

    def __init__(self, address):
        self.address = address

    def data(self, plugin, route, **query):
        """Returns what its HTTP API answers, as Python objects."""
        return json.loads(self.read(f"data/plugin/{plugin}/{route}", query))

    def read(self, route, query):
        url = f"{self.address}{route}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=SECONDS_TO_START) as answer:
            return answer.read()

    def epochs(self):
        """Returns {run: how many epochs have been read}."""
        runs = self.data("scalars", "tags")
        return {run: len(self.curve(run, "loss/weights")) for run in runs}

    def curve(self, run, tag):
        """Returns [(step, value)]."""
        points = self.data("scalars", "scalars", run=run, tag=tag)
        return [(step, value) for _, step, value in points]


@contextlib.contextmanager
def tensorboard(directory, epochs):
    """Starts it as people do, on a free port; it runs until the end of the block.

    Args:
        directory: to be shown.
        epochs: {run: number of epochs that it has to read before the block begins}.
    """
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={directory}", "--port=0"]
    command += ["--reload_interval=1", "--samples_per_plugin=images=100,text=100"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    lines: Iterator[str] = iter(process.stderr.readline, "")  # type: ignore[union-attr]
    try:
        address = next(filter(None, (re.search(r"http://localhost:\d+/", each) for each in lines)))
        server = Server(address[0])
        limit = time.monotonic() + SECONDS_TO_START
        while server.epochs() != epochs:
            assert time.monotonic() < limit, f"TensorBoard has read {server.epochs()}"
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Two searches, one of which goes on, and a training."""
    path = tmp_path_factory.mktemp("runs")
    write_board(write_search(path / "search"))
    write_board(write_search(path / "running", replace(CONFIG, seed=1), epochs=6))
    write_board(write_training(path / "training"))
    return path


@pytest.fixture(scope="module")
def server(directory):
    with tensorboard(directory, {SEARCH: LAST, RUNNING: 6, TRAINING: 5}) as server:
        yield server


def test_curves_have_every_epoch(server, directory):
    losses = [records[METRICS]["loss"] for records in epochs_of(directory / "search")]
    assert server.curve(SEARCH, "loss/weights") == list(enumerate(losses, 1))
    assert len(server.curve(SEARCH, entropy_tag("reduce", 13))) == LAST


def test_a_chart_finds_its_curves(server):
    layout = server.data("custom_scalars", "layout")
    (category,) = (each for each in layout["category"] if "normal cell" in each["title"])
    pattern = category["chart"][3]["multiline"]["tag"][0]
    found = server.data("custom_scalars", "scalars", run=SEARCH, tag=pattern)
    edges = {entropy_tag("normal", edge) for edge in range(9, 14)}  # into the last node
    assert (found["regex_valid"], set(found["tag_to_events"])) == (True, edges)


def test_pictures_have_every_epoch(server, directory):
    for tag in ("softmax_alpha/normal", "softmax_alpha/reduce", "cell/normal", "cell/reduce"):
        found = server.data("images", "images", run=SEARCH, tag=tag, sample=0)
        assert [each["step"] for each in found] == list(range(1, LAST + 1))
    query = dict(urllib.parse.parse_qsl(found[-1]["query"]))
    last = load_genotype(directory / "search" / "genotype.json")
    picture = server.read("data/plugin/images/individualImage", query)
    assert picture == png_bytes(draw_cell(last, "reduce"), pixels_per_point=1)


def test_texts_stand_where_they_belong(server):
    stages = server.data("text", "text", run=SEARCH, tag="stage")
    assert [each["step"] for each in stages] == [1, 5, 9]
    assert "<table>" in stages[0]["text"]
    genotypes = server.data("text", "text", run=SEARCH, tag="genotype")
    assert len(genotypes) == LAST
    assert "<pre><code>Genotype(normal=[" in genotypes[-1]["text"]


def test_histograms_have_every_epoch(server):
    found = server.data("histograms", "histograms", run=SEARCH, tag="alphas/normal")
    assert [step for _, step, _ in found] == list(range(1, LAST + 1))


def test_the_table_has_a_row_per_run(server):
    request = {
        "experimentName": "",
        "allowedStatuses": [f"STATUS_{name}" for name in ("SUCCESS", "RUNNING", "UNKNOWN")],
        "colParams": [],
        "startIndex": 0,
        "sliceSize": 100,
    }
    answer = server.data("hparams", "session_groups", request=json.dumps(request))
    sessions = [each["sessions"][0] for each in answer["sessionGroups"]]
    rows = {each["name"]: each for each in sessions}
    assert rows.keys() == {SEARCH, RUNNING, TRAINING}
    assert {each["name"] for each in answer["sessionGroups"]} == {"search", "running", "training"}
    assert rows[SEARCH]["status"] == rows[TRAINING]["status"] == "STATUS_SUCCESS"
    assert rows[RUNNING]["status"] != "STATUS_SUCCESS"
    assert rows[SEARCH]["startTimeSecs"] == BEGUN
    assert rows[SEARCH]["endTimeSecs"] == BEGUN + 2 * LAST


def test_the_table_knows_which_settings_differ(server):
    infos = server.data("hparams", "experiment", request="{}")["hparamInfos"]
    differing = {each["name"] for each in infos if each.get("differs")}
    assert {"command", "epochs", "seed"} <= differing
    assert "dataset" not in differing


class Page:
    """The page of a TensorBoard, with what has gone wrong in it."""

    def __init__(self, chromium, server):
        self.page = chromium.new_page(viewport={"width": 1500, "height": 1200})
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(server.address)

    def open(self, name):
        """Clicks on the tab of a dashboard."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def see(self, text):
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()


def see_all_dashboards(page, genotype):
    """Looks for what a search shows on every dashboard."""
    page.see("accuracy/weights")
    page.open("Custom Scalars")
    page.see("Entropy of the edges of the normal cell (nats)")
    page.open("images")
    heat_map = page.page.locator("tf-image-loader", has_text="softmax_alpha/normal").first
    picture = heat_map.locator("img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("(each) => each.decode().then(() => each.naturalWidth)") == width(8)
    page.open("histograms")
    page.see("alphas/normal")
    page.open("text")
    page.see("What a derivation after stage 3")
    name, source = genotype.normal[0]
    page.see(f"Genotype(normal=[('{name}', {source})")
    page.open("hparams")
    page.see("Trial ID")
    page.see("accuracy/alphas")
    assert page.errors == []


@pytest.fixture
def opened(chromium, request):
    """A function (server) -> `Page`."""

    def open_page(server):
        each = Page(chromium, server)
        request.addfinalizer(each.page.close)
        return each

    return open_page


def test_every_dashboard_shows_the_search(opened, server, directory):
    genotype = load_genotype(directory / "search" / "genotype.json")
    see_all_dashboards(opened(server), genotype)


@pytest.mark.timeout(1800)
def test_tensorboard_shows_a_real_search_on_digits(opened, real_search):
    epochs = epochs_of(real_search)
    with tensorboard(real_search, {TENSORBOARD: len(epochs)}) as server:
        accuracies = [records[METRICS]["accuracy"] for records in epochs]
        assert server.curve(TENSORBOARD, "accuracy/weights") == list(enumerate(accuracies, 1))
        assert len(server.data("images", "images", run=TENSORBOARD, tag="cell/normal")) == 9
        genotype = load_genotype(real_search / "genotype.json")
        see_all_dashboards(opened(server), genotype)
