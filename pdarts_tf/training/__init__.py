"""How models are trained: the bilevel search step, and the loop that drives it."""
