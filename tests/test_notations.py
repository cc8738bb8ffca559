"""Notations of genotypes that people have: read as the official one, or refused in one line."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdarts_tf.genotype import (
    GENOTYPES,
    Genotype,
    GenotypeError,
    load_genotype,
    load_genotypes,
)
from tests.source_tree import ROOT

SMALL = Genotype(
    normal=[("sep_conv_3x3", 0), ("skip_connect", 1)],
    normal_concat=[2],
    reduce=[("max_pool_3x3", 0), ("dil_conv_5x5", 1)],
    reduce_concat=[2],
)
TEXT = str(SMALL)
OTHER = Genotype(SMALL.reduce, [2], SMALL.normal, [2])
PAGE = (ROOT / "docs" / "genotypes.md").read_text("utf-8")
EXAMPLES = re.findall(r"```genotype\n(.*?)```", PAGE, re.DOTALL)
NNI = {
    "normal_n2_p0": "sepconv3x3",
    "normal_n2_p1": "skipconnect",
    "normal_n2_switch": ["normal_n2_p0", "normal_n2_p1"],
    "reduce_n2_p0": "maxpool",
    "reduce_n2_p1": "dilconv5x5",
    "reduce_n2_switch": ["reduce_n2_p0", "reduce_n2_p1"],
}


def refused(text, message, read=Genotype.parse):
    """Asserts that a text is refused in one line that says something."""
    with pytest.raises(GenotypeError) as caught:
        read(text)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_of_the_page_are_read(text, tmp_path):
    assert Genotype.parse(text) == SMALL
    (tmp_path / "g.txt").write_text(text)
    assert load_genotype(tmp_path / "g.txt") == SMALL


def test_the_page_has_all_its_examples():
    assert len(EXAMPLES) == PAGE.count("```genotype") == 9


@pytest.mark.parametrize(
    "text",
    [
        f"genotype = {TEXT}",
        f"2024-01-02 03:04:05,678 INFO genotype = {TEXT}\n",
        f"INFO:root:{TEXT}",
        f"X: Genotype = genotypes.{TEXT}",
        f"({TEXT},)",
        f"'{TEXT}'",
        f"`{TEXT}`",
        f"{TEXT};",
        f"{TEXT}.",
        f"{TEXT}  # the best",
        f"# the best\n{TEXT}\n# of three\n",
        f"a line\n{TEXT}\nanother line = 3\n",
        f"{TEXT}\n{TEXT}\n",
        TEXT.replace(", ", ", \\\n"),
        TEXT.replace(", ", ",  # a comment\n"),
        TEXT.replace(" ", "\u00a0"),
        TEXT.replace(" ", "\u2003\u200b"),
        re.sub("'([^']*)'", "\u2018\\1\u2019", TEXT),
        re.sub("'([^']*)'", "\u201c\\1\u201d", TEXT),
        re.sub("'([^']*)'", "\u201e\\1\u201c", TEXT),
        TEXT.replace("'", '"'),
        re.sub("('[^']*')", r"u\1", TEXT),
        re.sub("('[^']*')", r"np.str_(\1)", TEXT),
        re.sub(r"(\d)\)", r"np.int64(\1))", TEXT),
        re.sub(r"(\d)\)", r"numpy.int32(\1))", TEXT),
        TEXT.replace("range(2, 3)", "list(range(2, 3))"),
        TEXT.replace("range(2, 3)", "tuple([2])"),
        TEXT.replace("range(2, 3)", "[2,]"),
        TEXT.replace("normal=", "").replace("normal_concat=", "").replace("reduce=", ""),
        re.sub(r"\w+=", "", TEXT),
        TEXT[:-1] + ", connectN=None, connects=None)",
        repr(SMALL),
        repr((list(SMALL.normal), [2], list(SMALL.reduce), [2])),
        json.dumps({"mine": TEXT}),
        json.dumps({"unrestricted": json.loads(SMALL.to_json())}),
        json.dumps({"a": TEXT, "b": json.loads(SMALL.to_json())}),
    ],
)
def test_what_people_paste_is_read(text):
    assert Genotype.parse(text) == SMALL
    assert load_genotype(text) == SMALL


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_are_read_in_every_encoding_of_text(tmp_path, encoding):
    path = tmp_path / "g.txt"
    path.write_bytes(f"MINE = {TEXT}\r\n".encode(encoding))
    assert load_genotype(path) == SMALL


@pytest.mark.parametrize("odd", [b"\xff\xfea", b"\xff\xfe\x00\xd8", b"caf\xe9", b"G\x00e"])
def test_bytes_that_are_no_text_are_refused(tmp_path, odd):
    (tmp_path / "g.txt").write_bytes(odd)
    refused(tmp_path / "g.txt", "a text file in UTF-8", load_genotype)


# Several in one text

FILE = f"""
from collections import namedtuple

Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')

