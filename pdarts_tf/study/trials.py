"""The trials of a study and their commands, as functions of its settings."""

import dataclasses
import hashlib
import pathlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pdarts_tf.config import SearchConfig, TrainConfig
from pdarts_tf.config.settings import Settings, as_flag
from pdarts_tf.genotype import Genotype
from pdarts_tf.runs.next_commands import MODULES
from pdarts_tf.study.methods import Method, StudyError


@dataclass(frozen=True)
class Study:
    """Settings of a study.

    Args:
        methods: The methods; others are compared with the first.
        seeds: Seeds of the searches.
        searches: Settings of the search of every recipe, with any seed.
        training: Settings of all trainings, with any genotype.
        data_dir: Directory of the data; None for the default of the data set.
        search_options: Further flags of the search command by recipe, which change no result.
        train_options: Further flags of the training command, which change no result.

    Raises:
        StudyError: The settings do not fit each other.
    """

    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    searches: Mapping[str, SearchConfig]
    training: TrainConfig
    data_dir: str | None = None
    search_options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    train_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validates the settings."""
        for name, values in (
            ("methods", [method.name for method in self.methods]),
            ("seeds", list(map(str, self.seeds))),
        ):
            if not values or len(set(values)) != len(values):
                raise StudyError(
                    f"--{name} must be one or several, each once. Received: {','.join(values)}"
                )
        stems = [stem(recipe) for recipe in self.searches]
        if len(set(stems)) != len(stems):
            raise StudyError(
                "--methods must not have two flagfiles of one name, which names their runs. "
                f"Received: {', '.join(self.searches)}"
            )
        if not self.training.validation_portion:
            raise StudyError(
                "--train_flags must leave --validation_portion above 0: a study chooses a genotype "
                "by the training images that are held out. Received: 0"
            )
        for method in self.methods:
            method.check(self.searches[method.recipe])

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.training.dataset


@dataclass(frozen=True)
class Trial:
    """A search, and the trainings of the cells that are taken from it.

    Args:
        number: Its place in the list, from 0.
        recipe: Recipe of the search.
        config: Settings of the search, its seed included.
        methods: The methods whose cells come from it.
    """

    number: int
    recipe: str
    config: SearchConfig
    methods: tuple[Method, ...]

    @property
    def directory(self) -> str:
        """Run directory of the search, below that of the study."""
        return f"searches/{stem(self.recipe)}_seed{self.config.seed}"


def trials(study: Study) -> list[Trial]:
    """Returns the trials of a study: one per recipe and seed, all recipes of a seed first.

    In this order a study that is not finished yet can already compare its methods.
    """
    pairs = [(recipe, seed) for seed in study.seeds for recipe in study.searches]
    return [
        Trial(
            number,
            recipe,
            dataclasses.replace(study.searches[recipe], seed=seed),
            tuple(method for method in study.methods if method.recipe == recipe),
        )
        for number, (recipe, seed) in enumerate(pairs)
    ]


def stem(recipe: str) -> str:
    """Returns the name of a recipe without folder and extension.

    >>> stem("studies/small.flags")
    'small'
    """
    return pathlib.PurePath(recipe).stem


def training_directory(genotype: Genotype) -> str:
    """Returns the run directory, below that of a study, of the training of a genotype."""
    return f"trainings/{hashlib.sha256(genotype.to_json().encode()).hexdigest()[:12]}"


def training_config(study: Study, genotype: Genotype) -> TrainConfig:
    """Returns the settings of the training of a genotype."""
    return dataclasses.replace(study.training, genotype=str(genotype))


def search_command(study: Study, trial: Trial, root: pathlib.Path) -> list[str]:
    """Returns the command that runs the search of a trial.

    Args:
        study: The study.
        trial: The trial.
        root: Directory of the study.
    """
    options = study.search_options.get(trial.recipe, ())
    return _command("search", trial.config, root / trial.directory, study, options)


def train_command(study: Study, genotype: Genotype, root: pathlib.Path) -> list[str]:
    """Returns the command that trains a genotype; for the arguments see `search_command`."""
    config = training_config(study, genotype)
    return _command(
        "train", config, root / training_directory(genotype), study, study.train_options
    )


def _command(
    name: str, config: Settings, path: pathlib.Path, study: Study, options: Sequence[str]
) -> list[str]:
    data_dir = [] if study.data_dir is None else [f"--data_dir={study.data_dir}"]
    return [
        *(sys.executable, "-m", MODULES[name], f"--output_dir={path}"),
        *data_dir,
        *_flags(config),
        *options,
    ]


def _flags(config: Settings) -> list[str]:
    """Returns a flag for every setting, so that no recipe has a say."""
    values = {each.name: getattr(config, each.name) for each in dataclasses.fields(config)}
    return [as_flag(name, value) for name, value in values.items() if value is not None]
