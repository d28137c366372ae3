"""Which results there are in some folders, and which of them are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cm_mlperf.results import recordfile
from cm_mlperf.results.record import FILE, MODES, SCENARIOS, Record
from cmcore.errors import NotFoundError, StorageError, UsageError
from cmcore.hints import Any, NamedTuple

#: Flags that keep records by one of their texts; wildcards are allowed.
TEXT_FILTERS = (
    "model",
    "scenario",
    "system",
    "execution_mode",
    "submitter",
    "round",
    "division",
    "category",
    "device",
    "precision",
)
_VERDICTS = {"yes": True, "no": False, "accepted": None}


class Item(NamedTuple):
    """A record, and the folder that its paths are relative to ("" for an imported one)."""

    record: Record
    folder: str = ""


class Wish(NamedTuple):
    """What to keep.

    Attributes:
        texts: patterns by field, in lower case.
        verdicts: values of `valid` to keep; empty keeps all.
    """

    texts: Mapping[str, tuple[str, ...]] = {}
    verdicts: tuple[bool | None, ...] = ()


def gather(paths: Sequence[str]) -> tuple[list[Item], list[str]]:
    """Every record in files and folders, in the order of their paths, and what could not be read.

    Raises:
        NotFoundError: a path does not exist.
    """
    items, warnings = list[Item](), list[str]()
    seen = set()
    for path in paths:
        if not os.path.exists(path):
            raise NotFoundError(f"no file or folder {path!r}")
        for file in [path] if os.path.isfile(path) else _files(path, warnings):
            place = os.path.realpath(file)
            if place in seen:
                continue
            seen.add(place)
            try:
                items.append(Item(recordfile.read(file), os.path.dirname(os.path.abspath(file))))
            except StorageError as error:
                warnings.append(f"left out: {error}")
    return items, warnings


def _files(folder: str, warnings: list[str]) -> Iterator[str]:
    def tell(error: OSError) -> None:
        warnings.append(f"left out: cannot look into {error.filename}: {error.strerror}")

    for here, folders, files in os.walk(folder, onerror=tell):
        # What is being written has a name that ends in .tmp until it is whole.
        folders[:] = sorted(n for n in folders if n[0] != "." and not n.endswith(".tmp"))
        if FILE in files:
            yield os.path.join(here, FILE)


def wish_of(flags: Mapping[str, Any]) -> Wish:
    """What the flags of a request ask for.

    Raises:
        UsageError: a word that no record can have.
    """
    texts = {}
    for key in TEXT_FILTERS:
        words = _words(flags.get(key), key)
        known = {"scenario": SCENARIOS, "execution_mode": MODES}.get(key)
        for word in words:
            if known and not _pattern(word) and word not in [name.lower() for name in known]:
                raise UsageError(f"--{key}={word}: no such word", hint=f"one of {', '.join(known)}")
        if words:
            texts[key] = words
    return Wish(texts, _verdicts(flags.get("valid")))


def _verdicts(value: Any) -> tuple[bool | None, ...]:
    if value is None:
        return ()
    if isinstance(value, bool):
        return (value,)
    words = _words(value, "valid")
    wrong = [word for word in words if word not in _VERDICTS]
    if wrong:
        raise UsageError(f"--valid={wrong[0]}: no such word", hint="one of yes, no, accepted")
    return tuple(_VERDICTS[word] for word in words)


def _words(value: Any, key: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if any(not isinstance(item, str) or not item.strip() for item in values):
        raise UsageError(f"--{key} needs a value")
    parts = [part.strip().lower() for item in values for part in item.split(",")]
    return tuple(part for part in parts if part)


def _pattern(word: str) -> bool:
    return any(char in word for char in "*?[")


def fits(record: Record, wish: Wish) -> bool:
    """Whether a record is asked for."""
    if wish.verdicts and record.valid not in wish.verdicts:
        return False
    return all(_fits(names_of(record, key), words) for key, words in wish.texts.items())


def _fits(names: Iterable[str], words: Sequence[str]) -> bool:
    from fnmatch import fnmatchcase

    lower = [name.lower() for name in names]
    return any(fnmatchcase(name, word) for name in lower for word in words)


def names_of(record: Record, key: str) -> tuple[str, ...]:
    """The words a filter compares: a model may have a name of its own beside MLPerf's, a system
    one for people, and a result two categories."""
    value = str(getattr(record, key))
    if key == "category":
        return tuple(part.strip() for part in value.split(","))
    published = record.extra.get("published")
    more = published.get("Model") if key == "model" and isinstance(published, dict) else None
    if key == "system":
        more = record.hw_name
    return (value, more) if isinstance(more, str) and more else (value,)


def order(item: Item) -> tuple[str, ...]:
    """The key that results are sorted by for people."""
    record = item.record
    return (record.model, record.scenario, record.system, record.execution_mode, record.time)
