"""State dicts as people save them: found under the usual keys, or refused with what to do."""

import numpy as np
import pytest

from pdarts_tf.errors import InputError
from pdarts_tf.interop.state_dict import WRAPPERS, named_arrays, read_state_dict
from tests.torch_files import (
    NAMESPACE,
    NUMPY_SCALAR,
    Called,
    Named,
    parameter,
    saved,
    saved_before_1_6,
)

ONES = np.ones(2, np.float32)
ALPHAS = {"alphas_normal": ONES, "alphas_reduce": ONES}
SPARSE = Called(Named("torch._utils", "_rebuild_sparse_tensor"), (1,))


@pytest.fixture
def read(tmp_path):
    """Function of an object -> (arrays of the file that it is saved in, warnings)."""

    def read(content, write=saved):
        warnings: list[str] = []
        (tmp_path / "w.pt").write_bytes(write(content))
        return read_state_dict(tmp_path / "w.pt", warnings.append), warnings

    return read


@pytest.mark.parametrize("key", [None, *WRAPPERS])
def test_a_state_dict_is_found_under_the_usual_keys(read, key):
    arrays, warnings = read({"a.weight": ONES} if key is None else {key: {"a.weight": ONES}})
    np.testing.assert_array_equal(arrays["a.weight"], ONES)
    assert warnings == []


def test_a_state_dict_is_found_under_two_keys_in_one_another(read):
    assert set(read({"model": {"state_dict": {"a": ONES}}})[0]) == {"a"}


@pytest.mark.parametrize(
    "beside",
    [
        {"epoch": 3},
        {"best": NUMPY_SCALAR},
        {"args": NAMESPACE},
        {"optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
        {"note": "\x1b[2J"},
    ],
)
def test_other_things_may_stand_beside_it(read, beside):
    assert set(read({"state_dict": {"a": ONES}, **beside})[0]) == {"a"}


def test_alphas_may_stand_beside_it(read):
    assert set(read({"state_dict": {"a": ONES}, **ALPHAS})[0]) == {"a", *ALPHAS}


def test_what_stands_among_tensors_and_is_none_is_named(read):
    arrays, warnings = read({**ALPHAS, "epoch": 3, "args": NAMESPACE})
    assert set(arrays) == set(ALPHAS)
    assert warnings == ["warning: not used: 'epoch', 'args'"]


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "model.", "net."]
)
def test_prefixes_of_wrapped_modules_are_taken_off(read, prefix):
    assert set(read({f"{prefix}cells.0.w": ONES})[0]) == {"cells.0.w"}


def test_a_compiled_part_of_a_network_has_its_name(read):
    assert set(read({"cells.0._orig_mod.w": ONES})[0]) == {"cells.0.w"}


def test_parameters_are_read(read):
    np.testing.assert_array_equal(read({"a": parameter(ONES)})[0]["a"], ONES)


def test_that_the_older_format_has_no_checksums_is_said(read):
    arrays, warnings = read({"a": ONES}, saved_before_1_6)
    np.testing.assert_array_equal(arrays["a"], ONES)
    assert "has no checksums" in warnings[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({0: ONES, 1: ONES}, "expected names of parameters as keys. Received: 0"),
        ({"alphas_normal": SPARSE, "alphas_reduce": ONES}, "'alphas_normal' is a sparse tensor"),
        ({**ALPHAS, "betas_normal": NAMESPACE}, "expected 'betas_normal' to be an array"),
        ({"state_dict": ALPHAS, "alphas_normal": ONES}, "'alphas_normal' is there twice"),
        ({"model": {"a": ONES}, "net": {"a": ONES}}, "model and net each hold a state dict"),
        ({"a": ONES, "module.a": ONES}, "two parameters are called 'a'"),
        ({"ema": {"a": ONES}}, "under one of the keys state_dict, .* with the keys 'ema'"),
        ({}, "an empty dictionary"),
        ({"epoch": 3}, "a dictionary with the keys 'epoch'"),
        ([ONES, ONES], r"a list of 2; save \{name: tensor\}"),
        (3, "Received: 3, a int"),
        (Called(Named("model", "NetworkCIFAR")), "an object of 'model.NetworkCIFAR', .* save its"),
        ({"\x1b[2J": {"a": ONES}}, r"with the keys '\\x1b\[2J'"),
    ],
)
def test_what_is_refused_says_what_it_is_and_what_to_do(read, content, message):
    with pytest.raises(InputError, match=rf"(?i)w\.pt: .*{message}") as caught:
        read(content)
    assert len(str(caught.value).splitlines()) == 1


def test_code_instead_of_weights_is_refused(read):
    with pytest.raises(InputError, match="expected a state dict"):
        read({"a": Named("builtins", "print")})


def test_arrays_in_memory_have_to_be_arrays():
    with pytest.raises(InputError, match=r"expected tensors only\. Received: 'a', 'text'"):
        named_arrays({"b": ONES, "a": "text"})
