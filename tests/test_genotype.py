"""Genotypes: validation, notations, published cells, and texts that nobody should trust."""

import dataclasses
import json
import os
import pickle
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdarts_tf.genotype import (
    EVALUATION_PRIMITIVES,
    GENOTYPES,
    MAX_TEXT_SIZE,
    PRIMITIVES,
    Genotype,
    GenotypeError,
    load_genotype,
)

SMALL = Genotype(
    normal=[("skip_connect", 0), ("sep_conv_3x3", 1), ("dil_conv_5x5", 2), ("skip_connect", 0)],
    normal_concat=[2, 3],
    reduce=[("max_pool_3x3", 0), ("sep_conv_7x7", 1)],
    reduce_concat=[2],
)
SMALL_TEXT = (
    "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1), ('dil_conv_5x5', 2), "
    "('skip_connect', 0)], normal_concat=range(2, 4), "
    "reduce=[('max_pool_3x3', 0), ('sep_conv_7x7', 1)], reduce_concat=range(2, 3))"
)


def changed(**fields):
    """The fields of `SMALL` with some replaced."""
    return {**dataclasses.asdict(SMALL), **fields}


@st.composite
def cells(draw):
    """Edges and concatenation of a valid cell of one to seven nodes."""
    num_nodes = draw(st.integers(1, 7))
    operations = st.sampled_from(EVALUATION_PRIMITIVES)
    edges = [
        (draw(operations), draw(st.integers(0, node - 1)))
        for node in range(2, 2 + num_nodes)
        for _ in range(2)
    ]
    nodes = st.integers(2, 1 + num_nodes)
    return edges, draw(st.lists(nodes, min_size=1, unique=True))


@st.composite
def genotypes(draw):
    """Valid genotypes."""
    return Genotype(*draw(cells()), *draw(cells()))


def parse_or_refuse(text):
    """Parses a text that may raise nothing but a GenotypeError of one line."""
    try:
        assert isinstance(Genotype.parse(text), Genotype)
    except GenotypeError as error:
        message = str(error)
        assert len(message.splitlines()) == 1
        assert len(message) < 1000


# Values


def test_primitives_are_in_the_order_of_the_architecture_parameters():
    assert PRIMITIVES == (
        "none",
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    )


def test_evaluation_networks_know_two_more_operations():
    assert set(EVALUATION_PRIMITIVES) - set(PRIMITIVES) == {"sep_conv_7x7", "conv_7x1_1x7"}
    assert set(PRIMITIVES) <= set(EVALUATION_PRIMITIVES)


def test_lists_and_ranges_are_stored_as_tuples():
    edges = [["skip_connect", 0], ["skip_connect", 1]]
    genotype = Genotype(**changed(normal=edges, normal_concat=range(2, 3)))
    assert genotype.normal == (("skip_connect", 0), ("skip_connect", 1))
    assert genotype.normal_concat == (2,)


def test_equal_genotypes_have_equal_hashes():
    assert len({SMALL, Genotype.from_json(SMALL.to_json()), GENOTYPES["PDARTS"]}) == 2


def test_genotype_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SMALL.normal = ()  # type: ignore[misc]


def test_genotype_survives_pickling():
    assert pickle.loads(pickle.dumps(SMALL)) == SMALL


def test_numpy_integers_become_python_integers():
    genotype = Genotype(**changed(reduce_concat=[np.int64(2)]))
    assert type(genotype.reduce_concat[0]) is int


def test_skip_connects_are_counted_in_the_normal_cell():
    assert SMALL.num_skip_connects == 2


# Published cells


@pytest.mark.parametrize(
    ("name", "nodes", "skip_connects", "concat"),
    [
        ("PDARTS", 4, 2, (2, 3, 4, 5)),
        ("DARTS_V1", 4, 3, (2, 3, 4, 5)),
        ("DARTS_V2", 4, 2, (2, 3, 4, 5)),
        ("NASNet", 5, 2, (2, 3, 4, 5, 6)),
        ("AmoebaNet", 5, 2, (4, 5, 6)),
        ("PC_DARTS_CIFAR", 4, 1, (2, 3, 4, 5)),
        ("PC_DARTS_IMAGENET", 4, 2, (2, 3, 4, 5)),
    ],
)
def test_published_cells(name, nodes, skip_connects, concat):
    genotype = GENOTYPES[name]
    assert len(genotype.normal) == len(genotype.reduce) == 2 * nodes
    assert genotype.num_skip_connects == skip_connects
    assert genotype.normal_concat == concat


