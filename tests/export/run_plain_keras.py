"""Uses what export.keras_code has written, in an interpreter that knows nothing of us.

    python -I run_plain_keras.py FOLDER

FOLDER has cell_network.py with its weights, and pixels.npy; logits.npy is written: (2, batch,
classes), those of the network and those of the `.keras` file that is saved of it and loaded again.
"""

import importlib
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
for name in ("pdarts_tf", "export", "flags"):
    sys.modules[name] = None  # type: ignore[assignment] # from here on nobody can import them
import keras  # noqa: E402
import numpy as np  # noqa: E402

os.chdir(sys.argv[1])
sys.path.insert(0, ".")
cell_network = importlib.import_module("cell_network")
model = cell_network.build()
model.load_weights("cell_network.weights.h5")
images = (np.load("pixels.npy") / 255 - cell_network.MEAN) / cell_network.STD
model.save("cell_network.keras")
loaded = keras.saving.load_model("cell_network.keras")
np.save("logits.npy", [np.asarray(each(images.astype("float32"))) for each in (model, loaded)])
