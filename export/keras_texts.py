"""Texts of functions in plain Keras, of which `keras_source` makes a module.

They stand for `pdarts_tf.layers`, with the paddings of PyTorch: both sides alike, where "same" pads
one side more at stride 2. Lines are at most 88 characters long, the limit of formatters.
"""

DOCSTRING = '''"""Evaluation network of P-DARTS in plain Keras.

    model = build()
    logits = model(images)

Images are (batch, height, width, channels). The auxiliary head and drop-path, which
only training uses, are left out.
"""'''

TRAINED_DOCSTRING = '''"""Evaluation network of P-DARTS in plain Keras, trained.

    model = build()
    model.load_weights("$weights")
    logits = model.predict((pixels / 255 - MEAN) / STD)
    CLASSES[logits[0].argmax()]

Pixels are (batch, height, width, channels) from 0 to 255. The auxiliary head and
drop-path, which only training uses, are left out.
"""'''

DEFINITIONS = {
    "batch_norm": '''def batch_norm(x):
    """Applies a batch norm with the constants of PyTorch."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)''',
    "subsample": '''def subsample(x, stride):
    """Returns the pixels, or at stride 2 every second one of every second row."""
    return x if stride == 1 else layers.MaxPooling2D(1, strides=2)(x)''',
    "pointwise": '''def pointwise(x, channels):
    """Applies relu, a 1x1 convolution and a batch norm."""
    x = layers.ReLU()(x)
    x = layers.Conv2D(channels, 1, use_bias=False)(x)
    return batch_norm(x)''',
    "factorized_reduce": '''def factorized_reduce(x, channels):
    """Halves the size: half of the channels from even pixels, the others from odd ones."""
    x = layers.ReLU()(x)
    even = layers.Conv2D(channels // 2, 1, strides=2, use_bias=False)(x)
    x = layers.Cropping2D(((1, 0), (1, 0)))(x)
    odd = layers.Conv2D(channels // 2, 1, strides=2, use_bias=False)(x)
    return batch_norm(concatenate(even, odd))''',
    "preprocess": '''def preprocess(before, last, channels, after_reduction):
    """Brings both inputs of a cell to its number of channels and to one size."""
    reduce = factorized_reduce if after_reduction else pointwise
    return reduce(before, channels), pointwise(last, channels)''',
    "add": '''def add(first, second):
    """Adds up the two edges into a node."""
    return layers.Add()([first, second])''',
    "concatenate": '''def concatenate(*tensors):
    """Concatenates along the channels."""
    return layers.Concatenate()(list(tensors))''',
}
"""Functions that others call, by name, in the order of the file."""

_HALVE = '''


def halve(x, channels):
    """Applies a 3x3 convolution at stride 2 and a batch norm."""
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(channels, 3, strides=2, use_bias=False)(x)
    return batch_norm(x)'''

STEMS = {
    "cifar": '''def stem(images, channels):
    """Returns the two inputs of the first cell, which are the same."""
    x = layers.Conv2D(3 * channels, 3, padding="same", use_bias=False)(images)
    x = batch_norm(x)
    return x, x''',
    "stride2": '''def stem(images, channels):
    """Returns the two inputs of the first cell, which are the same, of half the size."""
    x = halve(images, 3 * channels)
    return x, x'''
    + _HALVE,
    "stride4": '''def stem(images, channels):
    """Returns the two inputs of the first cell, which are the same, of a fourth the size."""
    x = halve(images, channels // 2)
    x = halve(layers.ReLU()(x), channels)
    return x, x'''
    + _HALVE,
    "imagenet": '''def stem(images, channels):
    """Returns the two inputs of the first cell, of a fourth and of an eighth the size."""
    x = halve(images, channels // 2)
    before = halve(layers.ReLU()(x), channels)
    last = halve(layers.ReLU()(before), channels)
    return before, last'''
    + _HALVE,
}
"""Functions of the stems."""

FORMS = {
    "max_pool": '''def $name(x, channels, stride):
    """Returns the largest of the 3x3 pixels around each."""
    x = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    return subsample(x, stride)''',
    "avg_pool": '''def $name(x, channels, stride):
    """Returns the mean of those of the 3x3 pixels around each that lie in the image."""
    x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    return subsample(x, stride)''',
    "skip_connect": '''def $name(x, channels, stride):
    """Returns its input, at stride 2 with half the height and width."""
    return x if stride == 1 else factorized_reduce(x, channels)''',
    "sep_conv": '''def $name(x, channels, stride):
    """Applies relu, a separable convolution and a batch norm, twice."""
    for strides in (stride, 1):
        x = layers.ReLU()(x)
        x = layers.ZeroPadding2D($half)(x)
        x = layers.SeparableConv2D(channels, $size, strides=strides, use_bias=False)(x)
        x = batch_norm(x)
    return x''',
    "dil_conv": '''def $name(x, channels, stride):
    """Applies relu, a separable convolution with dilation 2 and a batch norm."""
    x = layers.ReLU()(x)
    x = subsample(x, stride)  # at stride 2, dilation 2 reads no others
    x = layers.SeparableConv2D(
        channels, $size, padding="same", dilation_rate=2 // stride, use_bias=False
    )(x)
    return batch_norm(x)''',
    "factorized_conv": '''def $name(x, channels, stride):
    """Applies relu, a convolution along rows, one along columns, and a batch norm."""
    x = layers.ReLU()(x)
    x = layers.ZeroPadding2D((0, $half))(x)
    x = layers.Conv2D(channels, (1, $size), strides=(1, stride), use_bias=False)(x)
    x = layers.ZeroPadding2D(($half, 0))(x)
    x = layers.Conv2D(channels, ($size, 1), strides=(stride, 1), use_bias=False)(x)
    return batch_norm(x)''',
    "zero": '''def $name(x, channels, stride):
    """Returns zeros."""
    return layers.Rescaling(0.0)(subsample(x, stride))''',
}
"""Functions of primitives, by `form` in `primitives.TABLE`; see `layers.forms`."""

BUILD = '''    """Returns the network, from images to logits (batch, num_classes).

    Height and width of the images are multiples of $divisor.
    """
    images = keras.Input(image_shape)
    before, last = stem(images, init_channels)
    channels, after_reduction = init_channels, $after_reduction
    for i in range(num_layers):
        reduction = i in (num_layers // 3, 2 * num_layers // 3)
        cell = reduction_cell if reduction else normal_cell
        channels = 2 * channels if reduction else channels
        before, last = last, cell(before, last, channels, after_reduction)
        after_reduction = reduction
    features = layers.GlobalAveragePooling2D()(last)
    logits = layers.Dense(num_classes)(features)
    return keras.Model(images, logits)'''
"""What `build` does."""

RESERVED = {"build", "halve", "keras", "layers", "normal_cell", "reduction_cell", "stem",
                *DEFINITIONS}  # fmt: skip
"""Names that functions of primitives cannot have."""
