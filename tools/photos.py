"""A folder of photos to try a search on: crops of the pictures that come with scikit-image.

    python -m tools.photos --output_dir=photos

Writes 740 training and 370 test images of ten classes, `train/<class>/*` and `test/<class>/*`, as
people have them: not equally many of each class, 160 to 320 pixels, JPEG, PNG and WebP, some turned
by EXIF, some of the coloured ones in black and white. Every crop has a place, size, angle and light
of its own. Training images are from the left half of each picture, test images from the right.

Needs scikit-image, the extra `photos`; nothing is downloaded. Takes some ten seconds.
"""

import argparse
import importlib.util
import math
import pathlib
import random
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import ExifTags, Image, ImageEnhance

from pdarts_tf.errors import InputError, printable


class Subject(NamedTuple):
    """What a class shows: a picture of scikit-image, and the number of its crops in each split."""

    picture: str
    train: int
    test: int


SUBJECTS = {
    "bricks": Subject("brick.png", 80, 40),
    "cat": Subject("chelsea.png", 50, 25),
    "coffee": Subject("coffee.png", 40, 20),
    "coins": Subject("coins.png", 60, 30),
    "galaxies": Subject("hubble_deep_field.jpg", 70, 35),
    "grass": Subject("grass.png", 100, 50),
    "gravel": Subject("gravel.png", 90, 45),
    "moon": Subject("moon.png", 60, 30),
    "retina": Subject("retina.jpg", 120, 60),
    "tissue": Subject("ihc.png", 70, 35),
}
"""{class: its picture and numbers of images}."""

# Names of cameras, phones and people, with the number of the image.
_NAMES = (
    "IMG_{:04}.JPG",
    "DSC{:05}.jpg",
    "photo {}.jpeg",
    "WhatsApp Image {:03}.webp",
    "Bild (Größe M) {}.webp",
    "Screenshot-{}.png",
    "scan ({}).png",
)
_SHAPES = ((1, 1), (4, 3), (3, 4))  # width to height
_LONGER_SIDE = (214, 320)  # the shorter one has at least 160 pixels
_DEGREES = 20
_SMALLEST = 0.45  # share of the largest crop that fits
_BRIGHTNESS = _CONTRAST = (0.6, 1.4)
_WHITE = (0.85, 1.15)  # factor of each colour
_GREY = 1 / 3  # of the images of coloured pictures
_TURNED = 1 / 4
# Fast, rather than small.
_SAVING: dict[str, dict[str, int]] = {
    ".jpg": {"quality": 90},
    ".jpeg": {"quality": 90},
    ".png": {"compress_level": 1},
    ".webp": {"quality": 90, "method": 1},
}
# EXIF orientation -> how an image is stored that is shown upright.
_STORED = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def main(words: Sequence[str]) -> None:
    """Writes the images.

    Args:
        words: The command line, without the program's name.
    """
    parser = argparse.ArgumentParser(prog="tools.photos", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output_dir", type=pathlib.Path, required=True, help="empty, or not there yet"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed of the crops")
    options = parser.parse_args(words)
    try:
        count = write_photos(options.output_dir, options.seed, find_pictures())
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"Wrote {count:,} images of {len(SUBJECTS)} classes to {options.output_dir}")


def write_photos(
    root: pathlib.Path,
    seed: int,
    pictures: pathlib.Path,
    subjects: Mapping[str, Subject] = SUBJECTS,
) -> int:
    """Writes the images of all classes; the same seed gives the same files.

    Args:
        root: Directory to write to: empty, or not there yet.
        seed: Seed of the crops.
        pictures: Directory of the pictures.
        subjects: What to write.

    Returns:
        Number of images.

    Raises:
        InputError: There is something at `root`.
        OSError: A file cannot be written.
    """
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise InputError(
            "--output_dir must be an empty directory, or not exist. "
            f"Received: {printable(str(root))}; name another, or remove it"
        )
    count = 0
    for name, subject in subjects.items():
        with Image.open(pictures / subject.picture) as picture:
            halves = _halves(picture)
        numbers = {"train": subject.train, "test": subject.test}
        for (split, images), half in zip(numbers.items(), halves, strict=True):
            for i in range(images):
                draw = random.Random(f"{seed}/{split}/{name}/{i}")
                _write(root / split / name, i, crop(half, draw), draw)
                count += 1
    return count


