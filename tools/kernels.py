"""Tables of the operations that every step takes on a GPU, and which kernels they have there.

    python -m tools.kernels
    python -m tools.kernels --networks=network --precisions=none --settings=plain

One table per precision and setting, with a column per step: the three stages with the paper's
numbers of cells (warm-up, search, validation), and its evaluation network (train, test). It needs
no GPU, since TensorFlow's library knows the kernels of a GPU without one; all tables take a quarter
of an hour on two cores, nearly all of it tracing.

GPU: a kernel of the GPU. host: computed in host memory, as TensorFlow does with shapes and other
integers of 32 bits. -: no kernel, since it only hands on what it is given, or follows from
constants. missing: no kernel for the GPU, so that its inputs and outputs are copied.
"""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping

from absl import app, flags

from pdarts_tf.config.compute import PRECISIONS
from pdarts_tf.cost.tables import table
from tools.steps import SETTINGS, STAGES, ConcreteFunction, network_steps, search_steps
from tools.traced_operations import GPU, HOST, MISSING, NONE, Tally, count_operations

NETWORKS = (*STAGES, "network")
_NETWORKS = flags.DEFINE_list("networks", list(NETWORKS), f"Of {', '.join(NETWORKS)}.")
_PRECISIONS = flags.DEFINE_list("precisions", list(PRECISIONS), f"Of {', '.join(PRECISIONS)}.")
_SETTINGS = flags.DEFINE_list("settings", list(SETTINGS), f"Of {', '.join(SETTINGS)}.")

_PIPELINE = (
    "Input pipeline: no operation on the device. tf.data reads, augments and normalizes on the "
    "CPU; the steps above begin with finished float32 images."
)


def traced(network: str, precision: str, setting: str) -> dict[str, ConcreteFunction]:
    """Returns {name: traced step} of one of `NETWORKS`."""
    if network == "network":
        return network_steps(precision, setting)
    return search_steps(STAGES[network], precision, setting)


def tallies(networks: list[str], precision: str, setting: str) -> dict[str, Tally]:
    """Returns {name of network and step: its operations}."""
    found = {}
    for network in networks:
        if setting == "accumulation" and network != "network":
            continue
        for name, step in traced(network, precision, setting).items():
            found[f"{network} {name}"] = count_operations(step)
        gc.collect()  # a stage's graphs take hundreds of MB
    return found


def lines(steps: Mapping[str, Tally]) -> Iterator[str]:
    """Yields the lines of a table of steps: operations, totals, copies to the host."""
    together: Counter = Counter()
    for tally in steps.values():
        together.update(tally.operations)
    order = {kernel: i for i, kernel in enumerate((MISSING, GPU, HOST, NONE))}
    operations = sorted(together, key=lambda each: (order[each.kernel], -together[each], each.op))
    rows = [
        (
            each.op,
            " ".join(each.types),
            each.kernel,
            "refuses" if each.refusal else "",
            *(tally.operations[each] for tally in steps.values()),
        )
        for each in operations
    ]
    totals = [
        ("all", "", kernel, "", *(tally.total(kernel) for tally in steps.values()))
        for kernel in order
    ]
    yield table(("operation", "types", "kernel", "determinism", *steps), rows + totals)
    copies: Counter = Counter()
    for tally in steps.values():
        copies.update(tally.copies)
    for copy in copies:
        counts = ", ".join(f"{name} {tally.copies[copy]}" for name, tally in steps.items())
        types = " ".join(copy.types)
        yield f"to the host: {copy.source} ({types}) to {copy.target}.{copy.argument}: {counts}"
    loops = [name for name, tally in steps.items() if tally.unknown_loops]
    if loops:
        yield f"loops of unknown length, counted as one iteration: {', '.join(loops)}"


def main(argv: list[str]) -> None:
    """Prints the tables that the flags name."""
    del argv
    from pdarts_tf.training.runtime import configure

    configure()
    for precision in _PRECISIONS.value:
        for setting in _SETTINGS.value:
            steps = tallies(_NETWORKS.value, precision, setting)
            if steps:
                print(f"\n--mixed_precision={precision}, {setting}\n")
                print(*lines(steps), sep="\n", flush=True)
    print(f"\n{_PIPELINE}")


if __name__ == "__main__":
    app.run(main)
