"""A plan as a tree of lines: for a terminal wrapped to its width, for a pipe one fact a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cm_script.planning import checks, node
from cm_script.planning.misses import when
from cm_script.query import variation_tag
from cm_script.select import ONLY
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.planning.node import Node, Problem

_INDENT = "  "
#: Deeper levels are not indented further: lines must stay readable.
_DEEPEST = 16
_KINDS = {
    "prehook_deps": "before its step",
    "posthook_deps": "after its step",
    "post_deps": "at its end",
}


def draw(
    root: Node,
    depth: int,
    summary: dict[str, Any],
    problems: Sequence[Problem],
    width: int | None,
    *,
    full: bool = False,
) -> str:
    """The plan as text.

    Args:
        root: the request's node.
        depth: levels shown below it, -1 for all.
        summary: see `checks.summary`.
        problems: shown at the end.
        width: columns of the terminal; None does not wrap.
        full: also say where each recipe is.
    """
    lines = list(_lines(root, 0, depth, full))
    lines.append((0, ""))
    lines += [(0, text) for text in _summed(summary)]
    for problem in problems:
        hint = f"; {problem.hint}" if problem.hint else ""
        step = f"step {problem.step}: " if problem.step else ""
        lines.append((0, f"{problem.level}: {step}{problem.text}{hint}"))
    return "\n".join(part for indent, line in lines for part in _wrapped(line, indent, width))


def _lines(here: Node, level: int, depth: int, full: bool) -> Iterator[tuple[int, str]]:
    """`(columns that a continuation is indented by, line)` of a node and what is below."""
    lead = _INDENT * min(level, _DEEPEST)
    number = str(here.step) if here.step else "-"
    yield len(lead) + 6, f"{lead}{number:>3} {_head(here)}"
    below = " " * (len(lead) + 6)
    if full and here.recipe is not None:
        recipe = here.recipe
        yield len(below) + 2, f"{below}{recipe.name} in {recipe.collection.name}: {recipe.path}"
    for text in _details(here):
        yield len(below) + 2, below + text
    if here.beside:
        steps = ", ".join(map(str, here.beside))
        yield len(below) + 2, f"{below}can be built beside step {steps}"
    elif full and here.in_turn:
        yield len(below) + 2, f"{below}in its turn: {here.in_turn}"
    if depth == 0 and here.children:
        count = len(here.walk()) - 1
        yield 0, f"{below}({count} more below; --depth shows them)"
        return
    for child in here.children:
        yield from _lines(child, level + 1, depth - 1, full)


def _head(here: Node) -> str:
    words = [here.label if here.recipe else f"[{here.asked}]"]
    words += [variation_tag(name) for name, _ in here.variations]
    told = checks.told(here.version.get("requested") or {})
    if told:
        words.append(f"({told})")
    elif here.version.get("effective"):
        words.append(f"(version {here.version['effective']})")
    kind = _KINDS.get(here.kind)
    return " ".join(words) + f": {_outcome(here)}" + (f", {kind}" if kind else "")


def _outcome(here: Node) -> str:
    if here.outcome == node.CACHED:
        return f"cached as {here.hit['uid']} since {when(here.hit['since'])}"
    if here.outcome == node.REUSED:
        return f"cached by then (step {here.hit['step']})"
    if here.outcome == node.RUN:
        return "runs" if here.sure else "runs as far as known"
    if here.outcome == node.MAYBE:
        return "skipped as far as known"
    words = {
        node.SKIPPED: "skipped",
        node.LISTED: "not looked into (--fake_deps)",
        node.LEFT_OUT: "left out, it is not for containers",
        node.FAILS: "fails" if here.sure else "may fail",
    }
    return words[here.outcome]


def _details(here: Node) -> Iterator[str]:
    if here.condition:
        yield here.condition
    if here.error is not None:
        yield f"error: {here.error.message}"
    if here.why and here.why != ONLY and here.outcome != node.MAYBE:
        yield f"chosen: {here.why}"
    origins = [f"_{name} ({origin})" for name, origin in here.variations if origin != "asked"]
    if origins:
        yield "variations: " + ", ".join(origins)
    if here.outcome == node.CACHED:
        place = here.hit.get("upstream")
        yield f"will be copied from: {place}" if place else f"path: {here.hit['path']}"
    if here.miss and not here.miss.startswith("the recipe does not"):
        yield f"not from the cache: {here.miss}"
    for need, grounds in here.needs.items():
        yield f"may need {need}: {'; '.join(grounds)}"
    for text in here.notes:
        yield f"unknown until run: {text}"


def _summed(summary: dict[str, Any]) -> Iterator[str]:
    counts = summary["outcomes"]
    words = (
        (node.RUN, "run"),
        (node.CACHED, "from the cache"),
        (node.REUSED, "cached by then"),
        (node.SKIPPED, "skipped"),
        (node.MAYBE, "skipped as far as known"),
        (node.LISTED, "not looked into"),
        (node.LEFT_OUT, "left out"),
        (node.FAILS, "fail"),
    )
    yield "plan: " + ", ".join(f"{counts[key]} {text}" for key, text in words if counts.get(key))
    for need, labels in summary["needs"].items():
        yield f"may need {need}: {', '.join(labels)}"


def _wrapped(line: str, indent: int, width: int | None) -> list[str]:
    if width is None or len(line) <= width:
        return [line]
    import textwrap

    lead = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.lstrip(),
        max(width, 40),
        initial_indent=lead,
        subsequent_indent=" " * min(indent or 2, max(width, 40) // 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
