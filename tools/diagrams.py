"""Pictures of the diagrams in the documentation.

GitHub draws blocks of Mermaid, `graph TD` with boxes and arrows. The site draws them by Graphviz
when it is built, since Mermaid itself would be loaded from another host by every reader.
"""

import re

from pygraphviz import AGraph

_BOX = re.compile(r'^\s*(\w+)\["([^"]*)"\]$')
_ARROW = re.compile(r"^\s*(\w+) --> (\w+)$")
_MAX_LINE = 34
_FITTING = "max-width: 100%; height: auto"


def svg_of(diagram: str) -> str:
    """Returns an SVG element in the colour of the text around it.

    Args:
        diagram: Mermaid, of which `graph TD`, boxes `name["text"]` and arrows `a --> b` are known.

    Raises:
        ValueError: If a line is none of these.

    Example:

    >>> svg_of('graph TD\\n  a["first"]\\n  a --> b\\n').count("<text")
    2
    """
    graph = AGraph(directed=True, bgcolor="transparent", ranksep=0.35, nodesep=0.2)
    graph.node_attr.update(shape="box", style="rounded", fontname="sans-serif", fontsize=13)
    graph.edge_attr.update(arrowsize=0.7)
    first, *lines = diagram.strip().splitlines()
    if first != "graph TD":
        raise ValueError(f"expected a diagram that begins with 'graph TD'. Received: {first!r}")
    for line in lines:
        if box := _BOX.match(line):
            graph.add_node(box[1], label=_wrapped(box[2]))
        elif arrow := _ARROW.match(line):
            graph.add_edge(*arrow.groups())
        else:
            raise ValueError(f'expected a["text"] or a --> b. Received: {line!r}')
    graph.layout(prog="dot")
    return _as_element(graph.draw(format="svg").decode())


def _wrapped(text: str) -> str:
    """Returns a text in lines that are not much longer than `_MAX_LINE` characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) > _MAX_LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _as_element(file: str) -> str:
    """Returns the element of an SVG file, in one line: Markdown ends HTML at empty lines."""
    element = re.sub(r"<!--.*?-->", "", file[file.index("<svg") :], flags=re.DOTALL)
    element = re.sub(r'width="\d+pt" height="\d+pt"', f'style="{_FITTING}"', element)
    element = element.replace("<text ", '<text fill="currentColor" ')
    element = element.replace('"black"', '"currentColor"')
    return " ".join(element.split())
