"""`cm-result.json` of published results repositories: a list of rows for each experiment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping

from cm_mlperf.results.importing.harvest import Harvest, identity
from cm_mlperf.results.importing.rows import accuracy_of, record_of
from cm_mlperf.results.record import FILE, Performance, Record, Source
from cmcore.errors import StorageError
from cmcore.hints import Any
from cmcore.storage import parse_json, read_bytes

#: Columns that only rows of MLPerf Training have, and those of MLPerf Tiny.
_TRAINING, _TINY = "Model_ID", "SoC Name"
#: Repositories tell most results twice, under the round and under all rounds. Rows that are equal
#: in these columns are the same one, and reading it once saves a third of the time.
_SAME = (
    "uid", "version", "Location", "Benchmark", "Units", "Result", "Result_Power", "Accuracy",
    "errors", "notes",
)  # fmt: skip


def read(path: str, harvest: Harvest) -> None:
    """Add the results of one file to `harvest`.

    Raises:
        StorageError: it cannot be read, or is no list of results.
    """
    content = read_bytes(path)
    rows = parse_json(content, path)
    if isinstance(rows, dict) and str(rows.get("schema", "")).startswith("cm-mlperf-result/"):
        from cm_mlperf.results import recordfile

        record = recordfile.from_dict(rows, path)
        harvest.files, harvest.rows = harvest.files + 1, harvest.rows + 1
        harvest.add(_own(record, path))
        return
    if not isinstance(rows, list):
        raise StorageError("no list of results", where=path)
    harvest.files += 1
    wrong: list[tuple[int, str]] = []
    for number, row in enumerate(rows):
        harvest.rows += 1
        try:
            if not isinstance(row, dict):
                raise ValueError("not a row of names and values")
            if harvest.is_new(tuple(str(row.get(name)) for name in _SAME)):
                harvest.add(_record(row, path))
        except ValueError as error:
            wrong.append((number, str(error)))
    if wrong:
        lines = _lines(content.decode("utf-8-sig"))
        for number, problem in wrong:
            harvest.reject(path, lines[number], problem)


def files(folder: str) -> Iterator[str]:
    """The `cm-result.json` files below a folder, in order of their paths."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        if FILE in names:
            yield os.path.join(here, FILE)


def _record(row: Mapping[str, Any], path: str) -> Record:
    if _TRAINING in row:
        return _other(row, path, "training", row.get("_System"), "minutes", "min")
    if _TINY in row:
        return _other(
            row, path, "tiny", row.get("__System"), "inferences_per_second", "inferences/s"
        )
    return record_of(row, "cm-result", path)


def _other(
    row: Mapping[str, Any], path: str, suite: str, system: Any, metric: str, unit: str
) -> Record:
    """A result of MLPerf Training or Tiny: no LoadGen scenario, and rounds counted apart."""
    version, model = str(row.get("version", "")), str(row.get("Benchmark") or "")
    if not re.fullmatch(r"v?\d+\.\d+", version) or not model:
        raise ValueError("no version or Benchmark")
    value = row.get("Result")
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise ValueError(f"Result {str(value)[:40]!r} is no number")
    division = str(row.get("division") or row.get("Division") or "").lower()
    submitter = str(row.get("submitter") or row.get("Organization") or "")
    round_ = f"{suite} v{version.removeprefix('v')}"
    uid = str(row.get("uid", ""))
    return Record(
        id=identity(round_, division, submitter, str(system), model, uid),
        round=round_,
        division=division,
        submitter=submitter,
        system=str(system or ""),
        hw_name=str(row.get("Board Name") or ""),
        backend=str(row.get("framework") or row.get("Inference Framework") or ""),
        device=str(row.get("accelerator_model_name") or row.get("Processor(s) Name") or "cpu"),
        model=model,
        execution_mode="valid",
        performance=Performance(metric=metric, value=value, unit=unit),
        accuracy=accuracy_of(row.get("Accuracy")),
        valid=None,
        source=Source("cm-result", path),
        extra={
            "published": {
                name: inner
                for name, inner in row.items()
                if name[:1] != "_" and inner not in ("", None) and name not in ("Result",)
            }
        },
    )


def _own(record: Record, path: str) -> Record:
    """A record of this form: filed under its own identity, or that of its file."""
    known = record.id or identity(os.path.realpath(path))
    return record._replace(id=known, source=record.source._replace(path=path))


def _lines(text: str) -> list[int]:
    """The line that each element of a JSON list begins at. Slow, and only for messages."""
    decoder, at, lines = json.JSONDecoder(), text.index("[") + 1, list[int]()
    space = re.compile(r"[\s,]*")
    while True:
        found = space.match(text, at)
        at = found.end() if found else at
        if text[at : at + 1] in ("]", ""):
            return lines
        lines.append(text.count("\n", 0, at) + 1)
        _, at = decoder.raw_decode(text, at)
