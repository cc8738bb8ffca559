"""Studies: searches with several methods and seeds, their cells trained, and the comparison."""