def test_no_other_cells_are_published():
    assert len(GENOTYPES) == 7


def test_pdarts_is_the_cell_of_its_repository():
    assert str(GENOTYPES["PDARTS"]) == (
        "Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), "
        "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), "
        "('dil_conv_5x5', 4)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), "
        "('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), "
        "('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)], "
        "reduce_concat=range(2, 6))"
    )


@pytest.mark.parametrize("name", GENOTYPES)
def test_name_of_a_published_cell_is_parsed(name):
    assert Genotype.parse(f" {name}\n") is GENOTYPES[name]


# Notations


def test_json_has_one_field_a_line():
    assert SMALL.to_json().splitlines()[1:3] == [
        '  "normal": [["skip_connect", 0], ["sep_conv_3x3", 1], ["dil_conv_5x5", 2], '
        '["skip_connect", 0]],',
        '  "normal_concat": [2, 3],',
    ]


def test_str_is_the_official_notation():
    assert str(SMALL) == SMALL_TEXT


@pytest.mark.parametrize(
    "text",
    [
        SMALL_TEXT,
        SMALL_TEXT.replace("range(2, 4)", "[2, 3]"),
        SMALL_TEXT.replace("'", '"'),
        "\n" + SMALL_TEXT.replace(", ", ",\n\t").replace("=", " = ") + "\n",
        SMALL_TEXT.replace(" ", ""),
        repr(SMALL),
    ],
)
def test_official_notation_is_parsed(text):
    assert Genotype.parse(text) == SMALL


def test_last_of_duplicate_json_keys_counts():
    text = SMALL.to_json().replace("{\n", '{"normal_concat": [3],\n')
    assert Genotype.parse(text) == SMALL


@given(genotypes())
def test_json_round_trip(genotype):
    assert Genotype.from_json(genotype.to_json()) == genotype
    assert Genotype.parse(genotype.to_json()) == genotype


@given(genotypes())
def test_official_notation_round_trip(genotype):
    assert Genotype.parse(str(genotype)) == genotype
    assert Genotype.parse(repr(genotype)) == genotype


# Malformed genotypes

PAIR = [("skip_connect", 0), ("skip_connect", 1)]


@pytest.mark.parametrize(
    ("fields", "expected", "received"),
    [
        ({"normal": []}, "normal to be a list of (operation, input) pairs", "[]"),
        ({"normal": PAIR[:1]}, "two for every node", "[('skip_connect', 0)]"),
        ({"reduce": 7}, "reduce to be a list", "7"),
        ({"reduce": "skip_connect"}, "reduce to be a list", "'skip_connect'"),
        ({"normal": [*PAIR, 1, 2]}, "normal[2] to be a pair", "1"),
        ({"normal": [*PAIR, ("skip_connect",), PAIR[0]]}, "normal[2] to be a pair", "('skip_con"),
        ({"normal": [("zero", 0), PAIR[1]]}, "the operation of normal[0] to be one of", "'zero'"),
        ({"normal": [PAIR[0], ("conv_1x1", 0)]}, "the operation of normal[1]", "'conv_1x1'"),
        ({"reduce": [(3, 0), PAIR[1]]}, "the operation of reduce[0]", "3"),
        ({"reduce": [(["skip_connect"], 0), PAIR[1]]}, "the operation of reduce[0]", "['skip"),
        ({"normal": [PAIR[0], ("skip_connect", 2)]}, "normal[1] to be an integer from 0 to 1", "2"),
        ({"normal": [*PAIR, PAIR[0], ("skip_connect", 3)]}, "integer from 0 to 2", "3"),
        ({"normal": [PAIR[0], ("skip_connect", -1)]}, "integer from 0 to 1", "-1"),
        ({"normal": [PAIR[0], ("skip_connect", True)]}, "integer from 0 to 1", "True"),
        ({"normal": [PAIR[0], ("skip_connect", 1.0)]}, "integer from 0 to 1", "1.0"),
        ({"normal": [PAIR[0], ("skip_connect", "1")]}, "integer from 0 to 1", "'1'"),
        ({"normal": [PAIR[0], ("skip_connect", None)]}, "integer from 0 to 1", "None"),
        ({"normal": [PAIR[0], ("skip_connect", 10**5000)]}, "integer from 0 to 1", "a huge int"),
        ({"normal_concat": []}, "normal_concat to be a list of distinct integers from 2 to 3", "["),
        ({"normal_concat": [2, 2]}, "distinct", "[2, 2]"),
        ({"normal_concat": [2, 4]}, "from 2 to 3", "[2, 4]"),
        ({"normal_concat": [1, 2]}, "from 2 to 3", "[1, 2]"),
        ({"normal_concat": [2, 3, 2]}, "distinct", "[2, 3, 2]"),
        ({"reduce_concat": [2.0]}, "reduce_concat to be a list", "[2.0]"),
        ({"reduce_concat": 2}, "reduce_concat to be a list", "2"),
        ({"reduce_concat": range(2, 10**30)}, "reduce_concat to be a list", "range(2, 1000000"),
    ],
)
def test_malformed_fields_are_refused(fields, expected, received):
    with pytest.raises(GenotypeError) as caught:
        Genotype(**changed(**fields))
    message = str(caught.value)
    assert expected in message
    assert f"Received: {received}" in message
    assert "\n" not in message


