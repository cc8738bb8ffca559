"""Training and testing of the network of a genotype."""
