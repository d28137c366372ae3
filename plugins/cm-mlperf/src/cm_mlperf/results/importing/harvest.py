"""What an import has found so far: records, each once, and rows that were none."""

from __future__ import annotations

import hashlib

from cm_mlperf.results.record import Record
from cmcore.hints import NamedTuple


class Bad(NamedTuple):
    """A row or file that is no result: which file, which line (0: as a whole), and why not."""

    path: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.problem}"


class Harvest:
    """Collects records by identity, so that a result that several files tell is one.

    Attributes:
        records: by `id`.
        bad: what could not be understood.
        files, rows: how many were read.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.bad: list[Bad] = []
        self.files = 0
        self.rows = 0
        self._told: set[tuple[str, ...]] = set()

    def add(self, record: Record) -> None:
        """Take a record in. Of two that say the same, the later one holds.

        Tables have one row for the performance and one for the power of a result.
        """
        known = self.records.get(record.id)
        if known is not None:
            main = record if record.performance is not None else known
            record = main._replace(
                performance=record.performance or known.performance,
                accuracy=record.accuracy or known.accuracy,
                power=record.power or known.power,
            )
        self.records[record.id] = record

    def is_new(self, told: tuple[str, ...]) -> bool:
        """Whether a row with these values was not met before; it is remembered as met."""
        if told[0] in ("", "None"):  # without an identifier nothing says that two are the same
            return True
        before = len(self._told)
        self._told.add(told)
        return len(self._told) > before

    def reject(self, path: str, line: int, problem: str) -> None:
        """Remember something that is no result."""
        self.bad.append(Bad(path, line, problem))


def identity(*parts: str) -> str:
    """16 hexadecimal characters that stand for one published result.

    The same for the table, the repository and the submission tree that tell it, because it is
    made of the place in the submission: round, division, submitter, system, model, scenario.
    """
    text = "\n".join(part.strip().lower() for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