def test_error_shows_a_value_of_many_lines_on_one():
    with pytest.raises(GenotypeError) as caught:
        Genotype(**changed(normal=np.zeros((8, 2))))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a known name. Received: ''. Known names: PDARTS, DARTS_V1"),
        ("PDARTS2", "Known names"),
        ("[1, 2]", "Known names"),
        ("{", "a genotype in JSON"),
        ("{}", "the fields normal, normal_concat, reduce, reduce_concat. Received: []"),
        ('{"unrestricted": {}, "M=2": {}}', "Received: ['unrestricted', 'M=2']"),
        ('{"normal": [], "normal_concat": [], "reduce": []}', "the fields normal"),
        (SMALL.to_json()[:-1] + ', "extra": 1}', "the fields normal"),
        (SMALL.to_json().replace(" 0]", " NaN]"), "integer from 0 to 1. Received: nan"),
        (SMALL.to_json().replace(" 0]", " true]"), "integer from 0 to 1. Received: True"),
        (SMALL.to_json().replace(" 0]", f" {'9' * 5000}]"), "a genotype in JSON"),
        ("Genotype", "the official notation"),
        ("Genotype()", "the fields normal"),
        ("Genotype(1, 2)", "the official notation"),
        ("Genotype(normal=[", "the official notation"),
        ("Genotype(normal=range())", "the official notation"),
        ("Genotype(normal=range('a'))", "the official notation"),
        ("Genotype(normal=Genotype())", "the official notation"),
        (SMALL_TEXT + " == 1", "the official notation"),
        (SMALL_TEXT.replace("range(2, 4)", "range(2, 4, 0)"), "the official notation"),
        (SMALL_TEXT.replace("range(2, 4)", f"range({10**30})"), "normal_concat to be a list"),
        (SMALL_TEXT.replace("normal=", "reduce=", 1), "the fields normal"),
    ],
)
def test_malformed_text_is_refused(text, message):
    with pytest.raises(GenotypeError) as caught:
        Genotype.parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "code",
    ["__import__('os').mkdir('made')", "open('made', 'w')", "().__class__", "1 if 1 else 2", "1+1"],
)
def test_code_is_refused_and_not_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GenotypeError, match="only its names, brackets"):
        Genotype.parse(SMALL_TEXT.replace("range(2, 4)", code))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("text", [None, 7, b"PDARTS", ["PDARTS"], SMALL])
def test_anything_but_text_is_refused(text):
    with pytest.raises(GenotypeError, match="Expected text"):
        Genotype.parse(text)
    with pytest.raises(GenotypeError, match="Expected text"):
        Genotype.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"normal":' + "[" * 60_000,
        '{"normal":' * 6000,
        "Genotype(normal=" + "[" * 60_000,
        "Genotype(normal=" + "[" * 150 + "]" * 150 + ")",
        "Genotype(normal=" + "range(" * 10_000,
        "Genotype" + "()" * 30_000,
        "Genotype" + "[0]" * 20_000,
        "Genotype" + "=range" * 10_000,
        "Genotype(normal=" + "1," * 30_000 + ")",
        "Genotype('" + "a" * 60_000,
        "Genotype(" + "''" * 30_000 + ")",
        "Genotype" + " " * 60_000 + "+",
        "Genotype(normal=" + "9" * 60_000 + ")",
    ],
)
def test_deep_or_long_text_is_refused_fast(text):
    start = time.perf_counter()
    with pytest.raises(GenotypeError):
        Genotype.parse(text)
    assert time.perf_counter() - start < 2.0  # seconds


