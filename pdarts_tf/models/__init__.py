"""The supernet that is searched, and the network that is evaluated."""
