"""Reading a detail log strictly: a check must see what a tolerant reader would step over."""

from __future__ import annotations

from cmcore.hints import Any, NamedTuple

_MARKER = ":::MLLOG"


class Detail(NamedTuple):
    """A detail log of LoadGen.

    Attributes:
        values: key to its first value.
        repeated: keys of results and settings that occur more than once with different values.
        errors: messages that LoadGen marked as errors.
        broken: numbers of lines that are no log lines, at most ten.
        backwards: number of the first line whose clock is before that of the line above, or 0.
        lines: how many log lines there are.
    """

    values: dict[str, Any]
    repeated: tuple[str, ...]
    errors: tuple[str, ...]
    broken: tuple[int, ...]
    backwards: int
    lines: int

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self.values.get(key, default)

    def number(self, key: str) -> float | None:
        """The value of a key when it is a number."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return value


#: Written again for every part of an accuracy run.
_MAY_REPEAT = (
    "generic_message",
    "warning_generic_message",
    "error_runtime",
    "loaded_qsl_set",
    "generated_",
    "logger_",
    "power_",
)


def parse(text: str) -> Detail:
    """Read the text of a detail log; nothing is raised, everything odd is told."""
    import json

    values: dict[str, Any] = {}
    repeated: dict[str, None] = {}
    errors: list[str] = []
    broken: list[int] = []
    backwards = lines = 0
    clock = float("-inf")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            if not line.startswith(_MARKER):
                raise ValueError
            entry = json.loads(line[len(_MARKER) :])
            key, value = entry["key"], entry["value"]
            flags = entry.get("metadata") or {}
            at = entry.get("time_ms")
            if not isinstance(key, str) or not isinstance(flags, dict):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            if len(broken) < 10:
                broken.append(number)
            continue
        lines += 1
        if key not in values:
            values[key] = value
        elif values[key] != value and not key.startswith(_MAY_REPEAT):
            repeated[key] = None
        if flags.get("is_error"):
            errors.append(f"{key}: {value}")
        if isinstance(at, (int, float)) and not isinstance(at, bool):
            if at < clock and not backwards:
                backwards = number
            clock = at
    return Detail(values, tuple(repeated), tuple(errors), tuple(broken), backwards, lines)


def read(path: str) -> Detail | None:
    """The log in a file, None when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return parse(file.read())
    except OSError:
        return None


def seconds_between(detail: Detail) -> float | None:
    """Seconds from the begin to the end of the measured part by the machine's clock."""
    begin, end = moment(detail.get("power_begin")), moment(detail.get("power_end"))
    return None if begin is None or end is None else end - begin


def moment(text: object) -> float | None:
    """`11-22-2026 09:25:30.008` as seconds since 1970 (as if it were UTC), None if it is none."""
    import datetime

    if not isinstance(text, str):
        return None
    for form in ("%m-%d-%Y %H:%M:%S.%f", "%m-%d-%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            found = datetime.datetime.strptime(text, form)
        except ValueError:
            continue
        return found.replace(tzinfo=datetime.timezone.utc).timestamp()
    return None
