"""Versions: what was requested, what the default becomes under limits, how two compare.

Versions are texts; a number from a careless meta file is read as its text. Comparison never
fails: digits of each dot separated part count as numbers, a missing part as zero, and whatever
follows the digits counts in the dialect that looks at it (`3.9rc1` comes before `3.9`).
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect

#: Keys of a version request, in flags, dependency entries and meta.
KEYS = ("version", "version_min", "version_max", "version_max_usable")

_BEFORE_RELEASE = ("a", "b", "c", "alpha", "beta", "rc", "dev", "pre")


def text(value: object) -> str:
    """A version as text; "" for nothing and for a flag without a value."""
    return "" if value is None or isinstance(value, bool) else str(value).strip()


def requested(
    inputs: Mapping[str, Any], env: Mapping[str, Any], meta: Mapping[str, Any], dialect: Dialect
) -> dict[str, str]:
    """What is requested: each of `KEYS` from the flags, else the environment, else the meta."""
    found = {}
    for name in KEYS:
        key = dialect.prefix + name.upper()
        value = text(inputs.get(name)) or text(env.get(key)) or text(meta.get(name))
        if value:
            found[name] = value
    return found


def compare(first: object, second: object, dialect: Dialect) -> int:
    """-1, 0 or 1 as the first version is older than, equal to or newer than the second."""
    a, b = _parts(first, dialect), _parts(second, dialect)
    length = max(len(a), len(b))
    nothing = (0, 0, "", 0)
    a += [nothing] * (length - len(a))
    b += [nothing] * (length - len(b))
    return (a > b) - (a < b)


def _parts(version: object, dialect: Dialect) -> list[tuple[int, int, str, int]]:
    return [_part(part, dialect) for part in text(version).split(".")]


def _part(part: str, dialect: Dialect) -> tuple[int, int, str, int]:
    digits = _leading_digits(part)
    rest = part[len(digits) :].lower() if dialect.version_suffix_counts else ""
    word = rest.lstrip("-_+").rstrip("0123456789")
    number = rest[len(rest.rstrip("0123456789")) :]
    rank = 0 if not rest else -1 if word in _BEFORE_RELEASE else 1
    return int(digits or 0), rank, word, int(number or 0)


def _leading_digits(part: str) -> str:
    length = 0
    while length < len(part) and part[length] in "0123456789":
        length += 1
    return part[:length]


def fits(detected: str, request: Mapping[str, str], dialect: Dialect) -> bool:
    """Whether a detected version satisfies a request (exact version and limits)."""
    exact = request.get("version", "")
    if exact and not _is_exactly(detected, exact, dialect):
        return False
    if not detected:
        return True
    low, high = request.get("version_min", ""), request.get("version_max", "")
    return not (
        (low and compare(detected, low, dialect) < 0)
        or (high and compare(detected, high, dialect) > 0)
    )


def _is_exactly(detected: str, exact: str, dialect: Dialect) -> bool:
    if not dialect.version_prefix_fits:
        return detected == exact
    if not detected:
        return True
    depth = exact.count(".") + 1
    return compare(".".join(detected.split(".")[:depth]), exact, dialect) == 0


def clamped(default: str, request: Mapping[str, str], dialect: Dialect) -> str:
    """The default version, moved inside the requested limits."""
    low, high = request.get("version_min", ""), request.get("version_max", "")
    if low and compare(default, low, dialect) < 0:
        default = low
    if high and compare(default, high, dialect) > 0:
        default = request.get("version_max_usable", "") or high
    return default


def pip_requirement(env: Mapping[str, Any], dialect: Dialect) -> str:
    """The version request in pip's notation, for example `>=1.2,<=2.0`."""
    exact = text(env.get(dialect.key("VERSION")))
    if exact:
        return "==" + exact
    low, high = text(env.get(dialect.key("VERSION_MIN"))), text(env.get(dialect.key("VERSION_MAX")))
    limits = [">=" + low] if low else []
    return ",".join([*limits, "<=" + high] if high else limits)


def cache_tags(version: str, dialect: Dialect) -> list[str]:
    """The tags a version is filed under."""
    if not version:
        return []
    base, found, _ = version.partition("-git-")
    extra = ["version-" + base] if found and base and dialect.version_tag_base else []
    return ["version-" + version, *extra]
