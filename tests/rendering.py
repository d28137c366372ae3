"""Markdown as a browser gets it, by a parser that is not ours: text, links, anchors, tables."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from markdown_it import MarkdownIt

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


class Rendered(NamedTuple):
    """A page.

    Attributes:
        text: what is read, blanks joined.
        links: targets, in order.
        anchors: of its headings, as GitHub makes them.
        tables: texts of the cells, by table and row, headings included.
        unclosed: elements that were opened and not closed, or closed and not opened.
    """

    text: str
    links: list[str]
    anchors: set[str]
    tables: list[list[list[str]]]
    unclosed: list[str]


def rendered(markdown: str) -> Rendered:
    """What a reader of Markdown gets to see."""
    reader = _Reader()
    reader.feed(_PARSER.render(markdown))
    reader.close()
    return Rendered(
        " ".join("".join(reader.texts).split()),
        reader.links,
        _anchors(reader.headings),
        reader.tables,
        reader.problems + reader.open,
    )


def broken_links(root: Path) -> list[str]:
    """Links of the pages below a folder that lead nowhere."""
    pages = {path: rendered(path.read_text("utf-8")) for path in sorted(root.rglob("*.md"))}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if "://" in link:
                continue
            target, _, anchor = link.partition("#")
            file = (path.parent / unquote(target)).resolve() if target else path.resolve()
            known = pages.get(file)
            if not file.is_file() or (anchor and known and unquote(anchor) not in known.anchors):
                broken.append(f"{path.relative_to(root)}: {link}")
    return broken


def _anchors(headings: list[str]) -> set[str]:
    found: set[str] = set()
    for heading in headings:
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number, name = 0, slug
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


class _Reader(HTMLParser):
    _EMPTY = ("br", "hr", "img")

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._EMPTY:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._EMPTY:
            return
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.problems.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if {"h1", "h2", "h3"} & set(self.open):
            self.headings[-1] += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data
