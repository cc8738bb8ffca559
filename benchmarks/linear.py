"""Logistic regression on scaled pixels."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pdarts_tf.data.decoding import in_memory, resized

SIDES = (8, 16)
"""Heights and widths that images are resized to: with 32, 5 to 10 times the time gave no more."""
REGULARIZATION = (1e-4, 1e-3, 1e-2, 1e-1)
"""Inverse strengths of the regularization."""


def classify(data, train, valid):
    """Fits a classifier of every kind, and classifies the test images by the best in validation.

    Args:
        data: `ImageData`, whose test images are in memory.
        train: Images for the weights.
        valid: Images in memory that choose size and regularization.

    Returns:
        (probabilities of the test images, validation accuracy, what was chosen).
    """
    splits = (in_memory(train), valid, data.test)
    found = []
    for side in SIDES:
        small = [resized(split, (side, side)).images for split in splits]
        rows = [images.reshape(len(images), -1) / 255 for images in small]
        for c in REGULARIZATION:
            model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000))
            model.fit(rows[0], splits[0].labels)
            accuracy = model.score(rows[1], valid.labels)
            found.append((accuracy, model.predict_proba(rows[2]), {"side": side, "c": c}))
    accuracy, probabilities, chosen = max(found, key=lambda each: each[0])
    return probabilities, accuracy, chosen
