"""`make demo`: searches a cell on handwritten digits, trains, exports and asks the network.

Runs the commands that a person would type, and says so. What is finished already is not done again.
"""

import pathlib
import shlex
import subprocess
import sys

import numpy as np

from export import versions

SEARCH, TRAINING = "runs/demo", "runs/demo_training"
MODEL = "models/demo"
IMAGE = "runs/demo_digit.png"


def main():
    """Runs the four steps."""
    run("pdarts_tf.search", "--dataset=digits", f"--output_dir={SEARCH}")
    run(
        "pdarts_tf.train",
        f"--genotype={SEARCH}/genotype.json",
        "--dataset=digits",
        f"--output_dir={TRAINING}",
    )
    if not versions.numbers(MODEL):
        run("export.saved_model", f"--run_dir={TRAINING}", f"--export_dir={MODEL}")
    version = versions.numbers(MODEL)[-1]
    label, name, probability = ask(version)
    print(
        f"\n{IMAGE}, an image that the network was never trained on, shows a {label}; "
        f"{MODEL}/{version} says {name} ({probability:.1%})\n\n"
        f"the search            {SEARCH}\n"
        f"the trained network   {TRAINING}\n"
        f"the exported model    {MODEL}/{version}, and how to serve it in {MODEL}/README.md\n"
        f"curves                tensorboard --logdir=runs"
    )


def run(module, *flags):
    """Runs a command of this project after printing it."""
    command = ["-m", module, *flags]
    print(f"\n$ python {shlex.join(command)}", flush=True)
    done = subprocess.run([sys.executable, *command], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def ask(version):
    """Writes a test image, asks the exported model, and returns its label and the answer."""
    from pdarts_tf.data import sources
    from pdarts_tf.startup import import_tensorflow

    tf = import_tensorflow()
    from export.client_check import LocalModel
    from pdarts_tf.data.decoding import in_memory

    test = in_memory(sources.load("digits", None).test)
    pathlib.Path(IMAGE).write_bytes(tf.io.encode_png(test.images[0]).numpy())
    model = LocalModel(MODEL, version)
    names, scores = model.classify(pathlib.Path(IMAGE).read_bytes())
    best = int(np.argmax(scores))
    return int(test.labels[0]), names[best], scores[best]


if __name__ == "__main__":
    main()
