"""What was found in a folder of images, in lines for people."""

import hashlib
import pathlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pdarts_tf.data.exif import UPRIGHT
from pdarts_tf.data.image_header import Header
from pdarts_tf.errors import printable

Found = Sequence[tuple[pathlib.Path, Header, str]]
"""Paths of images, their headers, and the names of their formats."""
_NAMED = 12  # classes that are named
_CHUNK = 2**20


def summary(name: str, found: Found, class_names: Sequence[str], counts: Sequence[int]) -> str:
    """Returns a line on the images of a folder.

    Args:
        name: Name of the folder.
        found: All images.
        class_names: Names of the classes.
        counts: Number of images of each class.
    """
    largest = sorted(zip(counts, class_names, strict=True), key=lambda pair: -pair[0])
    named = [f"{printable(each, most=40)} {count:,}" for count, each in largest[:_NAMED]]
    more = f", and {len(counts) - _NAMED} classes more" if len(counts) > _NAMED else ""
    formats = Counter(form for _, _, form in found)
    kinds = ", ".join(f"{count:,} {form}" for form, count in formats.most_common())
    turned = sum(header.orientation != UPRIGHT for _, header, _ in found)
    turns = f"; {turned:,} are turned as their EXIF data says" if turned else ""
    return (
        f"read from {name}: {len(found):,} images ({kinds}) of {_sizes(found)} pixels{turns}. "
        f"{len(counts)} classes: {', '.join(named)}{more}"
    )


def _sizes(found: Found) -> str:
    """Returns the sizes, from the smallest area to the largest, as height x width."""
    by_area = sorted({(h.height * h.width, h.height, h.width) for _, h, _ in found})
    sizes = [f"{height}x{width}" for _, height, width in by_area]
    return sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def duplicates(
    train: Iterable[pathlib.Path], test: Iterable[pathlib.Path]
) -> list[tuple[str, str]]:
    """Finds test images that are training images too, byte by byte.

    Only files of equal sizes are read.

    Args:
        train, test: Paths of the images.

    Returns:
        (test image, training image) pairs, one per test image that is both.

    Raises:
        OSError: A file cannot be read.
    """
    by_size: defaultdict[int, list[pathlib.Path]] = defaultdict(list)
    for path in train:
        by_size[path.stat().st_size].append(path)
    digests: dict[int, dict[bytes, pathlib.Path]] = {}
    pairs = []
    for path in test:
        size = path.stat().st_size
        if size not in by_size:
            continue
        if size not in digests:
            digests[size] = {_digest(each): each for each in by_size[size]}
        if (twin := digests[size].get(_digest(path))) is not None:
            pairs.append((str(path), str(twin)))
    return pairs


def warning_of(pairs: Sequence[tuple[str, str]], num_test: int) -> str:
    """Returns the line that warns of test images that are training images too.

    Args:
        pairs: What `duplicates` found, at least one.
        num_test: Number of test images.
    """
    test, train = (printable(path) for path in pairs[0])
    return (
        f"warning: {len(pairs):,} of {num_test:,} test images are training images too, such as "
        f"{test}, which is {train}; test accuracies count them: remove them from one of both"
    )


def _digest(path: pathlib.Path) -> bytes:
    state = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return state.digest()
