"""Genotypes, as files that `--genotype` names."""

import re
from pathlib import Path

from pdarts_tf.genotype import GENOTYPES, Genotype, GenotypeError, load_genotype
from tests.fuzz.targets import Target
from tests.source_tree import ROOT

_TOKENS = (
    *("normal", "reduce", "normal_concat", "reduce_concat", "Genotype(", "range(", "list("),
    *("sep_conv_3x3", "skip_connect", "none", "np.int64(", "None", "[(", ")]", "'", '"', "M=1"),
    *("_switch", "sepconv3x3", "-1", "1e999", "\\\n", "#", ";", "\ufeff", "\u00a0"),
)


def make(scratch: Path) -> Target:
    """See `Target`."""
    path = scratch / "genotype"
    documented = (ROOT / "docs" / "genotypes.md").read_text()
    texts = re.findall(r"```genotype\n(.*?)```", documented, re.DOTALL)
    texts += [each.to_json() for each in GENOTYPES.values()]
    texts += [str(each) for each in GENOTYPES.values()]

    def read(data: bytes) -> str:
        path.write_bytes(data)
        genotype = load_genotype(str(path))
        # What was read is a genotype, whatever notation it goes through.
        assert Genotype.parse(str(genotype)) == genotype
        assert Genotype.from_json(genotype.to_json()) == genotype
        return "read"

    seeds = [each.encode() for each in texts] + [texts[0].encode("utf-16")]
    return Target(seeds, read, (GenotypeError,), _TOKENS)
