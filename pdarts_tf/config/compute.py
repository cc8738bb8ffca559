"""Settings of the computation of steps that searches and trainings share."""

from dataclasses import dataclass
from typing import Any

from pdarts_tf.config.settings import Settings, check, setting

PRECISIONS = {"none": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}
"""Values of --mixed_precision, and the Keras dtype policy that each stands for."""

COMPILATIONS = ("none", "cells", "step")
"""Values of --jit_compile."""


@dataclass(frozen=True, kw_only=True)
class ComputeConfig(Settings):
    """Precision, memory and compilation of steps, the same for searches and trainings.

    Raises:
        ConfigError: Values do not fit each other.
    """

    sync_batch_norm: bool = setting(False, "Synchronize batch-norm statistics across all devices.")
    mixed_precision: str = setting(
        "none", "Mixed precision: none (float32), float16 or bfloat16.", choices=PRECISIONS
    )
    rematerialize: bool = setting(
        False,
        "Rematerialize activations: recompute cells in the backward pass, to save memory.",
    )
    jit_compile: str = setting(
        "none",
        "Compile with XLA, for GPUs: none, cells (each of the cells, which a bare --jit_compile "
        "means too) or step (every step as a whole, on one device).",
        booleans=("none", "cells"),
        choices=COMPILATIONS,
    )

    def __post_init__(self) -> None:
        """Validates every value."""
        super().__post_init__()
        value = self.jit_compile
        check(
            not (self.sync_batch_norm and value != "none"),
            "jit_compile",
            "none with --sync_batch_norm, since devices cannot communicate inside what XLA "
            "compiles",
            value,
        )
        check(
            not (self.rematerialize and value == "step"),
            "jit_compile",
            "none or cells with --rematerialize, since XLA computes only once what a step asks for "
            "twice",
            value,
        )

    @property
    def network_options(self) -> dict[str, Any]:
        """Keyword arguments of the networks' constructors."""
        return {
            "sync_batch_norm": self.sync_batch_norm,
            "rematerialize": self.rematerialize,
            "compile_cells": self.jit_compile == "cells",
            "compile_step": self.compiles_steps,
            "dtype": PRECISIONS[self.mixed_precision],
        }

    @property
    def compiles_steps(self) -> bool:
        """Whether XLA compiles every step as a whole."""
        return self.jit_compile == "step"

    @property
    def parts_per_device(self) -> int:
        """Number of parts in which a device computes its share of a batch, one by one."""
        return 1

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Flags in use that change how much memory a run needs, but not its estimate."""
        used = {
            "rematerialize": self.rematerialize,
            "gradient_accumulation": self.parts_per_device > 1,
            "mixed_precision": self.mixed_precision != "none",
            "jit_compile": self.jit_compile != "none",
        }
        return tuple(f"--{name}" for name, value in used.items() if value)