def find_pictures() -> pathlib.Path:
    """Returns the directory of scikit-image's pictures.

    Raises:
        InputError: scikit-image is not installed.
    """
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "tools.photos needs scikit-image: pip install '.[photos]' in this checkout"
        )
    return pathlib.Path(next(iter(spec.submodule_search_locations))) / "data"


def _halves(picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Returns the left and the right half of a picture, which share no pixel."""
    width, height = picture.size
    middle = width // 2
    return picture.crop((0, 0, middle, height)), picture.crop((middle, 0, width, height))


def crop(picture: Image.Image, draw: random.Random) -> Image.Image:
    """Returns a part of a picture: place, size, angle and light are drawn at random.

    Args:
        picture: The picture, grey or coloured.
        draw: Source of random numbers.

    Returns:
        Image of the mode of `picture`, or a grey one, with sides of 160 to 320 pixels.
    """
    size = _size(draw)
    angle = math.radians(draw.uniform(-_DEGREES, _DEGREES))
    cosine, sine = math.cos(angle), math.sin(angle)
    # The box around the turned crop.
    box = size[0] * cosine + size[1] * abs(sine), size[1] * cosine + size[0] * abs(sine)
    scale = min(whole / side for whole, side in zip(picture.size, box, strict=True))
    scale *= draw.uniform(_SMALLEST, 1)
    x, y = (
        draw.uniform(0, whole - scale * side) + scale * side / 2
        for whole, side in zip(picture.size, box, strict=True)
    )  # its centre
    width, height = scale * size[0], scale * size[1]
    # From a pixel of the crop to its place in the picture.
    matrix = (
        *(cosine, -sine, x - cosine * width / 2 + sine * height / 2),
        *(sine, cosine, y - sine * width / 2 - cosine * height / 2),
    )
    # Turned at the picture's own scale, then resized, which smooths where pixels are left out.
    turned = picture.transform(
        (round(width), round(height)),
        Image.Transform.AFFINE,
        matrix,
        Image.Resampling.BILINEAR,
    )
    return _lit(turned.resize(size, Image.Resampling.LANCZOS), draw)


def _size(draw: random.Random) -> tuple[int, int]:
    """Returns a width and height of photos."""
    longer = round(draw.uniform(*_LONGER_SIDE))
    columns, rows = draw.choice(_SHAPES)
    return longer * columns // max(columns, rows), longer * rows // max(columns, rows)


def _lit(image: Image.Image, draw: random.Random) -> Image.Image:
    """Returns an image in another light, which a coloured one may lose its colours in."""
    image = ImageEnhance.Brightness(image).enhance(draw.uniform(*_BRIGHTNESS))
    image = ImageEnhance.Contrast(image).enhance(draw.uniform(*_CONTRAST))
    if image.mode == "L":
        return image
    if draw.random() < _GREY:
        return image.convert("L")
    bands = [
        band.point([min(255, round(factor * level)) for level in range(256)])
        for band, factor in ((each, draw.uniform(*_WHITE)) for each in image.split())
    ]
    return Image.merge("RGB", bands)


def _write(folder: pathlib.Path, number: int, image: Image.Image, draw: random.Random) -> None:
    """Writes an image under a name, in a format and with an orientation drawn at random."""
    exif = Image.Exif()
    if draw.random() < _TURNED:
        orientation = draw.choice(list(_STORED))
        exif[ExifTags.Base.Orientation] = orientation
        image = image.transpose(_STORED[orientation])
    path = folder / draw.choice(_NAMES).format(number + 1)
    folder.mkdir(parents=True, exist_ok=True)
    image.save(path, None, exif=exif, **_SAVING[path.suffix.lower()])


if __name__ == "__main__":
    main(sys.argv[1:])
