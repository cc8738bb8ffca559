"""Training steps, optimizers and the loop that drives them."""
