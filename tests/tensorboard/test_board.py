"""What TensorBoard shows of epochs: every number, and what follows from the alphas."""

import numpy as np
import pytest
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata

from pdarts_tf.alphas import chosen_operations
from pdarts_tf.drawing.layout import draw_cell
from pdarts_tf.drawing.png import png_bytes
from pdarts_tf.genotype import GENOTYPES, PRIMITIVES, Genotype, load_genotype
from pdarts_tf.probabilities import edge_entropies
from pdarts_tf.report.run import read_run
from pdarts_tf.runs.run_directory import METRICS, TIMINGS
from pdarts_tf.search_space import CELLS, NUM_EDGES, SearchSpace
from pdarts_tf.tensorboard import board as module
from pdarts_tf.tensorboard import heat_map as pictures
from pdarts_tf.tensorboard.board import SearchBoard
from pdarts_tf.tensorboard.board_layout import TAGS, entropy_tag
from pdarts_tf.tensorboard.heat_map import HEIGHT, heat_map
from tests.boards import board_of, epochs_of, picture, shown
from tests.run_directories import BEGUN, SEARCH, TRAINING, write_search, write_training

LAST = 12  # epochs: three stages of four


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_search(tmp_path_factory.mktemp("runs") / "search")


@pytest.fixture(scope="module")
def epochs(path):
    return epochs_of(path)


@pytest.fixture(scope="module")
def summaries(path, epochs):
    """The summary of every epoch, by step from 1."""
    board = board_of(path)
    return {step: board.epoch(records, step) for step, records in enumerate(epochs, 1)}


@pytest.fixture(scope="module")
def values(summaries):
    return {step: shown(summary) for step, summary in summaries.items()}


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    return write_training(tmp_path_factory.mktemp("runs") / "training")


def code(text):
    """The code block of a text that is Markdown, as it is pasted."""
    lines = [line.strip() for line in text.split("\n") if line.startswith("    ")]
    return " ".join(lines)


def test_every_number_that_is_measured_has_its_curve(epochs, values):
    for step, records in enumerate(epochs, 1):
        measured = records[METRICS] | records[TIMINGS]
        names = measured.keys() - {"epoch", "seconds", "time"}
        curves = {name: values[step][TAGS[name]] for name in names}
        assert curves == pytest.approx({name: measured[name] for name in names})


def test_what_is_not_measured_has_no_curve(values):
    assert "accuracy/validation" not in values[1]
    assert "accuracy/test" not in values[1]


def test_every_curve_has_a_place_of_its_own():
    assert len(set(TAGS.values())) == len(TAGS)
    assert all(tag.count("/") == 1 for tag in TAGS.values())


@pytest.mark.parametrize("step", [1, 5, LAST])
def test_heat_maps_are_those_of_the_epoch(path, values, step):
    run = read_run(path)
    stage, epoch = 1 + (step - 1) // SEARCH.epochs, 1 + (step - 1) % SEARCH.epochs
    frame = run.frames[stage, epoch]
    genotype = frame.derive(SEARCH.max_skip_connects)
    width, height, _ = values[step]["softmax_alpha/reduce"]
    assert (int(width), int(height)) == (pictures.width(8), HEIGHT)
    for cell, name in zip(CELLS, ("Normal", "Reduction"), strict=True):
        title = f"{name} cell after stage {stage}, epoch {epoch} of 4: softmax(alpha)"
        chosen = chosen_operations(genotype, cell, PRIMITIVES)
        expected = heat_map(title, PRIMITIVES, frame.probabilities(cell), chosen)
        assert picture(values[step][f"softmax_alpha/{cell}"]) == expected


def test_histograms_hold_all_alphas(epochs, values):
    for step, candidates in ((1, 8), (5, 5), (9, 3)):
        for cell in CELLS:
            alphas = np.array(epochs[step - 1]["alphas.jsonl"][cell])
            buckets = values[step][f"alphas/{cell}"]  # rows of left edge, right edge, count
            assert buckets[:, 2].sum() == NUM_EDGES * candidates
            assert (buckets[0, 0], buckets[-1, 1]) == pytest.approx((alphas.min(), alphas.max()))


def test_the_entropy_of_every_edge_is_a_curve(epochs, values):
    for cell in CELLS:
        expected = edge_entropies(np.array(epochs[6]["alphas.jsonl"][cell]))
        curves = [values[7][entropy_tag(cell, edge)] for edge in range(NUM_EDGES)]
        np.testing.assert_allclose(curves, expected, rtol=1e-6)


def test_the_genotype_is_that_of_a_derivation_and_can_be_pasted(path, values):
    result = load_genotype(path / "genotype.json")
    assert Genotype.parse(code(values[LAST]["genotype"].decode())) == result
    assert values[LAST]["genotype"].startswith(b"What a derivation after stage 3, epoch 4 of 4")


