"""The two halves of the training images of a search: for the weights, and for the alphas."""

from pdarts_tf.data import pipeline, sources
from pdarts_tf.models.stacking import check_image_size


def split_images(config, data):
    """Returns the training images in two parts, for the weights and for the alphas.

    Raises:
        DataError: a batch does not fit into one of them, or the size cannot be halved twice.
    """
    height, width, _ = data.image_shape
    try:
        check_image_size(height, width, "cifar")
    except ValueError as error:
        raise sources.DataError(str(error)) from error
    halves = sources.split_in_two(data.train, config.train_portion, config.seed)
    for half, what in zip(halves, ("weights", "alphas"), strict=True):
        pipeline.check_batch_size(
            half.num_images, config.batch_size, f"the part of {data.name} for the {what}"
        )
    return halves
