"""The forward pass of the official PyTorch network; started by `benchmarks.inference`.

Reads batch sizes from standard input and prints the seconds that a pass took. Needs torch, and
nothing of this project.
"""

import os
import sys
import time
import types

REPEATS = {1: 10, 64: 1}


def main():
    """Takes turns with the others."""
    sys.path.insert(0, sys.argv[1])
    # The official code imports torchvision in the same module, for its data only.
    vision = {
        name: types.ModuleType(name) for name in ("torchvision.datasets", "torchvision.transforms")
    }
    sys.modules.update({"torchvision": types.ModuleType("torchvision"), **vision})
    for name, module in vision.items():
        setattr(sys.modules["torchvision"], name.split(".")[1], module)
    import torch
    from genotypes import PDARTS
    from model import NetworkCIFAR

    torch.set_num_threads(os.cpu_count())
    network = NetworkCIFAR(36, 10, 20, False, PDARTS)
    network.drop_path_prob = 0.0
    network.eval()
    with torch.no_grad():
        for size in REPEATS:
            for _ in range(2):
                network(torch.ones(size, 3, 32, 32))
        print("ready", flush=True)
        for line in sys.stdin:
            size = int(line)
            batch = torch.ones(size, 3, 32, 32)
            start = time.perf_counter()
            for _ in range(REPEATS[size]):
                network(batch)
            print((time.perf_counter() - start) / REPEATS[size], flush=True)


if __name__ == "__main__":
    main()