@pytest.mark.parametrize("name", ["PDARTS", "NASNet"])
def test_lines_of_a_genotype_are_short_and_say_all_of_it(name):
    text = module._code(GENOTYPES[name])
    assert max(map(len, text.split("\n"))) < 125
    assert Genotype.parse(code(text)) == GENOTYPES[name]


def test_skip_connects_are_counted_before_and_after_the_limit(epochs, values):
    found = [records[METRICS]["skip_connects"] for records in epochs]
    step = 1 + int(np.argmax(found))
    assert found[step - 1] > SEARCH.max_skip_connects
    text = f"Skip-connects in the normal cell: {found[step - 1]}, of which M = 2 leaves 2."
    assert text in values[step]["genotype"].decode()


def test_the_cells_that_a_derivation_gives_are_drawn(path, values):
    genotype = load_genotype(path / "genotype.json")
    for cell in CELLS:
        expected = png_bytes(draw_cell(genotype, cell), pixels_per_point=1)
        assert picture(values[LAST][f"cell/{cell}"]) == expected


def test_an_epoch_after_which_no_genotype_can_be_derived_is_shown_without_one(epochs):
    mask = np.zeros((NUM_EDGES, 8), bool)
    mask[:, [0, 3]] = True  # none and skip-connect: M = 2 cannot be reached
    space = SearchSpace(mask, mask)
    records = epochs[8] | {"alphas.jsonl": {cell: [[0.0, 0.0]] * NUM_EDGES for cell in CELLS}}
    records |= {METRICS: epochs[0][METRICS]}
    values = shown(SearchBoard(SEARCH, "run", [space]).epoch(records, 1))
    assert {"softmax_alpha/normal", "alphas/normal", "loss/weights"} <= values.keys()
    assert not {"genotype", "cell/normal", "cell/reduce"} & values.keys()


def test_a_stage_is_described_where_it_begins_and_only_there(values):
    assert [step for step, each in values.items() if "stage" in each] == [1, 5, 9]
    rows = values[5]["stage"].decode().split("\n")
    assert rows[:2] == ["| stage 2 of 3 | |", "|---|---|"]
    assert "| steps here | 5 to 8 |" in rows
    assert {"| cells | 4 |", "| channels | 8 |", "| candidates per edge | 5 |"} <= set(rows)
    assert "| skip dropout at first | 0.4 |" in rows
    assert [values[step]["schedule/stage"] for step in (4, 5, 9)] == [1, 2, 3]


def test_every_value_goes_to_the_dashboard_of_its_kind(summaries):
    plugins = {value.tag: value.metadata.plugin_data.plugin_name for value in summaries[LAST].value}
    assert plugins["loss/weights"] == plugins[entropy_tag("normal", 3)]
    assert plugins["loss/weights"] == scalar_metadata.PLUGIN_NAME
    assert plugins["alphas/normal"] == histogram_metadata.PLUGIN_NAME
    assert plugins["softmax_alpha/normal"] == plugins["cell/reduce"] == "images"
    assert plugins["genotype"] == "text"


def test_an_epoch_always_gives_the_same_summary(path, epochs, summaries):
    """So a resumed run, which shows its past anew, shows what it has shown."""
    again = board_of(path)
    for step in (1, 5, LAST):
        assert again.epoch(epochs[step - 1], step) == summaries[step]


def test_stages_that_begin_later_are_shown_too(path, epochs, summaries):
    spaces = board_of(path).spaces[:1]
    board = SearchBoard(SEARCH, "run", spaces)
    board.epoch(epochs[3], 4)
    spaces.append(board_of(path).spaces[1])
    assert board.epoch(epochs[4], 5) == summaries[5]


def test_cells_are_drawn_once_for_each_genotype(path, epochs, monkeypatch):
    drawings: list[str] = []

    def draw(genotype, cell):
        drawings.append(cell)
        return draw_cell(genotype, cell)

    monkeypatch.setattr(module, "draw_cell", draw)
    module._drawn.cache_clear()
    board = board_of(path)
    for _ in range(3):
        board.epoch(epochs[0], 1)
    module._drawn.cache_clear()
    assert drawings == ["normal", "reduce"]


def test_a_training_begins_with_its_genotype_and_shows_validation_and_test(training):
    board, epochs = board_of(training), epochs_of(training)
    start = shown(board.start(BEGUN))
    assert Genotype.parse(code(start["genotype"].decode())) == GENOTYPES["DARTS_V2"]
    assert {"cell/normal", "cell/reduce"} <= start.keys()
    last = shown(board.epoch(epochs[-1], TRAINING.epochs))
    assert last["accuracy/validation"] == pytest.approx(0.4)
    assert last["accuracy/validation_top5"] == pytest.approx(0.95)
    assert last["loss/validation"] == pytest.approx(2.2)
    assert last["accuracy/test"] == pytest.approx(0.65)
    assert last["accuracy/test_top5"] == pytest.approx(0.9)
