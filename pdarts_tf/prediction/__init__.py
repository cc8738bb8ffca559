"""Classes of images, by the network of a run or by an exported model."""
