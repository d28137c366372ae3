"""`summary.csv` as the official submission checker writes it, row by row.

The checker puts each value between quotation marks and does not double those inside it, and older
ones put no quotation marks at all. So a line that CSV reads into the wrong number of columns is
read a second time, taking `","` for the border between two values.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from cm_mlperf.results.importing.harvest import Harvest
from cm_mlperf.results.importing.rows import record_of
from cmcore.errors import StorageError
from cmcore.hints import Any
from cmcore.storage import read_bytes

#: Columns without which a file is no table of results.
_NEEDED = ("Organization", "Division", "Model", "Scenario", "Result", "Units", "version")

#: A value with more line breaks than this is taken for a damaged row.
_MOST_LINES = 20


def read(path: str, harvest: Harvest) -> None:
    """Add the results of a table to `harvest`.

    Raises:
        StorageError: the file cannot be read, or has other columns.
    """
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")  # what spreadsheets save on Windows
    lines = list(io.StringIO(text.replace("\x00", ""), newline="\n"))
    columns = [name.strip() for name in next(csv.reader(lines[:1]), [])]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise StorageError(
            f"no table of results: no column {missing[0]!r}",
            where=path,
            hint="expected is the summary.csv of the official submission checker",
        )
    harvest.files += 1
    for line, row in _rows(lines, columns):
        harvest.rows += 1
        try:
            if not isinstance(row, dict):
                raise ValueError(row)
            harvest.add(record_of(row, "summary", path))
        except ValueError as error:
            harvest.reject(path, line, str(error))


def _rows(lines: list[str], columns: list[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Number of the first line, and the values by column or what is wrong."""
    at = 1
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        cells, used = _cells(lines, at, len(columns))
        if cells is None:
            yield at + 1, f"not {len(columns)} values"
        else:
            yield at + 1, dict(zip(columns, cells, strict=True))
        at += used


def _cells(lines: list[str], at: int, width: int) -> tuple[list[str] | None, int]:
    """The values of the row that begins at a line, and how many lines it takes."""
    for used in range(1, min(_MOST_LINES, len(lines) - at) + 1):
        text = "".join(lines[at : at + used])
        quoted = _all_quoted(text.strip("\r\n"), width)
        if quoted is not None:
            return quoted, used
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:
            continue  # a value with a line break is unfinished so far
        if len(rows) == 1 and len(rows[0]) == width:
            return rows[0], used
        break
    return None, 1


def _all_quoted(text: str, width: int) -> list[str] | None:
    """The values of a row in which each stands between quotation marks."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return None
    cells = text[1:-1].split('","')
    if len(cells) != width:
        return None
    if any('"' in cell.replace('""', "") for cell in cells):
        return cells  # marks inside that nobody doubled
    return [cell.replace('""', '"') for cell in cells]
