"""The forward pass of the official PyTorch network; started by `benchmarks.inference`.

Reads batch sizes from standard input and prints the seconds that a pass took. Needs torch, and
nothing of this project.
"""

import os
import sys
import time

from benchmarks.official_code import official_module

REPEATS = {1: 10, 64: 1}


def main():
    """Takes turns with the others."""
    import torch

    torch.set_num_threads(os.cpu_count())
    genotype = official_module(sys.argv[1], "genotypes").PDARTS
    network = official_module(sys.argv[1], "model").NetworkCIFAR(36, 10, 20, False, genotype)
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
