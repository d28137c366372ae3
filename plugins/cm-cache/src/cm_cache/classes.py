"""Classes of entries: what kind of outcome one holds, and so when it may be trusted."""

from __future__ import annotations

from cmcore.hints import Any, Iterable, Mapping

#: A tool or fact found on this machine: true while its files and the machine stay as they were.
DETECTED = "detected"
#: Something compiled or installed into the entry's folder.
BUILT = "built"
#: Files that are the same everywhere: downloads, data sets, models.
DATA = "data"
#: A benchmark result: never served silently.
MEASURED = "measured"

ALL = (DETECTED, BUILT, DATA, MEASURED)

# Tags that published recipes give to what they download and to what they measure.
_DATA_TAGS = frozenset(
    ("data", "dataset", "dataset-aux", "download", "dae", "download-and-extract", "ml-model")
)
_MEASURED_TAGS = frozenset(("benchmark", "run-mlperf", "run-mlperf-inference"))


def class_of(meta: Mapping[str, Any], tags: Iterable[str]) -> str:
    """The class that `meta` states, else what the tags suggest: `data`, `measured` or `built`."""
    stated = meta.get("class")
    if isinstance(stated, str) and stated in ALL:
        return stated
    words = set(tags)
    if words & _DATA_TAGS:
        return DATA
    return MEASURED if words & _MEASURED_TAGS else BUILT


def settled(stated: object, found: object, tags: Iterable[str]) -> str:
    """The class of an entry that is published.

    Args:
        stated: what its recipe says.
        found: what the run shows; a benchmark stays one, wherever it leaves its results.
    """
    by_recipe = class_of({"class": stated}, tags)
    if by_recipe in (stated, MEASURED):
        return by_recipe
    return class_of({"class": found}, tags)
