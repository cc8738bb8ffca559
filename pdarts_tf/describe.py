"""Describes a genotype: its cost, its shape, its notation and a drawing.

    python -m pdarts_tf.describe --genotype=PDARTS
    python -m pdarts_tf.describe --genotype=runs/demo/genotype.json --svg=cell.svg --png=cell.png
    python -m pdarts_tf.describe --genotype=runs/demo --front --plot=front.svg

Prints the parameters and multiply-accumulates of its networks for CIFAR-10, CIFAR-100, CIFAR
(large) and ImageNet (mobile setting), per cell and in total; the depth, width and skip-connects of
its normal cell; and the official notation. Draws both cells with --svg or --png. With --front,
prints the networks that budgets choose among instead.

Exit codes: 0 done, 2 wrong usage or input, 1 anything else.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Sequence

import pdarts_tf.own_packages  # noqa: F401, before `flags`
from flags import command_line, describe_flags
from flags.kinds import expanded_path
from pdarts_tf.cost import description
from pdarts_tf.cost.candidates import ImageSetting, SizedNetwork, candidates
from pdarts_tf.cost.latency_model import probes
from pdarts_tf.cost.latency_program import measuring
from pdarts_tf.drawing import png as drawing_png
from pdarts_tf.drawing import svg as drawing_svg
from pdarts_tf.drawing.layout import draw_genotype
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import GENOTYPES, load_genotype, load_genotypes
from pdarts_tf.report.run import Run, read_run
from pdarts_tf.runs.files import WriteError, write_whole
from pdarts_tf.runs.run_directory import CONFIG
from pdarts_tf.stems import AUTO, stem_for
from pdarts_tf.streams import show
from pdarts_tf.study import front
from pdarts_tf.study.plots import svg_file


def main() -> None:
    """Prints the description; costs are computed analytically, without importing TensorFlow."""
    text_or_path = describe_flags.GENOTYPE.value
    if not text_or_path:
        raise InputError(f"--genotype is required: --genotype=FILE|{'|'.join(GENOTYPES)}")
    genotype = load_genotype(text_or_path, describe_flags.MAX_SKIP_CONNECTS.value)
    for path, draw in (
        (describe_flags.SVG.value, drawing_svg.svg_file),
        (describe_flags.PNG.value, drawing_png.png_bytes),
    ):
        if path:
            _write(path, draw(draw_genotype(genotype)))
    if describe_flags.FRONT.value:
        _show_front(text_or_path)
    elif describe_flags.JSON.value:
        show(json.dumps(description.as_dict(genotype), indent=2))
    else:
        show(description.as_text(genotype))


def _show_front(text_or_path: str) -> None:
    """Prints the front, and draws it."""
    genotypes = load_genotypes(text_or_path, describe_flags.MAX_SKIP_CONNECTS.value)
    trainings = [read_run(expanded_path(path)) for path in describe_flags.TRAININGS.value]
    images = _images(text_or_path, trainings)
    try:
        tried = candidates(genotypes, images)
    except ValueError as error:  # of images that the stem does not fit
        raise InputError(str(error)) from error
    trained = [front.trained_network(run, genotypes, images) for run in trainings]
    measured = _measured(tried, trained, images) if describe_flags.LATENCY.value else {}
    found = front.make_front(tried, trained, images, measured)
    if describe_flags.PLOT.value and (plot := front.front_plot(found)):
        _write(describe_flags.PLOT.value, svg_file(plot))
    text = front.as_text(found)
    show(json.dumps(front.as_dict(found), indent=2) if describe_flags.JSON.value else text)


def _images(text_or_path: str, trainings: Sequence[Run]) -> ImageSetting:
    """Returns what networks classify: as flags say, else the search, else the trainings."""
    size, num_classes = describe_flags.IMAGE_SIZE.value, describe_flags.NUM_CLASSES.value
    path = os.path.expanduser(text_or_path)
    runs = [read_run(path)] if os.path.isfile(os.path.join(path, CONFIG)) else list(trainings)
    if not runs:
        if size is None or num_classes is None:
            raise InputError(
                "--front needs the images: the run directory of a search as --genotype, "
                "--trainings, or --image_size and --num_classes"
            )
        return ImageSetting((size, size, 3), num_classes, stem_for(AUTO, (size, size)))
    found = front.images_of(runs[0])
    if size is not None:
        shape, stem = (size, size, found.shape[-1]), stem_for(runs[0].settings.stem, (size, size))
        found = dataclasses.replace(found, shape=shape, stem=stem)
    return found if num_classes is None else dataclasses.replace(found, num_classes=num_classes)


def _measured(
    tried: Sequence[SizedNetwork], trained: Sequence[front.ListedNetwork], images: ImageSetting
) -> dict[SizedNetwork, float]:
    """Measures the latencies that tell those of the others, and those of trained networks."""
    wanted = dict.fromkeys([*probes(tried), *(each.candidate for each in trained)])
    found: dict[SizedNetwork, float] = {}
    with measuring(images, describe_flags.PLUGINS.value) as measure:
        for each in wanted:
            found[each] = measure(each)
            print(f"measured: {each}: {found[each]:.2f} ms", file=sys.stderr, flush=True)
    return found


def _write(path: str, content: str | bytes) -> None:
    try:
        write_whole(path, content)
    except WriteError as error:
        raise InputError(
            f"the drawing cannot be written ({error.__cause__}); pass a path in an existing "
            "directory"
        ) from error


if __name__ == "__main__":
    command_line.run(main, describe_flags)
