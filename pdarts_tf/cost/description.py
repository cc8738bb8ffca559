"""The cost of a genotype in the published settings, as text and as data, without TensorFlow."""

from dataclasses import asdict, dataclass
from typing import Any

from pdarts_tf.cost.cell_statistics import cell_depth, cell_width
from pdarts_tf.cost.counting import Block, Count, auxiliary_parameters, network_blocks, total
from pdarts_tf.genotype import Genotype


@dataclass(frozen=True)
class PublishedSetting:
    """A published setting of the evaluation network.

    Args:
        title: Name for people.
        stem, init_channels, num_layers, num_classes: See `EvaluationNetwork`.
        image_size: Pixels along a side.
    """

    title: str
    stem: str
    init_channels: int
    num_layers: int
    num_classes: int
    image_size: int

    def blocks(self, genotype: Genotype) -> list[Block]:
        """Returns the network's blocks in the order of execution."""
        size = self.image_size, self.image_size
        network = self.init_channels, self.num_layers, self.num_classes, self.stem
        return network_blocks(genotype, *network, size)

    def auxiliary_parameters(self, genotype: Genotype) -> int:
        """Returns the parameters of the auxiliary head, which only training uses."""
        return auxiliary_parameters(genotype, self.init_channels, self.num_layers, self.num_classes)


SETTINGS = {
    "cifar10": PublishedSetting("CIFAR-10", "cifar", 36, 20, 10, 32),
    "cifar100": PublishedSetting("CIFAR-100", "cifar", 36, 20, 100, 32),
    "cifar10_large": PublishedSetting("CIFAR-10 large", "cifar", 64, 20, 10, 32),
    "imagenet": PublishedSetting("ImageNet mobile", "imagenet", 48, 14, 1000, 224),
}
"""The settings of P-DARTS, sections 4.3 and 4.4."""

_ROW = "  {:<18}{:>9}{:>10}{:>14}{:>17}"


def as_dict(genotype: Genotype) -> dict[str, Any]:
    """Returns the description as data for JSON.

    Returns:
        A dictionary. "genotype": the four fields; "notation": the official one; "normal_cell":
        "depth", "width" and "num_skip_connects"; "settings": per key of `SETTINGS` its values,
        "parameters" (without the auxiliary head), "auxiliary_parameters", "macs" per image, and
        "blocks".
    """
    return {
        "genotype": asdict(genotype),
        "notation": str(genotype),
        "normal_cell": _normal_cell(genotype),
        "settings": {name: _setting_dict(setting, genotype) for name, setting in SETTINGS.items()},
    }


def as_text(genotype: Genotype) -> str:
    """Returns the description as text: the cell, a summary, and one table per setting."""
    cell = _normal_cell(genotype)
    heading = _ROW.format("setting", "channels", "image", "parameters", "multiply-adds")
    lines = [
        str(genotype),
        "",
        f"Normal cell: depth {cell['depth']} (operations on the longest path), "
        f"width {cell['width']:g} (nodes fed by the inputs), "
        f"skip-connects {cell['num_skip_connects']}",
        "",
        heading,
    ]
    for setting in SETTINGS.values():
        count = total(setting.blocks(genotype))
        image = f"{setting.image_size}x{setting.image_size}"
        lines.append(_row(setting.title, setting.init_channels, image, count))
    lines += ["", "Without the auxiliary head, which only training uses."]
    for setting in SETTINGS.values():
        lines += ["", *_setting_lines(setting, genotype)]
    return "\n".join(lines)


def _normal_cell(genotype: Genotype) -> dict[str, int | float]:
    return {
        "depth": cell_depth(genotype.normal, genotype.normal_concat),
        "width": cell_width(genotype.normal),
        "num_skip_connects": genotype.num_skip_connects,
    }


def _setting_dict(setting: PublishedSetting, genotype: Genotype) -> dict[str, Any]:
    blocks = setting.blocks(genotype)
    return {
        **asdict(setting),
        **asdict(total(blocks)),
        "auxiliary_parameters": setting.auxiliary_parameters(genotype),
        "blocks": [_block_dict(block) for block in blocks],
    }


def _block_dict(block: Block) -> dict[str, Any]:
    """Returns the fields of a block, those of its count beside its own."""
    fields = asdict(block)
    return {**fields, **fields.pop("count")}


def _setting_lines(setting: PublishedSetting, genotype: Genotype) -> list[str]:
    blocks = setting.blocks(genotype)
    rows = [
        _row(
            f"{block.name} {block.kind}" if block.name.startswith("cell") else block.name,
            block.channels,
            f"{block.height}x{block.width}",
            block.count,
        )
        for block in blocks
    ]
    auxiliary = setting.auxiliary_parameters(genotype)
    return [
        f"{setting.title}: {setting.num_layers} cells, {setting.init_channels} channels, "
        f"{setting.num_classes} classes, {setting.image_size}x{setting.image_size} pixels",
        _ROW.format("block", "channels", "output", "parameters", "multiply-adds"),
        *rows,
        _row("total", "", "", total(blocks)),
        f"  {'auxiliary head':<37}{auxiliary:>14,}",
    ]


def _row(name: str, channels: int | str, size: str, count: Count) -> str:
    return _ROW.format(name, channels, size, f"{count.parameters:,}", f"{count.macs:,}")
