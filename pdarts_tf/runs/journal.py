"""The journal: files of a run that people and programs read, made from its state."""

from pdarts_tf.config import StageConfig
from pdarts_tf.runs.observers import Observer
from pdarts_tf.runs.run_directory import RunDirectory, space_file
from pdarts_tf.runs.state import RunState
from pdarts_tf.search_space import SearchSpace


class Journal(Observer):
    """Writes the records of all epochs as JSON lines, and the search space of every stage.

    Files follow the checkpoint that has the same records: they never say more than it does.

    Args:
        directory: The open run directory.
        names: Names of the files of records.
        state: State of the run; the files are brought up to date with it at once.

    Raises:
        WriteError: A file cannot be written.
    """

    def __init__(self, directory: RunDirectory, names: tuple[str, ...], state: RunState) -> None:
        self.directory = directory
        self.names = names
        self.end_epoch(state)

    def begin_stage(self, stage: StageConfig, space: SearchSpace, state: RunState) -> None:
        """Writes the candidates of the stage."""
        self.directory.write(space_file(stage.index), space.to_json() + "\n")

    def end_epoch(self, state: RunState) -> None:
        """Writes all records."""
        for name in self.names:
            self.directory.write_records(name, state.records.get(name, []))
