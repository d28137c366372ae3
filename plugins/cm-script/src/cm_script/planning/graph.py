"""A plan as a graph in the languages of Mermaid and Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from cm_script.planning import node
from cm_script.query import variation_tag
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.planning.node import Node

_COLORS = {
    node.RUN: "#ffe0b2",
    node.CACHED: "#c8e6c9",
    node.REUSED: "#dcedc8",
    node.SKIPPED: "#eeeeee",
    node.MAYBE: "#e1bee7",
    node.LISTED: "#ffffff",
    node.LEFT_OUT: "#eeeeee",
    node.FAILS: "#ffcdd2",
}
_EDGES = {"prehook_deps": "prehook", "posthook_deps": "posthook", "post_deps": "post"}


def mermaid(root: Node, depth: int = -1) -> str:
    """A flow chart for Mermaid; dependencies of a kind of their own say so on the edge."""
    lines = ["flowchart TD"]
    for name, here, parent in _numbered(root, depth):
        text = "<br/>".join(_mermaid_text(line) for line in _label(here))
        lines.append(f'  {name}["{text}"]:::{here.outcome.replace("-", "_")}')
        if parent:
            arrow = "-->" if here.sure and here.outcome != node.SKIPPED else "-.->"
            word = _EDGES.get(here.kind)
            lines.append(f"  {parent} {arrow}{f'|{word}|' if word else ''} {name}")
    for outcome, color in _COLORS.items():
        lines.append(f"  classDef {outcome.replace('-', '_')} fill:{color},color:#000000")
    return "\n".join(lines)


def dot(root: Node, depth: int = -1) -> str:
    """A directed graph for Graphviz."""
    lines = ["digraph plan {", '  node [shape=box, style="filled,rounded", fontname="sans-serif"];']
    for name, here, parent in _numbered(root, depth):
        text = "\\n".join(_dot_text(line) for line in _label(here))
        lines.append(f'  {name} [label="{text}", fillcolor="{_COLORS[here.outcome]}"];')
        if parent:
            style = "solid" if here.sure and here.outcome != node.SKIPPED else "dashed"
            word = _EDGES.get(here.kind, "")
            lines.append(f'  {parent} -> {name} [style={style}, label="{word}"];')
    return "\n".join([*lines, "}"])


def _numbered(root: Node, depth: int) -> Iterator[tuple[str, Node, str]]:
    """`(name, node, parent's name)` of the nodes down to `depth`, parents first."""
    count = 0

    def visit(here: Node, parent: str, left: int) -> Iterator[tuple[str, Node, str]]:
        nonlocal count
        count += 1
        name = f"n{count}"
        yield name, here, parent
        if left != 0:
            for child in here.children:
                yield from visit(child, name, left - 1)

    yield from visit(root, "", depth)


def _label(here: Node) -> list[str]:
    variations = " ".join(variation_tag(name) for name, _ in here.variations)
    lines = [f"{here.step}. {here.label}" if here.step else here.label]
    return [*lines, *([variations] if variations else []), here.outcome]


def _mermaid_text(text: str) -> str:
    for char, name in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(char, name)
    return text


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
