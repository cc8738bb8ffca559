"""How each command in the documentation is tried, or why it is not.

A command that is new to a page gets its line in one of the tables below; those of this project that
cannot be run within seconds belong into PARSED. `python -m tests.documented_how` counts them.
"""

RUN = (
    "printf -- '--epochs=100\\n--init_channels=16\\n--layers=8\\n' > short.flags",
    "printf -- '--epochs=3\\n--warmup_epochs=1\\n--max_steps_per_epoch=10\\n--init_channels=4\\n"
    "--samples=2\\n' > search.flags",
    "printf -- '--epochs=3\\n--layers=3\\n--init_channels=4\\n--max_steps_per_epoch=20\\n' > "
    "train.flags",
    "make help",
    "pdarts",
    "python -m pdarts_tf.search --help",
    "python -m pdarts_tf.search --dataset=digits --output_dir=runs/demo",
    "python -m pdarts_tf.search --dataset=digits --profile_steps=10,20",
    "python -m pdarts_tf.search --dataset=folder --data_dir=ROOT",
    "python -m pdarts_tf.train --genotype=runs/demo/genotype.json --dataset=digits "
    "--output_dir=runs/demo_trained",
    "python -m pdarts_tf.describe --genotype=DARTS_V2",
    "python -m pdarts_tf.describe --genotype=FILE|NAME --svg=cells.svg --png=cells.png",
    "python -m pdarts_tf.describe --genotype=runs/demo --front",
    "python -m pdarts_tf.report RUN",
    "python -m pdarts_tf.report RUN RUN… --output=FILE",
    "python -m pdarts_tf.report runs/demo runs/demo_trained --output=runs/demo_and_training.html",
    "python -m export.saved_model --run_dir=runs/demo_training --export_dir=models/demo",
    "python -m pdarts_tf.predict --model=models/demo photos/a.png photos",
    "python -m pdarts_tf.search --dataset=digits "
    "--primitives=none,skip_connect,sep_conv_3x3,sep_conv_7x7 --candidates=4,3 --layers=3,4 "
    "--skip_dropout_rates=0,0.4 --add_channels=0,0 --output_dir=runs/others",
    "python -m pdarts_tf.search --dataset=digits --plugins=my_primitives "
    "--primitives=none,skip_connect,sep_conv_9x9,mobile_conv_3x3 --candidates=4,3 --layers=3,4 "
    "--skip_dropout_rates=0,0.4 --add_channels=0,0 --output_dir=runs/mine",
    "python -m pdarts_tf.train --dataset=digits --plugins=my_primitives --genotype=runs/mine "
    "--output_dir=runs/mine_training",
    "python -m export.saved_model --plugins=my_primitives --run_dir=runs/mine_training "
    "--export_dir=models/mine",
)
"""Run as they stand, in this order and in one directory, searches with a supernet of one layer."""

