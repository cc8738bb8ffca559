"""Data sets of images and labels: sources, augmentation and batches."""
