"""What TensorBoard shows of a search."""

import tensorflow as tf

# Where each value of an epoch's record appears in TensorBoard.
_TAGS = {
    "loss": "search/loss_weights",
    "arch_loss": "search/loss_alphas",
    "valid_loss": "search/loss_validation",
    "accuracy": "search/accuracy_weights",
    "arch_accuracy": "search/accuracy_alphas",
    "valid_accuracy": "search/accuracy_validation",
    "learning_rate": "schedule/learning_rate",
    "skip_dropout_rate": "schedule/skip_dropout_rate",
    "weight_grad_norm": "gradient_norm/weights",
    "arch_grad_norm": "gradient_norm/alphas",
    "entropy_normal": "alphas/entropy_normal",
    "entropy_reduce": "alphas/entropy_reduce",
    "skip_connects": "alphas/skip_connects",
    "images_per_second": "speed/images_per_second",
}


class SearchSummaries:
    """Writes the records of a search's epochs as TensorBoard scalars.

    Args:
        directory: where the event files go.
    """

    def __init__(self, directory):
        self._writer = tf.summary.create_file_writer(str(directory))

    def write(self, record, step):
        """Writes one record at a step, the epochs of the whole search counted through."""
        with self._writer.as_default(step=step):
            for name, tag in _TAGS.items():
                if name in record:
                    tf.summary.scalar(tag, record[name])
        self._writer.flush()

    def close(self):
        """Closes the event file."""
        self._writer.close()