PARSED = (
    *("make demo", "make docs", "make faults", "make format", "make fuzz", "make lock"),
    *(
        "make notebook",
        "make release",
        "make results",
        'make release PYTHONS="python3.12 python3.13"',
        "make setup",
    ),
    *("make setup GPU=1", "make test", "make test-all"),
    *("pip install .", "pip install '.[gpu]'", "pip install -r requirements.txt"),
    *(f"pip install 'pdarts-tf[{each}]'" for each in ("gpu", "onnx", "openvino", "ray", "serving")),
    ".venv/bin/python -m pytest tests/test_genotype.py -k parse",
    "python -m pytest tests/test_primitives.py tests/layers/test_operations.py "
    "tests/export/test_inference.py",
    'PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m pytest tests/export/test_server.py',
    "pdarts client --grpc",
    "pdarts export --format=onnx",
    "pdarts study --executor=ray",
    "pdarts train --genotype=PDARTS --dataset=cifar10 --layers=8 --init_channels=16 --epochs=3 "
    "--max_steps_per_epoch=300 --batch_size=96 --learning_rate=0.1 --noauxiliary "
    "--drop_path_rate=0 --cutout_length=0",
    "pdarts train --genotype=runs/demo/genotype.json --dataset=digits",
    "python -m benchmarks.gpu --official=CHECKOUT --official_python=PYTHON_WITH_TORCH --minutes=8 "
    "--json=docs/gpu.json",
    "python -m benchmarks.inference --official=CHECKOUT --official_python=PYTHON_WITH_TORCH",
    "python -m benchmarks.input_pipeline",
    "python -m benchmarks.logging_cost",
    "python -m benchmarks.memory_settings --networks=supernet --batch_size=8 "
    "--settings=plain,jit_compile,jit_compile=step",
    "python -m benchmarks.supernet_step --official=CHECKOUT --official_python=PYTHON_WITH_TORCH "
    "--json=FILE",
    "python -m export.client --model=cifar10 image.png",
    "python -m export.keras_code --genotype=PDARTS --layers=14 --init_channels=48 --stem=imagenet "
    "--num_classes=1000 --output=imagenet_network.py",
    "python -m export.client --model=demo image.png",
    "python -m export.client --model=photos photos/test/cat/IMG_0016.JPG",
    "python -m export.saved_model --run_dir=runs/demo_training --export_dir=models/openvino "
    "--serve_on=gpu",
    "python -m export.saved_model --run_dir=runs/train_cifar10_seed0 --export_dir=models/cifar10",
    "python -m pdarts_tf.interop.pytorch --checkpoint=weights.pt --genotype=PDARTS "
    "--output_dir=runs/official --data_dir=D",
    "python -m pdarts_tf.search --dataset=NAME [--data_dir=D] [--output_dir=D] [--seed=N] "
    "[--flagfile=F] …",
    "python -m pdarts_tf.search --dataset=cifar10",
    "python -m pdarts_tf.search --dataset=cifar10 --batch_size=256 --learning_rate=0.066",
    "python -m pdarts_tf.search --dataset=cifar10 --batch_size=auto --dry_run",
    "python -m pdarts_tf.search --dataset=cifar10 --data_dir=D",
    "python -m pdarts_tf.search --dataset=cifar10 --data_dir=D --epochs=3 --warmup_epochs=1 "
    "--validation_epochs=1 --max_steps_per_epoch=4 --batch_size=32",
    "python -m pdarts_tf.search --dataset=cifar10 --dry_run --memory_limit_gb=8",
    "python -m pdarts_tf.search --dataset=cifar10 --flagfile=flags/recipes/methods/random.flags",
    "python -m pdarts_tf.search --dataset=cifar10 --output_dir=/shared/runs/one",
    "python -m pdarts_tf.search --dataset=digits --num_cpu_devices=2",
    "python -m pdarts_tf.search --dataset=imagenet2012 --data_dir=D",
    "python -m pdarts_tf.search --dataset=cifar10 "
    "--flagfile=flags/recipes/methods/darts.flags --epochs=50 --batch_size=64 "
    "--arch_learning_rate=3e-4 --seed=0 --output_dir=runs/darts0",
    "python -m pdarts_tf.search --dataset=cifar10 --seed=0",
    "python -m pdarts_tf.study --flagfile=studies/claims.flags --output_dir=runs/claims",
    "python -m pdarts_tf.study --flagfile=study.flags",
    "python -m pdarts_tf.study --output_dir=runs/study --methods=pdarts --seeds=0,1,2,3 "
    "--dataset=cifar10 --train_flags=short.flags",
    "python -m pdarts_tf.study --output_dir=runs/study --methods=pdarts,darts,random --seeds=0,1,2 "
    "--dataset=cifar10",
    "python -m pdarts_tf.study --output_dir=runs/study --methods=pdarts,random --seeds=0,1 "
    "--dataset=digits --search_flags=search.flags --train_flags=train.flags",
    "python -m pdarts_tf.train --evaluate_only --run_dir=D [--data_dir=D]",
    "python -m pdarts_tf.train --evaluate_only --run_dir=runs/official --data_dir=D",
    "python -m pdarts_tf.train --evaluate_only --run_dir=runs/train_cifar10_seed0",
    "python -m pdarts_tf.train --dataset=cifar10 "
    "--genotype=runs/search_cifar10_seed0/genotype.json",
    "python -m pdarts_tf.train --dataset=imagenet2012 "
    "--genotype=runs/search_cifar10_seed0/genotype.json",
    "python -m pdarts_tf.train --genotype=FILE|NAME --dataset=NAME [--data_dir=D] "
    "[--output_dir=D] …",
    "python -m pdarts_tf.train --genotype=PDARTS --dataset=cifar10",
    "python -m pdarts_tf.train --genotype=PDARTS --dataset=cifar10 --batch_size=auto",
    "python -m pdarts_tf.train --genotype=PDARTS --dataset=cifar10 --dry_run",
    "python -m pdarts_tf.train --genotype=PDARTS --dataset=cifar10 "
    "--flagfile=flags/recipes/train_cifar10_large.flags",
    "python -m pdarts_tf.train --genotype=PDARTS --dataset=cifar10 --jit_compile=step "
    '--compilation_cache_dir="$HOME/.cache/pdarts_tf"',
    "python -m pdarts_tf.train --genotype=PDARTS --dataset=digits --callbacks=trackers:mlflow",
    "python -m pdarts_tf.train --genotype=PDARTS --dataset=imagenet2012 --data_dir=D",
    "python -m pdarts_tf.train --genotype=runs/search_folder_seed0/genotype.json --dataset=folder "
    "--data_dir=ROOT",
    "python -m pdarts_tf.train --genotype=runs/study/genotype.json --dataset=cifar10",
    "python -m tools.kernels",
)
"""Too slow to be run, or without data: flags and settings, targets, extras or files are checked."""

