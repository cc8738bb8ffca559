"""The official PyTorch code, as the benchmarks import it. Needs nothing else of this project."""

import importlib
import sys
import types


def official_module(checkout, name):
    """Imports a module of the official code without torchvision, and returns it.

    Args:
        checkout: Folder of the official code, which imports torchvision beside its networks, for
            its data only.
        name: Name of the module, such as "model".
    """
    names = ("torchvision", "torchvision.datasets", "torchvision.transforms")
    stand_ins = {each: types.ModuleType(each) for each in names}
    for each in names[1:]:
        setattr(stand_ins[names[0]], each.split(".")[1], stand_ins[each])
    before = {each: sys.modules[each] for each in names if each in sys.modules}
    sys.modules.update(stand_ins)
    sys.path.insert(0, checkout)
    try:
        return importlib.import_module(name)
    finally:  # PyTorch looks for torchvision too
        sys.path.remove(checkout)
        for each in names:
            del sys.modules[each]
        sys.modules.update(before)
