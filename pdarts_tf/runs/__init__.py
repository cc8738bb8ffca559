"""What outlives the process: run directories, checkpoints, resuming, stopping."""
