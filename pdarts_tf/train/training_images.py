"""The two parts of a training's images: for the weights, and for validation."""

from dataclasses import dataclass

import tensorflow as tf

from pdarts_tf.config import TrainConfig
from pdarts_tf.cost.plan import Plan, train_plan
from pdarts_tf.data import pipeline
from pdarts_tf.data.augmentation import Augmentation
from pdarts_tf.data.images import AnySplit, ImageData
from pdarts_tf.data.keras_augmentation import MixUp, RandAugment
from pdarts_tf.data.splitting import hold_out_validation


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """Images of a training.

    Args:
        data: The data set.
        for_weights: The training images that train the weights.
        for_validation: The other training images, which choose the best weights; None if all of
            them train the weights.
        steps: Steps per epoch.
    """

    data: ImageData
    for_weights: AnySplit
    for_validation: AnySplit | None
    steps: int

    def training_batches(self, config: TrainConfig, first_step: int) -> tf.data.Dataset:
        """Returns the augmented batches of a whole training, from a step on."""
        data = self.data
        return pipeline.training_batches(
            self.for_weights,
            batch_size=config.batch_size,
            steps_per_epoch=self.steps,
            seed=(config.seed,),
            first_step=first_step,
            last_step=config.epochs * self.steps,
            augmentation=Augmentation(
                config.crop_padding,
                config.flip,
                config.cutout_length,
                config.augmentation == "resized_crop",
                config.color_jitter,
                RandAugment(config.rand_augment) if config.rand_augment else None,
            ),
            mean=data.mean,
            std=data.std,
            mixup=MixUp(config.mixup, data.num_classes) if config.mixup else None,
        )

    def evaluation_batches(self, config: TrainConfig, split: AnySplit) -> tf.data.Dataset:
        """Returns the batches of a split that evaluate the network after an epoch."""
        batches = pipeline.evaluation_batches(
            split, config.batch_size, self.data.mean, self.data.std
        )
        return batches.take(config.max_steps_per_epoch or -1)

    @property
    def counts(self) -> tuple[int, int]:
        """Number of images for the weights, and for validation."""
        held_out = 0 if self.for_validation is None else self.for_validation.num_images
        return self.for_weights.num_images, held_out


def split_training_images(config: TrainConfig, data: ImageData) -> TrainingImages:
    """Holds `--validation_portion` of the training images of every class out for validation.

    Args:
        config: Settings of the training.
        data: The data set.

    Raises:
        DataError: A class has a single image, or a batch does not fit into the images that train
            the weights.
    """
    weights, validation = data.train, None
    what = f"{data.name} to train"
    if config.validation_portion:
        weights, validation = hold_out_validation(
            data.train, data.class_names, config.validation_portion, config.seed
        )
        what += f", without the {validation.num_images:,} for validation"
    pipeline.check_batch_size(weights.num_images, config.batch_size, what)
    steps = pipeline.steps_per_epoch(
        weights.num_images, config.batch_size, config.max_steps_per_epoch
    )
    return TrainingImages(data, weights, validation, steps)


def plan_training(config: TrainConfig, data: ImageData) -> Plan:
    """Returns the plan of a training, without its network.

    Args:
        config: Settings of the training.
        data: The data set.

    Raises:
        DataError: See `split_training_images`.
    """
    images = split_training_images(config, data)
    return train_plan(config, data, images.counts, images.steps)
