"""Everything that outlives a process: run directories, checkpoints, resuming, stopping."""
