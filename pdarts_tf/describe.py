"""Says what a genotype costs: python -m pdarts_tf.describe --genotype=PDARTS [--json]

Parameters and multiply-accumulates of its networks for CIFAR-10, CIFAR-100, CIFAR large and
ImageNet mobile, per cell and in total; the shape of its normal cell; the official notation.

Exit codes: 0 done, 2 wrong usage or input, 1 anything else.
"""

import json

from flags import command_line, describe_flags
from pdarts_tf.errors import InputError
from pdarts_tf.genotype import GENOTYPES, load_genotype
from pdarts_tf.report import description


def main():
    """Prints the description; counts on paper, so TensorFlow is never imported."""
    text_or_path = describe_flags.GENOTYPE.value
    if not text_or_path:
        raise InputError(f"name a file or a cell: --genotype=FILE|{'|'.join(GENOTYPES)}")
    genotype = load_genotype(text_or_path)
    if describe_flags.JSON.value:
        print(json.dumps(description.as_dict(genotype), indent=2))
    else:
        print(description.as_text(genotype))


if __name__ == "__main__":
    command_line.run(main, describe_flags)
