"""The two parts of a search's training images: for the weights, and for the alphas."""

from dataclasses import dataclass

import tensorflow as tf

from pdarts_tf.config import SearchConfig
from pdarts_tf.data import pipeline, sources
from pdarts_tf.data.images import AnySplit, DataError, ImageData
from pdarts_tf.stems import check_image_size, stem_for


@dataclass(frozen=True, eq=False)
class SearchImages:
    """Images of a search.

    Args:
        data: The data set.
        for_weights: The training images that train the weights.
        for_alphas: The other training images, which train and validate the alphas.
        steps: Steps per epoch.
    """

    data: ImageData
    for_weights: AnySplit
    for_alphas: AnySplit
    steps: int

    def validation_batches(self, config: SearchConfig) -> tf.data.Dataset:
        """Returns the batches that validate: the images for the alphas, not augmented."""
        data = self.data
        batches = pipeline.evaluation_batches(
            self.for_alphas, config.batch_size, data.mean, data.std
        )
        return batches.take(config.max_steps_per_epoch or -1)


def split_images(config: SearchConfig, data: ImageData) -> SearchImages:
    """Splits the training images in two.

    Args:
        config: Settings of the search.
        data: The data set.

    Raises:
        DataError: A batch does not fit into one of them, or the stem and two reduction cells
            cannot halve the size.
    """
    height, width, _ = data.image_shape
    try:
        check_image_size(height, width, stem_for(config.stem, data.image_shape))
    except ValueError as error:
        raise DataError(str(error)) from error
    weights, alphas = sources.split_in_two(data.train, config.train_portion, config.seed)
    for part, name in ((weights, "weights"), (alphas, "alphas")):
        pipeline.check_batch_size(
            part.num_images, config.batch_size, f"the part of {data.name} for the {name}"
        )
    steps = pipeline.steps_per_epoch(
        weights.num_images, config.batch_size, config.max_steps_per_epoch
    )
    return SearchImages(data, weights, alphas, steps)
