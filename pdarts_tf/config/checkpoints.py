"""Settings of checkpoints."""

from dataclasses import dataclass

from pdarts_tf.config.settings import Settings, check_not_negative, setting


@dataclass(frozen=True)
class CheckpointConfig(Settings):
    """Intervals between checkpoints inside an epoch, and the number to keep.

    These settings do not affect results, so a run may be resumed with other ones.

    Raises:
        ConfigError: A value is out of range.
    """

    checkpoint_every_minutes: float = setting(
        5.0, "Minutes between checkpoints inside an epoch; 0 for none."
    )
    checkpoint_every_steps: int | None = setting(
        None, "Steps between checkpoints inside an epoch; by default none.", least=1
    )
    keep_checkpoints: int = setting(2, "Number of newest checkpoints to keep.", least=1)

    def __post_init__(self) -> None:
        """Validates every value."""
        super().__post_init__()
        check_not_negative(self, "checkpoint_every_minutes")
