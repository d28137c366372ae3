"""`cm check mlperf TREE`: our own strict check, and the official one beside it when given."""

from __future__ import annotations

import os

from cm_mlperf import rounds
from cm_mlperf.submission import findings, official
from cm_mlperf.submission.checking import tree
from cmcore.errors import NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.tree import Verdict
    from cm_mlperf.submission.official import Official
    from cmcore.context import Context
    from cmcore.types import Request


def check(ctx: Context, request: Request) -> Result:
    """Check submission trees.

    Raises:
        UsageError: no tree is named, or the round is unknown.
        NotFoundError: a tree, or the official checker, is not there.
    """
    if len(request.artifacts) != 1:
        raise UsageError(
            "which tree to check is not said" if not request.artifacts else "one tree at a time",
            hint="cm check mlperf TREE, where TREE holds open/ or closed/",
        )
    root = os.path.abspath(os.path.expanduser(request.artifacts[0]))
    if not os.path.isdir(root):
        raise NotFoundError("no such folder", where=root)
    of_round = rounds.get(str(request.flags.get("round") or rounds.newest()))
    submitter = str(request.flags.get("submitter") or "")
    source = request.flags.get("inference_src")
    if source:
        official.root_of(str(source))
    verdict = tree.check(root, of_round, submitter)
    theirs = None
    if source:
        ctx.console.log("the official checker looks at the tree")
        duration = shortest(root, verdict) if verdict.stamped else None
        theirs = official.check(str(source), root, of_round.name, submitter, duration)
    return answer(root, of_round.name, verdict, theirs)


def shortest(root: str, verdict: Verdict) -> int:
    """The shortest min_duration in the performance logs of a tree, in milliseconds."""
    from cm_mlperf.submission import detail
    from cm_mlperf.submission.layout import DETAIL

    found = [600_000]
    for place in verdict.results:
        log = detail.read(os.path.join(root, place.performance, DETAIL))
        asked = log.number("effective_min_duration_ms") if log else None
        if asked is not None:
            found.append(int(asked))
    return min(found)


def answer(root: str, of_round: str, verdict: Verdict, theirs: Official | None) -> Result:
    """The verdicts as data and as text; code 1 when either finds something."""
    data: dict[str, Any] = {
        "tree": root,
        "round": of_round,
        "ok": not verdict.findings and (theirs is None or theirs.code == 0),
        "results": [
            {**place._asdict(), "number": verdict.numbers.get(place.results)}
            for place in verdict.results
        ],
        "findings": [finding._asdict() for finding in verdict.findings],
    }
    parts = [findings.listing(verdict.findings)] if verdict.findings else []
    parts.append(summary(of_round, verdict))
    if theirs is not None:
        data["official"] = {
            "code": theirs.code,
            "summary": theirs.summary,
            "errors": list(theirs.errors),
            "results": list(theirs.rows),
            "test_duration_ms": theirs.duration_ms,
        }
        parts.append(official_text(theirs))
    return Result(data, view="\n\n".join(parts), code=0 if data["ok"] else 1)


def summary(of_round: str, verdict: Verdict) -> str:
    """One line: how many results by which rules, and how many violations."""
    count, bad = len(verdict.results), len(verdict.findings)
    text = f"{count} result{'s' * (count != 1)} checked by the rules of {of_round}: "
    if not bad:
        return text + "nothing found"
    files = len({finding.file for finding in verdict.findings})
    return text + f"{bad} violation{'s' * (bad != 1)} in {files} place{'s' * (files != 1)}"


def official_text(theirs: Official) -> str:
    """What the official checker said, for people."""
    lines = [f"official checker: exit code {theirs.code}, {theirs.summary}"]
    if theirs.duration_ms is not None:
        lines.append(
            f"  its TEST_DURATION_MS was set to {theirs.duration_ms} for this run, because the tree"
            " is stamped as not for submission"
        )
    shown = [f"  {error.strip()}" for error in theirs.errors[:20]]
    if len(theirs.errors) > len(shown):
        shown.append(f"  ... and {len(theirs.errors) - len(shown)} more")
    return "\n".join([*lines, *shown])
