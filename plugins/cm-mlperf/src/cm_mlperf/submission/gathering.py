"""Result folders that a submission is made of: which there are, which may go in, why others not."""

from __future__ import annotations

import os

from cm_mlperf.submission import detail
from cm_mlperf.submission.layout import ACCURACY_LOG, ACCURACY_TEXT, DETAIL, SCENARIO_NAMES, SUMMARY
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, NamedTuple, Sequence

if TYPE_CHECKING:
    from cm_mlperf.results.record import Record


class Candidate(NamedTuple):
    """One result folder.

    Attributes:
        folder: absolute path of the folder that holds cm-result.json.
        record: what the file says.
        lacking: files without which there is nothing to submit.
        against: why it is no result, one sentence each; empty when it is one.
    """

    folder: str
    record: Record
    lacking: tuple[str, ...]
    against: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What a tree holds once: system, model, scenario."""
        return self.record.system, self.record.model, self.record.scenario

    @property
    def name(self) -> str:
        """For people: system, model, scenario, mode."""
        mode = self.record.execution_mode or "unknown mode"
        return f"{'/'.join(part or '?' for part in self.key)} ({mode})"


class Chosen(NamedTuple):
    """What goes into a tree, and what was left out with the reason."""

    candidates: tuple[Candidate, ...]
    left_out: tuple[tuple[Candidate, str], ...]


_NEEDED = (
    *(f"performance/run_1/{name}" for name in (SUMMARY, DETAIL)),
    *(f"accuracy/{name}" for name in (SUMMARY, DETAIL, ACCURACY_LOG, ACCURACY_TEXT)),
    "user.conf",
)


def gather(folder: str) -> list[Candidate]:
    """All result folders below a folder, in a fixed order.

    Raises:
        StorageError: a cm-result.json is damaged.
    """
    from cm_mlperf.results import recordfile
    from cm_mlperf.results.record import FILE

    found = []
    for at, folders, files in os.walk(folder):
        folders.sort()
        if FILE in files:
            record = recordfile.read(os.path.join(at, FILE))
            scenario = SCENARIO_NAMES.get(record.scenario.lower(), record.scenario)
            found.append(_candidate(at, record._replace(scenario=scenario)))
    return found


def _candidate(folder: str, record: Record) -> Candidate:
    lacking = tuple(
        name for name in _NEEDED if not os.path.isfile(os.path.join(folder, *name.split("/")))
    )
    against = []
    if record.execution_mode != "valid":
        against.append(f"a {record.execution_mode or 'nameless'} run is no result")
    if not (record.system and record.model and record.scenario):
        against.append("cm-result.json does not tell system, model and scenario")
    log = detail.read(os.path.join(folder, "performance", "run_1", DETAIL))
    if log is not None:
        verdict = log.get("result_validity")
        if verdict != "VALID":
            why = str(log.get("result_invalid_reason") or "").strip()
            against.append(f"LoadGen says {verdict or 'nothing'}" + (f": {why}" if why else ""))
        if log.errors:
            against.append(f"LoadGen counted {len(log.errors)} errors: {log.errors[0][:160]}")
    second = detail.read(os.path.join(folder, "accuracy", DETAIL))
    if second is not None and second.errors:
        against.append(f"the accuracy run has {len(second.errors)} errors")
    if record.accuracy is not None and record.accuracy.met is False:
        told = f"{record.accuracy.metric} {record.accuracy.value} of {record.accuracy.target}"
        against.append(f"the accuracy target is not met ({told})")
    return Candidate(folder, record, lacking, tuple(against))


def choose(candidates: Sequence[Candidate], *, allow_short: bool, open_division: bool) -> Chosen:
    """One result for each system, model and scenario: the best there is, the newest of equals.

    Args:
        candidates: what `gather` found.
        allow_short: also take test, fast and INVALID runs, for a tree that is only for practice.
        open_division: a missed accuracy target is no obstacle.

    Raises:
        CmError: for one of them there is nothing that may go in; lists each with its reasons.
    """
    ranked: dict[tuple[str, str, str], list[tuple[Candidate, tuple[str, ...]]]] = {}
    for one in candidates:
        against = tuple(
            why for why in one.against if not (open_division and why.startswith("the accuracy tar"))
        )
        ranked.setdefault(one.key, []).append((one, against))
    good: list[Candidate] = []
    bad: list[str] = []
    left_out: list[tuple[Candidate, str]] = []
    for offers in ranked.values():
        offers.sort(key=lambda offer: offer[0].record.time, reverse=True)
        offers.sort(key=lambda offer: (bool(offer[0].lacking), len(offer[1])))
        best, against = offers[0]
        if best.lacking or (against and not allow_short):
            for one, why in offers:
                bad.append(f"{one.name}: {'; '.join([*why, *_lacks(one)])} [{one.folder}]")
            continue
        good.append(best)
        for one, why in offers[1:]:
            left_out.append((one, "; ".join([*why, *_lacks(one)]) or "there is a newer one"))
    if bad:
        raise CmError(
            f"{len(bad)} result{'s' * (len(bad) > 1)} cannot be submitted:\n  " + "\n  ".join(bad),
            hint="run them with --execution_mode=valid; --allow_short makes a tree for practice of"
            " whole short runs",
        )
    return Chosen(tuple(good), tuple(left_out))


def _lacks(one: Candidate) -> list[str]:
    return [f"lacks {', '.join(one.lacking)}"] if one.lacking else []
