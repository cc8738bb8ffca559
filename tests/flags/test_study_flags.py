"""Settings of a study: the recipe of the data set, flagfiles, and what a study adds."""

import pytest
from absl import flags
from absl.testing import flagsaver

from flags.study_flags import StudyFlagsError, search_config, seeds, train_config


@pytest.fixture(autouse=True)
def parsed():
    """Flags with their defaults, for CIFAR-10."""
    before = flags.FLAGS.is_parsed()
    flags.FLAGS.mark_as_parsed()
    with flagsaver.as_parsed(dataset="cifar10"):
        yield
    if not before:
        flags.FLAGS.unparse_flags()


def write(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def test_trainings_hold_images_out_though_the_recipe_of_the_paper_does_not():
    config, options = train_config()
    assert (config.validation_portion, config.epochs, options) == (0.1, 600, ())


def test_flagfile_of_the_trainings_has_the_last_word(tmp_path):
    file = write(tmp_path / "train.flags", "--validation_portion=0.2", "--epochs=5")
    with flagsaver.as_parsed(train_flags=file):
        config, _ = train_config()
    assert (config.validation_portion, config.epochs) == (0.2, 5)


def test_a_method_comes_on_top_of_the_flags_of_all_searches(tmp_path):
    common = write(tmp_path / "search.flags", "--epochs=7", "--warmup_epochs=2", "--layers=3,4,5")
    with flagsaver.as_parsed(search_flags=common):
        pdarts, darts = (search_config(recipe)[0] for recipe in ("pdarts", "darts"))
    assert (pdarts.layers, pdarts.epochs, pdarts.warmup_epochs) == ((3, 4, 5), 7, 2)
    assert (darts.layers, darts.epochs, darts.warmup_epochs) == ((8,), 7, 0)


def test_flags_that_are_no_settings_are_those_of_the_own_method(tmp_path):
    lines = "--checkpoint_every_steps=5", "--distribution=one", "--gpu_memory=all"
    _, options = search_config(write(tmp_path / "own.flags", *lines))
    assert set(options) == set(lines)
    assert search_config("pdarts")[1] == ()


@pytest.mark.parametrize("line", ["--output_dir=D", "--dry_run", "--data_dir=D"])
def test_flags_that_the_study_sets_are_refused(tmp_path, line):
    with pytest.raises(StudyFlagsError, match=r"leave out --.*, which the study sets"):
        search_config(write(tmp_path / "own.flags", line))


def test_runs_that_are_compared_have_a_batch_size_of_their_own(tmp_path):
    with pytest.raises(StudyFlagsError, match="--batch_size must be a number, since a study"):
        search_config(write(tmp_path / "own.flags", "--batch_size=auto"))


def test_seeds_are_integers():
    with flagsaver.as_parsed(seeds="4,5"):
        assert seeds() == (4, 5)
    with flagsaver.as_parsed(seeds="a"), pytest.raises(StudyFlagsError, match="Received: a"):
        seeds()
