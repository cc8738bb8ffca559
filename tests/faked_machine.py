"""A command on a machine with other memory and another driver, with supernets of a single layer.

python -m tests.faked_machine FREE_MIB DRIVER_FILE MODULE FLAG…
"""

import pathlib
import runpy
import sys
from unittest import mock

from pdarts_tf.runs import room
from pdarts_tf.training import gpus
from tests.one_layer import one_layer_supernets

if __name__ == "__main__":
    free, driver, module, *flags = sys.argv[1:]
    sys.argv = [module, *flags]
    with (
        mock.patch.object(room, "free_memory", lambda: int(free) * 2**20),
        mock.patch.object(gpus, "DRIVER_FILE", pathlib.Path(driver)),
        one_layer_supernets(),
    ):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
