"""Times the steps of the official PyTorch code, of a search or of a network's training.

    python -m benchmarks.official_step <TASK

`benchmarks.supernet_step` and `benchmarks.gpu` start it. It reads its task as JSON from standard
input, and after every measurement prints all that it has measured as a line of JSON. Needs torch.
"""

import json
import resource
import sys

from benchmarks.official_code import official_module
from benchmarks.timing import first_seconds, step_seconds


def make_stage(torch, task):
    """Returns the supernet of a task, and {step: (parameters, optimizer)} of both its steps."""
    model = (
        official_module(task["checkout"], "model_search")
        .Network(
            task["channels"],
            10,
            task["layers"],
            torch.nn.CrossEntropyLoss(),
            switches_normal=task["normal"],
            switches_reduce=task["reduce"],
            p=task["dropout"],
        )
        .to(task["device"])
    )
    alphas = model.arch_parameters()
    for each in alphas:  # which are no parameters of the module
        each.data = each.data.to(task["device"])
    weights = [p for p in model.parameters() if not any(p is each for each in alphas)]
    adam = torch.optim.Adam(alphas, 6e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    return model, {"arch": (alphas, adam), "weight": (weights, _sgd(torch, weights))}


def make_network(torch, task):
    """Returns the evaluation network of a task, and {step: (parameters, optimizer)}."""
    genotype = official_module(task["checkout"], "genotypes").PDARTS
    network = official_module(task["checkout"], "model").NetworkCIFAR
    model = network(task["channels"], 10, task["layers"], True, genotype).to(task["device"])
    # Its drop-path knows GPUs only.
    model.drop_path_prob = task["drop_path_rate"] if task["device"] == "cuda" else 0.0
    weights = list(model.parameters())
    return model, {"train": (weights, _sgd(torch, weights))}


def _sgd(torch, weights):
    return torch.optim.SGD(weights, 0.025, momentum=0.9, weight_decay=3e-4)


def make_step(torch, task, forward, parameters, optimizer):
    """Returns the function that takes a step, as the official code does."""
    size, device = task["image_size"], task["device"]
    images = torch.randn(task["batch_size"], 3, size, size, device=device)
    labels = torch.randint(0, 10, (task["batch_size"],), device=device)
    loss_of = torch.nn.functional.cross_entropy

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=task["precision"] == "bfloat16"):
            outputs = forward(images)
            if isinstance(outputs, tuple):
                loss = loss_of(outputs[0], labels) + 0.4 * loss_of(outputs[1], labels)
            else:
                loss = loss_of(outputs, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5)
        optimizer.step()

    return step


def measure(torch, task):
    """Yields the numbers of a task, more each time."""
    on_gpu = task["device"] == "cuda"
    tf32 = task["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True  # as the official scripts do
    torch.manual_seed(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model, groups = (make_network if task["what"] == "network" else make_stage)(torch, task)
    forward = torch.compile(model) if task["compile"] else model
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    steps = {name: make_step(torch, task, forward, *group) for name, group in groups.items()}
    result = {"batch": task["batch_size"]}
    for name, step in steps.items():
        result[f"{name}_first_s"] = first_seconds(step, wait)
        yield result
    for name, step in steps.items():
        result[f"{name}_s"] = step_seconds(step, wait, **task["timing"])
        yield result
    result["images_per_s"] = task["batch_size"] / sum(result[f"{name}_s"] for name in steps)
    if on_gpu:
        result["peak_mb"] = torch.cuda.max_memory_allocated() / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result["peak_mb"] = (peak - before) / 1024
    result["torch"] = torch.__version__
    yield result


def main():
    """Measures the task."""
    task = json.load(sys.stdin)
    import torch

    for result in measure(torch, task):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
