"""Reading and writing `cm-result.json`.

Reading is tolerant: keys that are missing have defaults, keys that are unknown are kept and written
back. A value of the wrong type is an error that names file and key: a result that is half
understood would be shown as if it were whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from cm_mlperf.results.record import SCHEMA, Accuracy, Performance, Reason, Record, Source, to_dict
from cmcore.errors import StorageError
from cmcore.hints import Any
from cmcore.storage import read_bytes, write_atomic


def read(path: str) -> Record:
    """The record in a file.

    Raises:
        StorageError: the file cannot be read, is not JSON, has another schema, or holds a value
            of the wrong type.
    """
    return from_dict(parse(read_bytes(path), path), path)


def write(path: str, record: Record) -> None:
    """Replace the file as a whole; a reader sees the old record or the new one.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        text = json.dumps(to_dict(record), indent=2, ensure_ascii=False, allow_nan=False)
        content = (text + "\n").encode("utf-8")
    except ValueError as error:  # NaN, infinity, half of a surrogate pair
        raise StorageError(f"a result that JSON cannot hold: {error}", where=path) from error
    write_atomic(path, content)


def parse(content: bytes, path: str) -> Any:
    """The JSON document of a result file; numbers that are not finite are refused."""
    from cmcore.storage import parse_json

    def refuse(word: str) -> None:
        raise StorageError(f"{word} is not a number of JSON", where=path)

    return parse_json(content, path, parse_constant=refuse)


def from_dict(data: Any, path: str = "") -> Record:
    """The record that a JSON document holds.

    Args:
        data: the document.
        path: where it comes from, for messages.

    Raises:
        StorageError: it is no record of a schema that is known here; `where` names file and key.
    """
    if not isinstance(data, dict) or "schema" not in data:
        raise StorageError("not a result: no key 'schema'", where=path)
    schema = data["schema"]
    if schema != SCHEMA:
        name, _, number = str(schema).rpartition("/")
        newer = name == SCHEMA.rpartition("/")[0] and number.isdigit()
        hint = "made by a newer version: update cm-plugin-mlperf" if newer else ""
        raise StorageError(
            f"a result of schema {str(schema)[:60]!r}, not {SCHEMA!r}", where=path, hint=hint
        )
    reader = _Reader(data, path)
    reader.seen.add("schema")
    performance, accuracy, source = (
        reader.part(key) for key in ("performance", "accuracy", "source")
    )
    texts = {key: reader.text(key) for key in _TEXTS}
    return Record(
        **texts,
        settings=reader.mapping("settings") or {},
        performance=_performance(performance) if performance else None,
        accuracy=_accuracy(accuracy) if accuracy else None,
        power=reader.mapping("power"),
        compliance=reader.mapping("compliance") or {},
        valid=reader.flag("valid", missing=False),
        why_not=tuple(reader.texts("why_not")),
        source=Source(source.text("kind") or "run", source.text("path")) if source else Source(),
        extra=reader.rest(),
    )


def _performance(reader: _Reader) -> Performance:
    reasons = []
    for number, item in enumerate(reader.items("reasons")):
        if isinstance(item, str):  # a sentence alone is a reason as well
            reasons.append(Reason("", _whole(item)))
            continue
        inner = reader.inner(item, f"reasons[{number}]")
        reasons.append(Reason(inner.text("rule"), inner.text("text"), inner.text("remedy")))
    return Performance(
        valid=reader.flag("valid"),
        errors=reader.count("errors"),
        metric=reader.text("metric"),
        value=reader.number("value"),
        unit=reader.text("unit"),
        percentile=reader.number("percentile"),
        latency_ns=reader.numbers("latency_ns"),
        samples=reader.count("samples"),
        duration_s=reader.number("duration_s"),
        reasons=tuple(reasons),
        run=reader.text("run"),
        extra=reader.rest(),
    )


def _accuracy(reader: _Reader) -> Accuracy:
    return Accuracy(
        metric=reader.text("metric"),
        value=reader.number("value"),
        unit=reader.text("unit"),
        target=reader.number("target"),
        met=reader.flag("met"),
        samples=reader.count("samples"),
        good=reader.count("good"),
        run=reader.text("run"),
        extra=reader.rest(),
    )


_TEXTS = tuple(name for name, default in Record._field_defaults.items() if default == "")


class _Reader:
    """The values of one dictionary, checked for their types; remembers what was asked for."""

    def __init__(self, data: Mapping[str, Any], path: str, above: str = "") -> None:
        self.data, self.path, self.above = data, path, above
        self.seen: set[str] = set()

    def text(self, key: str) -> str:
        value = self._get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return _whole(value)

    def number(self, key: str) -> float | None:
        value = self._get(key)
        if value is None or _is_number(value):
            found: float | None = value
            return found
        raise self._wrong(key, "a number")

    def count(self, key: str) -> int | None:
        value = self._get(key)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise self._wrong(key, "a whole number")

    def flag(self, key: str, missing: bool | None = None) -> bool | None:
        if key not in self.data:
            return missing
        value = self._get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(key, "true or false")

    def mapping(self, key: str) -> Mapping[str, Any] | None:
        value = self._get(key)
        if value is None or isinstance(value, dict):
            return value
        raise self._wrong(key, "an object")

    def numbers(self, key: str) -> dict[str, float]:
        found = {}
        for name, value in (self.mapping(key) or {}).items():
            if value is not None:
                if not _is_number(value):
                    raise self._wrong(f"{key}.{name}", "a number")
                found[name] = value
        return found

    def items(self, key: str) -> list[Any]:
        value = self._get(key)
        if value is None or isinstance(value, list):
            return value or []
        raise self._wrong(key, "a list")

    def texts(self, key: str) -> list[str]:
        items = self.items(key)
        if not all(isinstance(item, str) for item in items):
            raise self._wrong(key, "a list of texts")
        return [_whole(item) for item in items]

    def part(self, key: str) -> _Reader | None:
        value = self.mapping(key)
        return None if value is None else _Reader(value, self.path, f"{self.above}{key}.")

    def inner(self, value: Any, key: str) -> _Reader:
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return _Reader(value, self.path, f"{self.above}{key}.")

    def rest(self) -> dict[str, Any]:
        return {key: value for key, value in self.data.items() if key not in self.seen}

    def _get(self, key: str) -> Any:
        self.seen.add(key)
        return self.data.get(key)

    def _wrong(self, key: str, wanted: str) -> StorageError:
        return StorageError(f"'{self.above}{key}' of a result must be {wanted}", where=self.path)


def _whole(text: str) -> str:
    """`text` without halves of surrogate pairs, which JSON can spell and no file can hold."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _is_number(value: object) -> bool:
    """Finite, and no whole number so large that arithmetic with it overflows."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
