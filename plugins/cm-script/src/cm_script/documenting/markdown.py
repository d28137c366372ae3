"""Markdown as GitHub reads it (GitHub Flavored Markdown): whatever a meta holds is shown as text.

Rules of escaping: CommonMark 0.31, sections 2.4 and 6.1; tables: GFM, section 4.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$#&])")
_START = re.compile(r"^(\d+)([.)])|^([-+=])")
_LINK = re.compile(
    r"\[([^\[\]]*)\]\((https?://[^\s()<>]+)\)"
    r"|(https?://[^\s<>|`\"'()\[\]]*[^\s<>|`\"'()\[\].,;:!?])"
)
_BACKTICKS = re.compile(r"`+")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")


def flat(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def escape(text: str) -> str:
    """Text that is shown as it stands, wherever on a line."""
    return _started(_SPECIAL.sub(r"\\\1", flat(text)))


def prose(text: str) -> str:
    """The same, with links and addresses kept: what people wrote into a meta for other people."""
    text, parts, at = flat(text), [], 0
    for found in _LINK.finditer(text):
        label, address = found[1] or found[3] or found[2], found[2] or found[3]
        parts += [_SPECIAL.sub(r"\\\1", text[at : found.start()])]
        parts += [link(_SPECIAL.sub(r"\\\1", label), address)]
        at = found.end()
    return _started("".join(parts) + _SPECIAL.sub(r"\\\1", text[at:]))


def _started(text: str) -> str:
    """Without what would make a list or a heading of a line that begins with it."""
    return _START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", text)


def code(text: str) -> str:
    """A code span, also within a table."""
    text = "".join(c if c.isprintable() else " " for c in text)
    if not text.strip():
        return "(empty)"
    if text == text.strip() and "`" not in text and "|" not in text:
        return f"`{text}`"
    # Entities: they mean nothing to any rule of Markdown, and a table knows no other way.
    shown = "".join(c if c.isalnum() or c in " /,=()" else f"&#{ord(c)};" for c in text)
    return f"<code>{shown}</code>"


def block(text: str, language: str = "") -> list[str]:
    """Lines of a fenced block that no line of the text can end."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.split("\n"), fence]


def link(label: str, target: str) -> str:
    """A link; the label is Markdown already."""
    return f"[{label}]({_target(target)})"


def _target(target: str) -> str:
    if target.startswith(("http://", "https://")):
        return quote(target, safe="/:?=&%#+,;@~.-_!$'")
    path, hash_, anchor = target.partition("#")
    return path + hash_ + quote(anchor, safe="-_")


def path(parts: str) -> str:
    """A relative path as the target of a link."""
    return quote(parts, safe="/.-_~")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; cells are Markdown already, columns without content are left out."""
    cells = [list(row) for row in rows]
    kept = [c for c in range(len(columns)) if any(row[c] for row in cells)]
    head = [columns[c] for c in kept]
    lines = [head, ["---"] * len(kept), *([row[c] for c in kept] for row in cells)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines that are shown when somebody asks for them; the summary is HTML text."""
    return ["<details>", f"<summary>{html(summary)}</summary>", "", *lines, "", "</details>"]


def html(text: str) -> str:
    """Text within an HTML element."""
    return flat(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Anchors:
    """The anchors that GitHub gives to the headings of one page, in the order of the page."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, heading: str) -> str:
        """The anchor of the next heading, given as plain text."""
        original = slug = _NOT_IN_SLUG.sub("", flat(heading).lower()).replace(" ", "-")
        while slug in self._seen:
            self._seen[original] += 1
            slug = f"{original}-{self._seen[original]}"
        self._seen[slug] = 0
        return slug
