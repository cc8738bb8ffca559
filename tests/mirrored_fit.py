"""`fit` of a supernet on two devices: python -m tests.mirrored_fit OUT.json

A process of its own, since TensorFlow's devices cannot be changed later.
"""

import json
import pathlib
import sys

import numpy as np
import tensorflow as tf

import pdarts_tf as pd
from tests.one_layer import OneLayer
from tests.supernets import uniform_space


def make():
    """A supernet that is not built, whose batch norms see the batches of all devices."""
    space = uniform_space("avg_pool_3x3", "skip_connect")
    return OneLayer(space, num_classes=3, sync_batch_norm=True)


def compiled(model):
    model.compile(weight_optimizer=pd.weight_optimizer(0.1), arch_optimizer=pd.arch_optimizer(0.1))
    return model


def images(count):
    rng = np.random.default_rng(count)
    return rng.normal(size=(count, 8, 8, 1)).astype(np.float32), rng.integers(0, 3, count)


def pairs(batch_size, drop_remainder=True):
    """Batches of 16 images for the weights, and of the same for the alphas."""
    data = tf.data.Dataset.from_tensor_slices((images(16), images(16)))
    return data.batch(batch_size, drop_remainder=drop_remainder)


def fit(model, data, **options):
    return model.fit(data, shuffle=False, verbose=0, **options).history


def refusal(function):
    """What a call says that is an error."""
    try:
        function()
    except ValueError as error:
        return str(error)
    return "no error"


def main(path):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def mirrored():
        with strategy.scope():
            return compiled(make())

    outside = compiled(make())

    def fit_outside():
        with strategy.scope():
            fit(outside, pairs(8))

    def step_by_hand():
        model = mirrored()
        strategy.run(model.train_step, args=((images(4), images(4)),))

    validation = {"validation_data": images(5)}  # which the devices cannot share equally
    results = {
        "one": fit(compiled(make()), pairs(8), **validation),
        "mirrored": fit(mirrored(), pairs(8), **validation),
        "remainder": refusal(lambda: fit(mirrored(), pairs(8, drop_remainder=False))),
        "odd": refusal(lambda: fit(mirrored(), pairs(7))),
        "outside": refusal(fit_outside),
        "by hand": refusal(step_by_hand),
        "generator": refusal(lambda: fit(mirrored(), iter([(images(4), images(4))]))),
    }
    pathlib.Path(path).write_text(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
