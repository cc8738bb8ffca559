"""Parameters, multiply-accumulates and memory, counted on paper."""
