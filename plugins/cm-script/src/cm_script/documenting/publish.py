"""Pages into files: what people wrote stays, what is up to date is left alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from cm_script.documenting.formats import Format
from cmcore.hints import NamedTuple

#: States of a page: to be written for the first time, to be written anew, right as it is, and
#: written by a person.
NEW, CHANGED, SAME, FOREIGN = "new", "changed", "same", "foreign"


class Page(NamedTuple):
    """A page and its file; `recipe` is "" for a catalogue."""

    recipe: str
    file: str
    text: str
    state: str


def compared(recipe: str, file: str, text: str, style: Format, *, force: bool) -> Page:
    """A page with its state.

    Raises:
        StorageError: the file that is there cannot be read.
    """
    from cmcore.storage import read_bytes

    if not os.path.lexists(file):
        return Page(recipe, file, text, NEW)
    if not os.path.isfile(file):
        return Page(recipe, file, text, FOREIGN)
    content = read_bytes(file)
    if not style.generated(content) and not force:
        return Page(recipe, file, text, FOREIGN)
    # Git may have given the file the line ends of another system.
    same = content.replace(b"\r\n", b"\n") == text.encode("utf-8")
    return Page(recipe, file, text, SAME if same else CHANGED)


def write(pages: Iterable[Page]) -> None:
    """Write those that are new or changed, each as a whole or not at all.

    Raises:
        StorageError: a file or its folder cannot be written.
    """
    from cmcore.storage import make_dir, write_atomic

    for page in pages:
        if page.state in (NEW, CHANGED):
            make_dir(os.path.dirname(page.file))
            write_atomic(page.file, page.text, durable=False)


def leftovers(root: str, pages: Sequence[Page], style: Format) -> list[str]:
    """Generated pages below a folder that no recipe has any more."""
    kept = {os.path.realpath(page.file) for page in pages}
    found = []
    try:
        folders = sorted(entry.path for entry in os.scandir(root) if entry.is_dir())
    except OSError:
        return []
    for folder in folders:
        file = os.path.join(folder, style.file)
        if os.path.realpath(file) not in kept and _is_generated(file, style):
            found.append(file)
    return found


def _is_generated(file: str, style: Format) -> bool:
    try:
        with open(file, "rb") as content:
            return style.generated(content.read(200))
    except OSError:
        return False
