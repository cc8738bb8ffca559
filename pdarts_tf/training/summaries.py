"""What TensorBoard shows of a run."""

import tensorflow as tf

# Where each value of an epoch's record appears in TensorBoard.
_TAGS = {
    "loss": "loss/weights",
    "arch_loss": "loss/alphas",
    "valid_loss": "loss/validation",
    "test_loss": "loss/test",
    "accuracy": "accuracy/weights",
    "arch_accuracy": "accuracy/alphas",
    "valid_accuracy": "accuracy/validation",
    "test_accuracy": "accuracy/test",
    "test_top5": "accuracy/test_top5",
    "learning_rate": "schedule/learning_rate",
    "skip_dropout_rate": "schedule/skip_dropout_rate",
    "drop_path_rate": "schedule/drop_path_rate",
    "weight_grad_norm": "gradient_norm/weights",
    "arch_grad_norm": "gradient_norm/alphas",
    "entropy_normal": "alphas/entropy_normal",
    "entropy_reduce": "alphas/entropy_reduce",
    "skip_connects": "alphas/skip_connects",
    "images_per_second": "speed/images_per_second",
}


class Summaries:
    """Writes the records of epochs as TensorBoard scalars.

    Args:
        directory: where the event files go; None for nowhere.
    """

    def __init__(self, directory):
        if directory is None:
            self._writer = tf.summary.create_noop_writer()
        else:
            self._writer = tf.summary.create_file_writer(str(directory))

    def write(self, record, step):
        """Writes one record at a step, the epochs of the whole run counted through."""
        with self._writer.as_default(step=step):
            for name, tag in _TAGS.items():
                if name in record:
                    tf.summary.scalar(tag, record[name])
        self._writer.flush()

    def close(self):
        """Closes the event file."""
        self._writer.close()