@pytest.mark.parametrize("unit", ["[", "{", " ", "Genotype(", "9", "PDARTS"])
def test_ten_megabytes_are_refused_unread(unit):
    text = unit * (10_000_000 // len(unit))
    start = time.perf_counter()
    with pytest.raises(GenotypeError, match=f"at most {MAX_TEXT_SIZE} characters"):
        Genotype.parse(text)
    with pytest.raises(GenotypeError, match=f"at most {MAX_TEXT_SIZE} characters"):
        Genotype.from_json(text)
    assert time.perf_counter() - start < 0.5  # seconds


@given(st.text() | st.text().map("{{{}".format) | st.text().map("Genotype({}".format))
def test_random_text_is_parsed_or_refused(text):
    parse_or_refuse(text)


@given(st.binary())
def test_random_bytes_are_parsed_or_refused(data):
    parse_or_refuse(data)
    parse_or_refuse(data.decode("latin-1"))
    parse_or_refuse(data.decode("utf-8", errors="surrogateescape"))


@given(
    st.sampled_from([SMALL.to_json(), SMALL_TEXT, str(GENOTYPES["NASNet"])]),
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.integers(0, 8),
            st.text(st.sampled_from("()[]{}=,:'\"\\-.0123456789 \n_aeGN"), max_size=4) | st.text(),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_mutated_text_is_parsed_or_refused(text, mutations):
    for position, length, replacement in mutations:
        text = text[:position] + replacement + text[position + length :]
    parse_or_refuse(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(st.sampled_from(["normal", "normal_concat", "reduce", "reduce_concat"]), JSON_VALUES)
def test_any_json_value_of_a_field_is_parsed_or_refused(field, value):
    parse_or_refuse(json.dumps(changed(**{field: value})))


@given(JSON_VALUES, JSON_VALUES)
def test_any_json_value_of_an_edge_is_parsed_or_refused(operation, source):
    parse_or_refuse(json.dumps(changed(normal=[[operation, 0], ["skip_connect", source]])))


# Names and files


def test_load_takes_a_name():
    assert load_genotype("PDARTS") is GENOTYPES["PDARTS"]


@pytest.mark.parametrize("text", [SMALL.to_json(), SMALL_TEXT, SMALL_TEXT + "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_load_reads_a_file_in_any_notation(tmp_path, text, encoding):
    path = tmp_path / "genotype.json"
    path.write_text(text, encoding=encoding)
    assert load_genotype(path) == load_genotype(str(path)) == SMALL


def test_load_takes_the_notation_itself():
    assert load_genotype(SMALL_TEXT) == load_genotype(SMALL.to_json()) == SMALL


@pytest.mark.parametrize("text", ["", "PDART", "no/such/file.json", "a\0b", "x" * 5000, "a\nb"])
def test_load_lists_the_known_names(text):
    with pytest.raises(GenotypeError, match="Known names: PDARTS, DARTS_V1, DARTS_V2") as caught:
        load_genotype(text)
    assert "\n" not in str(caught.value)


def test_load_names_the_file_and_its_fault(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(SMALL.to_json().replace("sep_conv_3x3", "sep_conv_9x9"))
    with pytest.raises(GenotypeError, match=r"bad\.json.*operation of normal\[1\].*sep_conv_9x9"):
        load_genotype(path)


def test_load_finds_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my cell").write_text(SMALL_TEXT)
    assert load_genotype("~/my cell") == SMALL


def test_load_refuses_a_large_file(tmp_path):
    path = tmp_path / "large.json"
    path.write_bytes(b" " * (MAX_TEXT_SIZE + 1))
    with pytest.raises(GenotypeError, match=f"a file of at most {MAX_TEXT_SIZE} bytes"):
        load_genotype(path)


def test_load_refuses_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(GenotypeError, match="a text file in UTF-8"):
        load_genotype(path)


def test_load_points_from_a_directory_to_its_genotype(tmp_path):
    with pytest.raises(GenotypeError, match=r"pass the genotype\.json in it"):
        load_genotype(tmp_path)


def test_load_refuses_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    path = tmp_path / "genotype.json"
    path.write_text(SMALL_TEXT)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(GenotypeError, match=r"a readable file.*Permission denied"):
        load_genotype(path)


def test_load_refuses_a_number():
    with pytest.raises(GenotypeError, match="a name or a file"):
        load_genotype(3)  # type: ignore[arg-type]