TESTED = {
    "python -m pdarts_tf.train --genotype=runs/demo --dataset=digits --max_macs=500000": (
        "tests/train/test_budgets.py"
    ),
    "python -m export.keras_code --run_dir=runs/demo_training --output=cell_network.py": (
        "tests/export/test_keras_code.py"
    ),
    "python -m export.keras_code --run_dir=D --output=cell_network.py": (
        "tests/export/test_keras_code.py"
    ),
    "python -m benchmarks.time_left RUN": "tests/runs/test_time_left.py",
    "python -m pdarts_tf.predict --model=models/cifar10 image.png photos": (
        "tests/export/test_predict.py"
    ),
    "python -m pdarts_tf.predict --run_dir=runs/demo_training --format=csv photos > answers.csv": (
        "tests/export/test_predict.py"
    ),
    "python -m benchmarks.photo_baselines --data_dir=photos --minutes=38": (
        "tests/benchmarks/test_photo_baselines.py"
    ),
    "python -m pdarts_tf.describe --genotype=runs/photos --front": "tests/docs/test_photos_page.py",
    "python -m pdarts_tf.train --genotype=runs/photos --dataset=folder --data_dir=photos "
    "--image_size=96 --max_macs=15000000 --dry_run": "tests/docs/test_photos_page.py",
    "python -m tools.photos --output_dir=photos": "tests/docs/test_photos_page.py",
    "python -m pdarts_tf.search --dataset=folder --data_dir=photos --image_size=96 --dry_run": (
        "tests/docs/test_photos_page.py"
    ),
    "python -m pdarts_tf.search --dataset=folder --data_dir=photos --image_size=96 "
    "--output_dir=runs/photos": ("tests/docs/test_photos_page.py"),
    "python -m pdarts_tf.train --genotype=runs/photos --dataset=folder "
    "--data_dir=photos --image_size=96 --output_dir=runs/photos_network": (
        "tests/docs/test_photos_page.py"
    ),
    "python -m pdarts_tf.predict --run_dir=runs/photos_network photos/test/cat": (
        "tests/docs/test_photos_page.py"
    ),
    "python -m export.saved_model --run_dir=runs/photos_network --export_dir=models/photos": (
        "tests/docs/test_photos_page.py"
    ),
    "python -m pdarts_tf.predict --model=models/photos --format=csv photos/test > answers.csv": (
        "tests/docs/test_photos_page.py"
    ),
    ".venv/bin/python -m tests.fuzz --inputs=1000000 genotypes": "tests/fuzz/test_fuzz.py",
    "exec python -m pdarts_tf.search --dataset=cifar10 --data_dir=/shared/data "
    "--output_dir=/shared/runs/one'": "tests/test_docker.py",
    'exec python -m pdarts_tf.study --flagfile=study.flags --trial="$SLURM_ARRAY_TASK_ID"': (
        "tests/study/test_study.py"
    ),
    'export TF_CONFIG="{\\"cluster\\": {\\"worker\\": $WORKERS}, \\"task\\": {\\"type\\": '
    '\\"worker\\", \\"index\\": $SLURM_PROCID}}"': "tests/test_docker.py",
    'export WORKERS="[$hosts]"': "tests/test_docker.py",
    "ovc models/openvino/1 --output_model models/openvino/1.xml --compress_to_fp16=False": (
        "tests/export/test_openvino.py"
    ),
    "srun --kill-on-bad-exit=1 bash -c '": "tests/test_docker.py",
    "tensorboard --logdir=runs --samples_per_plugin=images=200,text=200": (
        "tests/tensorboard/test_tensorboard.py"
    ),
}
"""The test that does what the command does, with other arguments or stand-ins."""

NOT_RUN = {
    ".venv/bin/python -m twine upload dist/*": "would publish the package",
    "apt-get install chromium": "changes the machine",
    "bazel build //...": "needs Bazel and downloads; CONTRIBUTING.md says what was tried",
    "docker build -f docker/Dockerfile -t pdarts_tf .": "needs a container engine",
    "docker cp serving:/usr/bin/tensorflow_model_server .venv/bin/": "needs a container engine",
    "docker create --name serving tensorflow/serving": "needs a container engine",
    "docker rm serving": "needs a container engine",
    "docker run --gpus all": "needs a container engine and a GPU",
    'docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD/runs:/work/runs" pdarts_tf '
    "pdarts search --dataset=digits": "needs a container engine and a GPU",
    'export TF_CONFIG=\'{"cluster": {"worker": ["host0:12345", "host1:12345"]}, "task": {"type": '
    '"worker", "index": 0}}\'': "needs two machines",
    "opt_in_out --opt_out": "changes the settings of the person who runs it",
    "pip show pdarts-tf": "needs an installation that is no checkout",
    "profile/bin/pip install tensorboard tensorboard-plugin-profile setuptools": (
        "installs TensorBoard again; the page says which versions were tried"
    ),
    "profile/bin/tensorboard --logdir=runs": "needs that installation",
    "python -m venv profile": "makes the environment of that installation",
    "sbatch --array=0-3 trial.sh": "needs Slurm",
    "source .venv/bin/activate": "is for a person's shell",
    "until python -m pdarts_tf.search --dataset=cifar10; do [ $? -eq 75 ] || break; done": (
        "takes days without a GPU; the search itself stands elsewhere"
    ),
}
"""Why it cannot be tried."""

if __name__ == "__main__":
    print(
        f"{len(RUN) + len(PARSED) + len(TESTED) + len(NOT_RUN)} commands: {len(RUN)} run, "
        f"{len(PARSED)} parsed, {len(TESTED)} run by another test, {len(NOT_RUN)} with a reason"
    )