class Genotype(NamedTuple):
    normal: list

FIRST = {TEXT}
SECOND = Genotype(
  normal = {list(OTHER.normal)},
  normal_concat = [2],
  reduce = {list(OTHER.reduce)},
  reduce_concat = [2],
)
ODD = Genotype(normal=[('inv_res', 0)])
BEST = SECOND
LATEST = BEST  # again
ROUND = TRIP
TRIP = ROUND
"""


@pytest.fixture
def genotypes_py(tmp_path):
    path = tmp_path / "genotypes.py"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [("FIRST", SMALL), ("SECOND", OTHER), ("BEST", OTHER), ("LATEST", OTHER), ("first", SMALL)],
)
def test_one_of_several_is_named(genotypes_py, name, expected):
    assert load_genotype(f"{genotypes_py}:{name}") == expected


@pytest.mark.parametrize("name", ["THIRD", "ROUND", ""])
def test_a_name_that_is_not_there_is_refused(genotypes_py, name):
    refused(
        f"{genotypes_py}:{name}", "one of the genotypes 'FIRST', 'SECOND', 'ODD'", load_genotype
    )


def test_several_have_to_be_told_apart(genotypes_py):
    refused(
        genotypes_py, "FILE:NAME for one of several. Received: ['FIRST', 'SECOND'", load_genotype
    )


def test_an_odd_one_is_refused_only_if_it_is_named(genotypes_py):
    refused(f"{genotypes_py}:ODD", "This is one cell only", load_genotype)


def test_a_log_with_several_genotypes_is_refused():
    refused(f"genotype = {TEXT}\ngenotype = {OTHER}\n", "Received: ['genotype', 'genotype']")


def test_a_name_for_one_alone_is_refused(tmp_path):
    (tmp_path / "g.json").write_text(SMALL.to_json())
    refused(f"{tmp_path}/g.json:M=1", "a genotype called 'M=1'", load_genotype)


# Results of a search


@pytest.fixture
def run(tmp_path):
    """The run directory of a search with results for limits of 1 and 0."""
    none = Genotype([("sep_conv_3x3", 0)] * 2, [2], SMALL.reduce, [2])
    found = {"unrestricted": SMALL, "M=1": SMALL, "M=0": none}
    values = {name: json.loads(each.to_json()) for name, each in found.items()}
    (tmp_path / "genotypes.json").write_text(json.dumps(values))
    (tmp_path / "genotype.json").write_text(SMALL.to_json())
    return tmp_path


def test_a_run_directory_stands_for_its_result(run):
    assert load_genotype(run) == load_genotype(f"{run}/") == SMALL


@pytest.mark.parametrize("limit", [0, 1, 2, 7])
def test_a_limit_on_skip_connects_chooses_a_result(run, limit):
    for path in (run, run / "genotypes.json"):
        assert load_genotype(path, limit).num_skip_connects == min(limit, 1)


@pytest.mark.parametrize("path", ["{}/genotypes.json:M=0", "{}:M=0", "{}/genotypes.json:m=0"])
def test_a_result_can_be_named(run, path):
    assert load_genotype(path.format(run)).num_skip_connects == 0


@pytest.mark.parametrize("text", ["PDARTS", "{}/genotype.json", "{}/nowhere", TEXT])
def test_a_limit_needs_the_results_of_a_search(run, text):
    with pytest.raises(GenotypeError, match="the run directory of a search"):
        load_genotype(text.format(run), 1)


def test_a_run_directory_leaves_the_choice_among_its_results(run):
    found = load_genotypes(run)
    assert list(found) == ["unrestricted", "M=1", "M=0"]
    assert found["M=1"] == SMALL and found["M=0"].num_skip_connects == 0


@pytest.mark.parametrize(
    ("text", "limit", "name"), [("{}", 0, "M=0"), ("{}/genotype.json", None, ""), (TEXT, None, "")]
)
def test_what_names_one_genotype_leaves_no_choice(run, text, limit, name):
    (single,) = load_genotypes(text.format(run), limit).items()
    assert single == (name, load_genotype(text.format(run), limit))


@pytest.mark.parametrize("text", ["{}", "[]", '{"M=1": {"normal": []}}', "\xff"])
def test_damaged_results_are_named(run, text):
    (run / "genotypes.json").write_text(text, "latin-1")
    with pytest.raises(GenotypeError, match=r"genotypes\.json"):
        load_genotypes(run)


def test_a_limit_that_the_search_could_not_reach_is_refused(run):
    values = json.loads((run / "genotypes.json").read_text())
    del values["M=0"]
    (run / "genotypes.json").write_text(json.dumps(values))
    refused(run, "one of the genotypes 'unrestricted', 'M=1'", lambda path: load_genotype(path, 0))


# Names


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("pdarts", "PDARTS"),
        ("P-DARTS", "PDARTS"),
        ("DARTS", "DARTS_V2"),
        ("darts_v1", "DARTS_V1"),
        ("nasnet", "NASNet"),
        ("AMOEBANET", "AmoebaNet"),
        ("PC_DARTS_cifar", "PC_DARTS_CIFAR"),
        ("PC_DARTS_image", "PC_DARTS_IMAGENET"),
        ("PCDARTS", "PC_DARTS_CIFAR"),
        ("pc-darts", "PC_DARTS_CIFAR"),
    ],
)
def test_names_of_the_official_files_are_known_in_any_case(name, published, tmp_path):
    assert Genotype.parse(name) is load_genotype(name) is GENOTYPES[published]
    (tmp_path / "g.txt").write_text(f"{name}\n")
    assert load_genotype(tmp_path / "g.txt") is GENOTYPES[published]


# NNI and NASLib


@pytest.mark.parametrize(
    "changes",
    [
        {"normal_n2_p0": 3, "normal_n2_p1": 2},
        {"normal_n2_p0": [False, False, False, True, False, False, False]},
        {"normal_n2_switch": [True, True]},
        {"normal_n2_switch": [1, 0]},
        {"normal_n2_p0": "sep_conv_3x3"},
    ],
)
def test_other_forms_of_nni_are_read(changes):
    assert Genotype.parse(json.dumps(NNI | changes)) == SMALL


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normal_n2_p0": []}, "normal_n2_p0 to be one of maxpool"),
        ({"normal_n2_p0": 7}, "normal_n2_p0 to be one of maxpool"),
        ({"normal_n2_p0": [True, True]}, "normal_n2_p0 to be one of maxpool"),
        ({"normal_n2_switch": ["normal_n2_p0"]}, "two inputs in normal_n2_switch"),
        ({"normal_n2_switch": [True, False]}, "two inputs in normal_n2_switch"),
        ({"normal_n2_switch": ["a", "b"]}, "normal_n2_switch to name two of"),
        ({"normal_n2_switch": None}, "normal_n2_switch to name two of"),
        ({"normal_n4_p0": "maxpool"}, "nodes of the normal cell from 2 on"),
        ({"width": 36}, "only keys of NNI's cells. Received: 'width'"),
    ],
)
def test_incomplete_architectures_of_nni_are_refused(changes, message):
    refused(json.dumps(NNI | changes), message)


def test_one_cell_of_nni_is_refused():
    refused(
        json.dumps({k: v for k, v in NNI.items() if "normal" in k}), "the reduce cell from 2 on"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normal/op_2_0": None}, "normal/op_2_0 and its input"),
        ({"normal/op_2_0": "conv_1x1"}, "the operation of normal[0]"),
        ({"normal/input_2_0": [0, 1]}, "the input of normal[0]"),
    ],
)
def test_incomplete_architectures_of_the_hub_are_refused(change, message):
    hub = json.loads(next(each for each in EXAMPLES if "op_2_0" in each))
    refused(json.dumps(hub | change), message)


def test_operations_that_naslib_does_not_number_are_refused():
    refused("(((0, 7), (1, 2)), ((0, 0), (1, 6)))", "operations from 0 (max_pool_3x3)")


# Other spaces, and places of errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TEXT.replace("sep_conv_3x3", "inv_res"),
            "'inv_res'. Use one of these, or register it",
        ),
        (
            TEXT.replace("sep_conv_3x3", "noise"),
            "'noise'. Use one of these, or register it",
        ),
        (
            TEXT.replace("('sep_conv_3x3', 0)", "('sep_conv_3x3', 2, 0)"),
            "Triples, as FairDARTS has",
        ),
        ("Genotype(normal=[('skip_connect', 2, 0)] * 1)", "expected ',' or ')' after"),
        ("|nor_conv_3x3~0|+|skip_connect~0|none~1|", "NAS-Bench-201, another space"),
        (
            "Genotype(normal=[('skip_connect', 0)], normal_concat=[2])",
            "This is one cell only: give",
        ),
        ("Genotype(recurrent=[('tanh', 0)], concat=range(1, 9))", "of another search space"),
        (TEXT[:-1] + ", connects=[1])", "the fields normal"),
    ],
)
def test_other_spaces_are_refused_in_a_line_that_says_so(text, message):
    refused(text, message)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            TEXT.replace("range(2, 3)", "rnge(2, 3)", 1),
            '1)], normal_concat=": "rnge(2, 3)',
        ),
        (TEXT + " + 1", "expected the end of the line after"),
        (TEXT[:60], ": the end"),
        (TEXT.replace("'skip_connect'", "'skip_connect"), "after"),
        (SMALL.to_json().replace("0]", "0"), "Expecting ',' delimiter"),
        (repr(json.loads(SMALL.to_json())).replace("0]", "0"), "expected ',' or ']' after"),
    ],
)
def test_an_error_shows_its_place(text, place):
    refused(text, place)


@pytest.mark.parametrize("odd", ["\x1b[2J", "\u202e", "\x00", "\x07"])
def test_an_error_is_inert(odd):
    with pytest.raises(GenotypeError) as caught:
        Genotype.parse(TEXT.replace("range", odd))
    assert odd not in str(caught.value)


def test_many_genotypes_in_a_text_take_no_time():
    refused("Genotype(" * 7000, "the official notation")
    refused("Genotype(#" * 6000, "")
    refused(f"{TEXT}\n" * 300 + str(OTHER), "Name or keep one of them")


@pytest.mark.parametrize(
    "text", ["((0, 1), 3)", "(3, 4)", "((0, 1),)", "[]", "()", "(((0,),), ((0, 1),))"]
)
def test_other_sequences_are_no_genotypes(text):
    refused(text, "Known names")


@given(
    st.sampled_from([*EXAMPLES, FILE]),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 8),
            st.text(
                st.sampled_from("()[]{}=,:'\"\\-.0123456789 \n_aeGN#;|~\u2018\u00a0"), max_size=4
            ),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_mutated_texts_are_read_or_refused(text, mutations):
    for position, length, replacement in mutations:
        text = text[:position] + replacement + text[position + length :]
    try:
        assert isinstance(Genotype.parse(text), Genotype)
    except GenotypeError as error:
        assert len(str(error).splitlines()) == 1
        assert len(str(error)) < 1500
