"""The catalogue of a collection: its recipes by category, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cm_script.documenting.markdown import Anchors, code, escape, link, prose, table
from cm_script.documenting.wording import counted
from cmcore.hints import NamedTuple

#: Where recipes without category stand.
UNSORTED = "Unsorted"
#: Headings before the categories, which take their anchors first.
_CONTENTS = "Categories"
_TAGS = 8


class Entry(NamedTuple):
    """One recipe in the catalogue; `sort` is its `category_sort`, `href` its page."""

    alias: str
    name: str
    category: str
    sort: float
    tags: tuple[str, ...]
    href: str


def page(title: str, entries: Sequence[Entry]) -> list[str]:
    """The page, line by line, without the mark that it is generated."""
    categories = by_category(entries)
    slugs = anchors(title, categories)
    text = [
        f"# {escape(title)}",
        "",
        f"{counted(len(entries), 'recipe')} in"
        f" {counted(len(categories), 'category', 'categories')}."
        " `cm help script NAME` explains one on a terminal, `cm run script NAME` runs it.",
        "",
        f"## {_CONTENTS}",
        "",
    ]
    for name, rows in categories.items():
        text.append(f"- {link(escape(name), '#' + slugs[name])} ({len(rows)})")
    for name, rows in categories.items():
        cells = [(link(escape(e.alias), e.href), prose(e.name), _tags(e.tags)) for e in rows]
        text += ["", f"## {escape(name)}", "", *table(("recipe", "about", "tags"), cells)]
    return text


def by_category(entries: Sequence[Entry]) -> Mapping[str, list[Entry]]:
    """Recipes by category.

    A category whose recipes give a larger `category_sort` comes first, others in alphabetical
    order, recipes without category last; within one recipes stand in alphabetical order.
    """
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda e: (e.alias.lower(), e.alias, e.href)):
        found.setdefault(entry.category or UNSORTED, []).append(entry)

    def place(name: str) -> tuple[bool, float, str, str]:
        return (name == UNSORTED, -max(e.sort for e in found[name]), name.lower(), name)

    return {name: found[name] for name in sorted(found, key=place)}


def anchors(title: str, categories: Mapping[str, object]) -> dict[str, str]:
    """The anchor of each category's heading."""
    slugs = Anchors()
    slugs.of(title)
    slugs.of(_CONTENTS)
    return {name: slugs.of(name) for name in categories}


def _tags(tags: Sequence[str]) -> str:
    shown = " ".join(map(code, tags[:_TAGS]))
    return shown + (f" and {len(tags) - _TAGS} more" if len(tags) > _TAGS else "")
