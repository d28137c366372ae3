"""A result on stdout: tables and text for people, plain columns for pipes, JSON for programs."""

from __future__ import annotations

import os

from cmcore.console import clean
from cmcore.hints import TYPE_CHECKING, Any, Mapping, Sequence
from cmcore.types import Artifact, Result, Table

if TYPE_CHECKING:
    from cmcore.console import Console
    from cmcore.errors import CmError

_GAP = "  "
#: Columns of a table that does not fit the terminal are not made narrower than this.
_NARROWEST = 16
#: The same, while the column that people copy is still in the row.
_COMFORTABLE = 24


def show(result: Result, console: Console, save_to: str = "") -> None:
    """Print a result, with its warnings, the way the caller asked for.

    Args:
        result: what the action answered.
        console: says whether a person, a pipe or a program reads.
        save_to: file that gets the JSON document as well; `""` for none.

    Raises:
        StorageError: `save_to` cannot be written.
    """
    for warning in result.warnings:
        console.warn(warning)
    document = {"return": 0, **result.data}
    document["return"] = result.code
    if result.warnings:
        document.setdefault("warnings", list(result.warnings))
    if save_to:
        _save(save_to, document)
    if console.json:
        _print_json(document)
    else:
        for line in lines(result, console):
            console.out(line)


def show_error(error: CmError, console: Console, save_to: str = "") -> None:
    """One line on stderr; with `--out=json` also a document with `return` and `error`."""
    if save_to:
        _save(save_to, error.to_dict())
    if console.json:
        _print_json(error.to_dict())
    console.error(str(error))


def lines(result: Result, console: Console) -> list[str]:
    """What a person or a pipe gets, line by line."""
    view = result.view
    if view is None:
        return []
    parts = [view] if isinstance(view, (str, Table)) else list(view)
    found: list[str] = []
    for part in parts:
        if isinstance(part, str):
            found += part.rstrip("\n").split("\n")
        else:
            width = console.width()
            found += _plain(part) if width is None else _table(part, width, console)
    return found


def json_safe(value: Any) -> Any:
    """`value` with everything that JSON lacks turned into what comes closest."""
    return _json_safe(value, ())


def to_json(value: Any, *, ascii_only: bool = False) -> str:
    """The JSON document for `value`, indented."""
    import json

    return json.dumps(json_safe(value), indent=2, ensure_ascii=ascii_only)


def _json_safe(value: Any, parents: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None  # JSON has neither NaN nor infinity
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if id(value) in parents:
        return "(contains itself)"
    parents = (*parents, id(value))
    if isinstance(value, Artifact):
        fields = value._asdict()
        fields["meta"] = value.meta
        del fields["meta_json"]
        return _json_safe(fields, parents)
    if isinstance(value, Mapping):
        return {str(key): _json_safe(inner, parents) for key, inner in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _json_safe(value._asdict(), parents)
    if isinstance(value, (set, frozenset)):
        return [_json_safe(inner, parents) for inner in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [_json_safe(inner, parents) for inner in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _print_json(document: Mapping[str, Any]) -> None:
    import sys

    text = to_json(document)
    try:
        text.encode("utf-8" if sys.stdout is None else sys.stdout.encoding)
    except UnicodeEncodeError:
        text = to_json(document, ascii_only=True)
    sys.stdout.write(text + "\n")


def _save(path: str, document: Mapping[str, Any]) -> None:
    from cmcore.storage import write_atomic

    write_atomic(path, to_json(document, ascii_only=True) + "\n")


def _plain(table: Table) -> list[str]:
    if table.plain is not None:
        return [_flat(row[table.plain]) for row in table.rows]
    return ["\t".join(_flat(cell) for cell in row) for row in table.rows]


def _table(table: Table, room: int, console: Console) -> list[str]:
    if not table.rows:
        return []
    columns = range(len(table.columns))
    cells = [[_flat(cell) for cell in row] for row in table.rows]
    wanted = [max(_width(row[c]) for row in [list(table.columns), *cells]) for c in columns]
    below: int | None = None
    widths = _fit(wanted, room, _NARROWEST)
    if len(columns) == 1:
        widths = wanted
    elif widths != wanted and table.plain is not None:
        # What people copy from a table is never cut: if the others cannot give way with dignity,
        # it gets a line of its own.
        special = table.plain
        beside = [c for c in columns if c != special]
        left = room - wanted[special] - len(_GAP)
        fitted = _fit([wanted[c] for c in beside], left, _COMFORTABLE)
        if _total(fitted) > left:
            fitted = _fit([wanted[c] for c in beside], room, _NARROWEST)
            below = special
        widths = list(wanted)
        for column, width in zip(beside, fitted, strict=True):
            widths[column] = width
    shown = [c for c in columns if c != below]
    found = [console.bold(_row(list(table.columns), shown, widths))] if len(columns) > 1 else []
    for row in cells:
        found.append(_row(row, shown, widths))
        if below is not None:
            found.append(f"{_GAP}{row[below]}")
    return found


def _row(row: Sequence[str], shown: Sequence[int], widths: Sequence[int]) -> str:
    return _GAP.join(_cell(row[c], widths[c]) for c in shown).rstrip()


def _fit(wanted: Sequence[int], room: int, narrowest: int) -> list[int]:
    """Widths that fit `room` columns if `narrowest` allows it, taken from the widest first."""
    widths = list(wanted)
    excess = _total(widths) - room
    while excess > 0 and max(widths) > narrowest:
        widths[widths.index(max(widths))] -= 1
        excess -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _cell(text: str, width: int) -> str:
    have = _width(text)
    if have > width:
        while text and _width(text) > width - 1:
            text = text[:-1]
        text += "…"
        have = _width(text)
    return text + " " * (width - have)


def _flat(text: str) -> str:
    return " ".join(clean(text).replace("\t", " ").split("\n"))


def _width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
