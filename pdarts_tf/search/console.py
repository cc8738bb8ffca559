"""What a search prints: pure functions from its data to text."""

from pdarts_tf.search_space import edge_nodes


def kept_operations(space, cell):
    """Returns one line per edge of a cell with the operations that it has kept."""
    lines = [
        f"  {source} -> {target}  {', '.join(names)}"
        for (source, target), names in zip(edge_nodes(), space.candidates(cell), strict=True)
    ]
    return "\n".join([f"{cell} cell keeps", *lines])


def genotype_list(genotypes):
    """Returns genotypes, {"unrestricted" or "M=<limit>": Genotype}, one a line."""
    lines = [
        f"{name} ({genotype.num_skip_connects} skip-connects): {genotype}"
        for name, genotype in genotypes.items()
    ]
    return "\n".join(lines)
