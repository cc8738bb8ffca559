"""Times the bilevel step of the official PyTorch code; started by `benchmarks.supernet_step`.

Reads its task as JSON from standard input and prints the numbers as JSON. Needs torch, and nothing
of this project.
"""

import json
import resource
import statistics
import sys
import time


def main():
    """Measures what the task says."""
    task = json.load(sys.stdin)
    sys.path.insert(0, task["checkout"])
    import torch
    from model_search import Network

    torch.manual_seed(0)
    images = torch.randn(task["batch_size"], 3, task["image_size"], task["image_size"])
    labels = torch.randint(0, 10, (task["batch_size"],))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = Network(
        task["channels"],
        10,
        task["layers"],
        torch.nn.CrossEntropyLoss(),
        switches_normal=task["normal"],
        switches_reduce=task["reduce"],
        p=task["dropout"],
    )
    alphas = model.arch_parameters()
    weights = [p for p in model.parameters() if not any(p is each for each in alphas)]
    settings = (
        (
            alphas,
            torch.optim.Adam(alphas, 6e-4, betas=(0.5, 0.999), weight_decay=1e-3),
        ),
        (weights, torch.optim.SGD(weights, 0.025, momentum=0.9, weight_decay=3e-4)),
    )
    seconds = []
    for _ in range(task["repeats"] + 1):
        start = time.perf_counter()
        for parameters, optimizer in settings:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 5)
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = {
        # The first step allocates what the others reuse.
        "official_images_per_second": task["batch_size"] / statistics.median(seconds[1:]),
        "official_peak_memory_mb": (peak - before) / 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
