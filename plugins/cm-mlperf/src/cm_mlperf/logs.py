"""Reader of LoadGen's logs: mlperf_log_detail.txt and mlperf_log_accuracy.json.

A log of a process that died ends anywhere. What is whole is read, and `cut` says that it was not
all; nothing here raises because of content.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

DETAIL = "mlperf_log_detail.txt"
SUMMARY = "mlperf_log_summary.txt"
ACCURACY = "mlperf_log_accuracy.json"
#: What every entry of the detail log starts with.
MARK = b":::MLLOG "
_PEAK = "Found peak performance field: "


class Detail(NamedTuple):
    """A detail log.

    Attributes:
        values: key -> value; the last one where a key comes several times.
        counts: key -> how often it comes.
        errors: texts of entries that LoadGen marks as errors.
        messages: texts of `generic_message`.
        cut: True when an entry is incomplete or the last line has no end.
    """

    values: dict[str, Any]
    counts: dict[str, int]
    errors: list[str]
    warnings: list[str]
    messages: list[str]
    cut: bool

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self.values.get(key, default)

    def number(self, key: str, default: float = 0.0) -> float:
        """The value of a key as a number, `default` when there is none."""
        value = self.values.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        return default

    def peak(self) -> float | None:
        """The queries per second that FindPeakPerformance found."""
        for text in reversed(self.messages):
            start = text.find(_PEAK)
            if start >= 0:
                try:
                    return float(text[start + len(_PEAK) :])
                except ValueError:
                    return None
        return None


class AccuracyLog(NamedTuple):
    """An accuracy log: for each answer the number of its sample and the bytes of the model."""

    qsl_idx: np.ndarray[Any, Any]
    data: list[bytes]
    cut: bool

    def first(self) -> list[int]:
        """Positions of the first answer to each sample: MultiStream may ask for one twice."""
        import numpy as np

        _, positions = np.unique(self.qsl_idx, return_index=True)
        positions.sort()
        return [int(at) for at in positions]


def read_detail(path: str) -> Detail:
    """Read a detail log.

    Raises:
        StorageError: the file cannot be read.
    """
    from cmcore import storage

    return parse_detail(storage.read_bytes(path))


def parse_detail(content: bytes) -> Detail:
    """The entries of a detail log."""
    values: dict[str, Any] = {}
    counts: dict[str, int] = {}
    detail = Detail(values, counts, [], [], [], bool(content) and not content.endswith(b"\n"))
    cut = detail.cut
    for line in content.split(b"\n"):
        if not line.startswith(MARK):
            cut = cut or bool(line.strip())
            continue
        entry = _entry(line[len(MARK) :])
        if entry is None:
            cut = True
            continue
        key, value, metadata = entry
        values[key] = value
        counts[key] = counts.get(key, 0) + 1
        if key == "generic_message":
            detail.messages.append(str(value))
        if metadata.get("is_error"):
            detail.errors.append(str(value))
        elif metadata.get("is_warning"):
            detail.warnings.append(str(value))
    return detail._replace(cut=cut)


def read_accuracy(path: str) -> AccuracyLog:
    """Read an accuracy log.

    Raises:
        StorageError: the file cannot be read.
    """
    from cmcore import storage

    return parse_accuracy(storage.read_bytes(path))


def parse_accuracy(content: bytes) -> AccuracyLog:
    """The answers of an accuracy log; an empty list of answers is whole, not cut."""
    import re

    import numpy as np

    text = content.strip()
    # A pattern is several times as fast as JSON here, and does not care where the file ends.
    found = re.findall(
        rb'"qsl_idx"\s*:\s*(\d{1,18})\s*,\s*"data"\s*:\s*"((?:[0-9A-Fa-f]{2})*)"[^{}]*\}', text
    )
    numbers = np.array([int(number) for number, _ in found], dtype=np.int64)
    data = [bytes.fromhex(answer.decode()) for _, answer in found]
    return AccuracyLog(numbers, data, not text.endswith(b"]") or text.count(b"{") != len(found))


def _entry(text: bytes) -> tuple[str, Any, dict[str, Any]] | None:
    """Key, value and metadata of one entry, None when it is not whole."""
    import json

    try:
        entry = json.loads(text)
    except ValueError:
        entry = _with_odd_number(text)
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        return None
    metadata = entry.get("metadata")
    return entry["key"], entry.get("value"), metadata if isinstance(metadata, dict) else {}


def _with_odd_number(text: bytes) -> Any:
    """An entry whose value C++ printed as inf or nan, which JSON has no word for."""
    import json
    import re

    plain = re.sub(rb'"value": (-?)(inf|nan)\b', _as_json, text, count=1)
    try:
        return json.loads(plain) if plain != text else None
    except ValueError:
        return None


def _as_json(match: Any) -> bytes:
    sign, word = match.group(1), match.group(2)
    return b'"value": ' + (sign + b"Infinity" if word == b"inf" else b"NaN")
