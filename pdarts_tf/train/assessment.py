"""How good a classifier is beyond its accuracy: per class, what it confuses, how sure it may be.

Reference for the calibration error: Guo et al., "On Calibration of Modern Neural Networks" (arXiv
1706.04599), section 2, equation 3.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 15
"""Bins of confidence, of equal width, as in the reference."""
MOST_CLASSES = 30
"""Largest number of classes whose confusion matrix is kept as a whole."""
PAIRS = 20
"""Pairs of classes that are kept, those confused most often."""
_HUGE = 10**12
_PNG = re.compile(r"iVBORw0KGgo[A-Za-z0-9+/]{1,40000}={0,2}")  # in Base64
MISTAKES = 24
"""Wrong answers that are kept, those given with the most confidence."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer.

    Args:
        index: Index of the image among those assessed.
        label: Its class.
        predicted: The class that it was taken for.
        confidence: Probability of that class.
        image: Name of its file; empty if it has none.
        thumbnail: The image as a PNG file in Base64, at most 64 pixels along a side.
    """

    index: int
    label: int
    predicted: int
    confidence: float
    image: str = ""
    thumbnail: str = ""


@dataclass(frozen=True)
class Assessment:
    """What answers to images are worth.

    Args:
        images: Images of each class.
        correct: Of these, how many were classified correctly.
        confusion: Images by class and by answer; None with more than `MOST_CLASSES` classes.
        confused: (class, answer, images) of the `PAIRS` wrong answers that were given most often.
        calibration: (images, mean confidence, accuracy) of every bin of confidence; zeros where
            there are no images.
        calibration_error: Difference between confidence and accuracy, averaged over the images.
        mistakes: The `MISTAKES` wrong answers that were given with the most confidence.
    """

    images: Sequence[int]
    correct: Sequence[int]
    confusion: Sequence[Sequence[int]] | None
    confused: Sequence[tuple[int, int, int]]
    calibration: Sequence[tuple[int, float, float]]
    calibration_error: float
    mistakes: Sequence[Mistake]

    def to_record(self) -> dict[str, Any]:
        """Returns the values for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Any, num_classes: int) -> "Assessment":
        """Restores what `to_record` returned and JSON kept, from a file that nobody should trust.

        Args:
            record: The values.
            num_classes: Number of classes.

        Raises:
            ValueError: They are not those of an assessment of so many classes.
        """
        try:
            found = cls(
                images=_counts(record["images"], num_classes),
                correct=_counts(record["correct"], num_classes),
                confusion=_matrix(record["confusion"], num_classes),
                confused=[
                    (_class(a, num_classes), _class(b, num_classes), _count(images))
                    for a, b, images in record["confused"]
                ],
                calibration=[
                    (_count(n), _share(c), _share(a)) for n, c, a in record["calibration"]
                ],
                calibration_error=_share(record["calibration_error"]),
                mistakes=[_mistake(each, num_classes) for each in record["mistakes"]],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no assessment of {num_classes} classes ({error!r})") from error
        if any(right > all_ for right, all_ in zip(found.correct, found.images, strict=True)):
            raise ValueError("more correct answers than images")
        return found

    @property
    def by_accuracy(self) -> list[tuple[int, float]]:
        """(class, accuracy) of the classes with images, the lowest accuracy first."""
        pairs = enumerate(zip(self.correct, self.images, strict=True))
        found = [(each, right / count) for each, (right, count) in pairs if count]
        return sorted(found, key=lambda pair: pair[1])


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _HUGE:
        raise ValueError("a count that is none")
    return value


def _share(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise ValueError("a share that is not between 0 and 1")
    return float(value)


def _class(value: Any, num_classes: int) -> int:
    if _count(value) >= num_classes:
        raise ValueError("a class that is none")
    return int(value)


def _counts(values: Any, num_classes: int) -> list[int]:
    counts = [_count(value) for value in values]
    if len(counts) != num_classes:
        raise ValueError(f"{len(counts)} counts of {num_classes} classes")
    return counts


def _matrix(rows: Any, num_classes: int) -> list[list[int]] | None:
    if rows is None:
        return None
    matrix = [_counts(row, num_classes) for row in rows]
    if len(matrix) != num_classes:
        raise ValueError(f"{len(matrix)} rows of {num_classes} classes")
    return matrix


def _mistake(record: Any, num_classes: int) -> Mistake:
    image, picture = record["image"], record["thumbnail"]
    if not isinstance(image, str) or not isinstance(picture, str):
        raise ValueError("an image that is no text")
    if picture and not _PNG.fullmatch(picture):
        raise ValueError("a thumbnail that is no PNG file")
    return Mistake(
        _count(record["index"]),
        _class(record["label"], num_classes),
        _class(record["predicted"], num_classes),
        _share(record["confidence"]),
        image,
        picture,
    )


class Answers:
    """Answers of a classifier, batch by batch, of which an `Assessment` is made.

    Args:
        num_classes: Number of classes.

    Example:

    >>> answers = Answers(num_classes=2)
    >>> answers.add(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))
    >>> answers.assessment().correct
    [1, 0]
    """

    def __init__(self, num_classes: int) -> None:
        self._confusion = np.zeros((num_classes, num_classes), np.int64)
        self._bins = np.zeros((BINS, 3))  # images, sum of confidences, correct answers
        self._mistakes: list[Mistake] = []
        self._count = 0

    def add(self, probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> None:
        """Adds the answers to a batch.

        Args:
            probabilities: Of every class, (batch, classes).
            labels: The classes, (batch,).
        """
        predicted = probabilities.argmax(1)
        confidence = probabilities.max(1).astype(np.float64)
        np.add.at(self._confusion, (labels, predicted), 1)
        # Bins are open at their lower end, so that a confidence of 1 is in the last.
        bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        right = predicted == labels
        np.add.at(self._bins, bins, np.stack([np.ones(len(bins)), confidence, right], 1))
        wrong = [
            Mistake(self._count + int(i), int(labels[i]), int(predicted[i]), float(confidence[i]))
            for i in np.flatnonzero(~right)
        ]
        # A stable sort: of equally confident answers, the first ones are kept.
        self._mistakes = sorted([*self._mistakes, *wrong], key=lambda each: -each.confidence)
        del self._mistakes[MISTAKES:]
        self._count += len(labels)

    def assessment(self) -> Assessment:
        """Returns what the answers so far are worth."""
        confusion = self._confusion
        wrong = confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        counts = self._bins[:, 0]
        means = self._bins[:, 1:] / np.maximum(counts, 1)[:, np.newaxis]
        gaps = np.abs(means[:, 0] - means[:, 1])
        return Assessment(
            images=confusion.sum(1).tolist(),
            correct=confusion.diagonal().tolist(),
            confusion=confusion.tolist() if len(confusion) <= MOST_CLASSES else None,
            confused=[(int(a), int(b), int(wrong[a, b])) for a, b in pairs if wrong[a, b]],
            calibration=[
                (int(count), float(mean), float(share))
                for count, (mean, share) in zip(counts, means, strict=True)
            ],
            calibration_error=float((gaps * counts).sum() / max(1, self._count)),
            mistakes=self._mistakes,
        )
