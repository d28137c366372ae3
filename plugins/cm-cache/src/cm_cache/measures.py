"""Sizes and times between people and programs."""

from __future__ import annotations

import time

from cmcore.errors import UsageError

_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

# As in the International System and IEC 80000-13.
_BYTES = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}


def duration(text: object) -> float:
    """Seconds in `30d`, `12h`, `90m`, `2w`; a bare number is days.

    Raises:
        UsageError: it is something else.
    """
    word = str(text).strip().lower()
    number, unit = (word[:-1], word[-1:]) if word[-1:] in _SECONDS else (word, "d")
    if not number.isdecimal() or not number.isascii() or len(number) > 6:
        raise UsageError(f"'{text}' is not a duration", hint="write 30d, 12h, 90m or 2w")
    return float(number) * _SECONDS[unit]


def parse_size(text: object) -> int:
    """Bytes in `20G`, `1.5GB`, `512MiB`, `100k`; a bare number is bytes.

    `kB`, `MB`, `GB`, `TB` are powers of 1000, `KiB`, `MiB`, `GiB`, `TiB` powers of 1024; the B and
    the case of letters do not matter.

    Raises:
        UsageError: it is something else.
    """
    word = str(text).strip().lower().replace(" ", "")
    number = word.rstrip("bkmgti")
    unit = word[len(number) :].removesuffix("b")
    whole, dot, part = number.partition(".")
    plain = (whole + part).isdecimal() and number.isascii() and len(number) <= 15
    if not plain or unit not in _BYTES or (dot and not (whole and part)):
        raise UsageError(f"'{text}' is not a size", hint="write 20G, 500M, 1.5GB or 512MiB")
    count: int = int(whole + part) * _BYTES[unit] // 10 ** len(part)
    return count


def size_text(number: float) -> str:
    """`number` bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return (
                f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
            )
        number /= 1000
    return f"{number:.1f} TB"


def moment(seconds: float) -> str:
    """Local date and time of `seconds` since the epoch; "" for 0."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def age(seconds: float, now: float) -> str:
    """How long ago `seconds` since the epoch was: `3 days`, `5 min`; never less than a minute."""
    passed = max(0.0, now - seconds)
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{passed // length:.0f} {unit}" if unit != "days" else _days(passed)
    return "1 min"


def _days(passed: float) -> str:
    days = int(passed // 86400)
    return "1 day" if days == 1 else f"{days} days"
