"""Images and labels: where they come from, how they are augmented and put into batches."""
