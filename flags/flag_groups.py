"""Groups of flags in help texts: the one place that knows which flag is in which."""

GROUPS = {
    "Data": (
        "dataset", "data_dir", "image_size", "train_images_per_class", "train_portion",
        "validation_portion", "augmentation", "crop_padding", "flip", "color_jitter",
        "cutout_length", "rand_augment", "mixup", "class_weights", "max_megapixels",
    ),
    "Search space and network": (
        "genotype", "primitives", "search_space", "layers", "init_channels", "add_channels",
        "candidates", "skip_dropout_rates", "max_skip_connects", "restrict_reduce", "strategy",
        "samples", "stem", "num_classes", "auxiliary", "auxiliary_weight", "drop_path_rate",
        "max_parameters", "max_macs", "max_latency_ms",
    ),
    "Optimization": (
        "epochs", "warmup_epochs", "validation_epochs", "max_steps_per_epoch", "batch_size",
        "learning_rate", "schedule", "learning_rate_warmup_epochs", "momentum", "l2", "clip_norm",
        "label_smoothing", "average_decay", "early_stopping_epochs", "seed",
    ),
    "Architecture parameters": (
        "arch_learning_rate", "arch_beta_1", "arch_beta_2", "arch_l2", "arch_clip_norm",
        "arch_order",
    ),
    "Study": (
        "methods", "seeds", "search_flags", "train_flags", "executor", "jobs", "gpus_per_trial",
        "trial",
    ),
    "Hardware and memory": (
        "distribution", "num_cpu_devices", "gpu_memory", "mixed_precision", "rematerialize",
        "gradient_accumulation", "sync_batch_norm", "jit_compile", "compilation_cache_dir",
        "memory_limit_gb",
    ),
    "Exported models and servers": (
        "run_dir", "export_dir", "model", "version", "format", "serve_on", "host", "port", "grpc",
        "signature", "timeout", "check", "tolerance",
    ),
    "Output and checkpoints": (
        "checkpoint", "output_dir", "output", "json", "svg", "png", "front", "trainings", "latency",
        "plot", "evaluate_only", "dry_run",
        "checkpoint_every_minutes", "checkpoint_every_steps", "keep_checkpoints", "callbacks",
        "plugins", "profile_steps",
    ),
}  # fmt: skip
"""{title: names}, over all commands, in the order of help texts."""


def grouped(names: set[str], first: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Returns the flags of a command by group, in the order of help texts.

    Args:
        names: Names of all flags.
        first: Those that come first, in a group of their own.

    Raises:
        KeyError: A flag is in no group.

    >>> grouped({"seed", "flip", "dataset"}, first=("dataset",))
    {'The most important': ['dataset'], 'Data': ['flip'], 'Optimization': ['seed']}
    """
    if unknown := names.difference(*GROUPS.values()):
        raise KeyError(f"flags without a group in flags/flag_groups.py: {sorted(unknown)}")
    found = {"The most important": list(first)} if first else {}
    rest = names.difference(first)
    for title, members in GROUPS.items():
        if own := [name for name in members if name in rest]:
            found[title] = own
    return found
