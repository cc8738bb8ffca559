"""What a search prints: pure functions from its data to text."""

from pdarts_tf.search_space import edge_nodes


def table(header, rows):
    """Returns rows of values below their header, in columns aligned to the right."""
    lines = [[str(value) for value in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(value.rjust(width) for value, width in zip(line, widths, strict=True))
        for line in lines
    )


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
