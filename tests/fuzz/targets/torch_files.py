"""Files that `torch.save` wrote."""

from pathlib import Path

import numpy as np

from pdarts_tf.errors import InputError
from pdarts_tf.interop.state_dict import read_state_dict
from tests import torch_files
from tests.fuzz.targets import Target

_ARRAYS = {
    "stem.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "stem.1.bias": np.array([0.5, -2], np.float16),
    "module.count": np.array(7, np.int64),
}
_TOKENS = ("ctorch._utils\n", "_rebuild_tensor_v2", "FloatStorage", "cos\nsystem\n", "state_dict")


def make(scratch: Path) -> Target:
    """See `Target`."""
    path = scratch / "weights.pt"
    seeds = [torch_files.saved(_ARRAYS), torch_files.saved({"state_dict": _ARRAYS, "epoch": 3})]
    seeds += [torch_files.saved_before_1_6(_ARRAYS)]
    path.write_bytes(seeds[0])
    expected = read_state_dict(path, lambda line: None)

    def read(data: bytes) -> str:
        path.write_bytes(data)
        warnings: list[str] = []
        arrays = read_state_dict(path, warnings.append)
        assert all(each.isprintable() for each in warnings), warnings
        if any("no checksums" in each for each in warnings):
            return "read without checksums"
        for name in arrays.keys() & expected.keys():
            np.testing.assert_array_equal(arrays[name], expected[name])
        # A name lies within what a checksum protects, so none can be another one.
        assert arrays.keys() == expected.keys()
        return "read"

    return Target(seeds, read, (InputError,), _TOKENS)
