"""Is the result of a run valid, which rule of LoadGen failed, and what would satisfy it.

LoadGen says INVALID; this says why in numbers and names the settings (keys of user.conf) that the
numbers of the very log ask for. A run with errors is not valid either, whatever LoadGen calls it.
The rules are those of LoadGen 6.0 (results.cc, early_stopping.cc in mlcommons/inference).
"""

from __future__ import annotations

from cm_mlperf.early_stopping import passing_queries
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.logs import Detail

#: LoadGen generates 1.1 times the samples that min_duration asks for (Offline).
SLACK = 1.1
#: Room for the speed to vary from run to run.
MARGIN = 1.15
#: A run that ended sooner, in seconds, says little about the speed of a long one: caches were
#: cold and clocks low for a good part of it.
BRIEF = 10
#: Room for the speed to grow after a brief run.
MARGIN_OF_BRIEF = 1.5
#: Share of the throughput that was reached, to which an overloaded server is slowed down.
RELIEF = 0.8
MILLI = 1_000_000


class Reason(NamedTuple):
    """One rule that failed.

    Attributes:
        rule: min_duration, min_queries, early_stopping, latency, errors or unfinished.
        text: what was found and what the rule wants.
        remedy: what to do, in words.
        settings: keys of user.conf (of this scenario) and the values that satisfy the rule.
    """

    rule: str
    text: str
    remedy: str
    settings: dict[str, float]


class Verdict(NamedTuple):
    """What a log is worth.

    Attributes:
        valid: LoadGen's VALID (for accuracy runs: it came to its end) and no errors.
        result: LoadGen's own word, "" for accuracy runs.
    """

    valid: bool
    result: str
    errors: int
    reasons: list[Reason]

    @property
    def settings(self) -> dict[str, float]:
        """The settings of all reasons together, the stricter one where two speak of the same."""
        joined: dict[str, float] = {}
        for reason in self.reasons:
            for key, value in reason.settings.items():
                had = joined.get(key, value)
                joined[key] = max(had, value) if key.startswith("min_") else min(had, value)
        return joined


def judge(detail: Detail) -> Verdict:
    """Judge a run by its detail log; works for performance, peak and accuracy runs."""
    errors = max(len(detail.errors), int(detail.number("num_errors")))
    reasons: list[Reason] = []
    result = str(detail.get("result_validity", ""))
    if detail.get("effective_test_mode") == "AccuracyOnly":
        loaded, done = (detail.counts.get(key, 0) for key in ("loaded_qsl_set", "power_end"))
        if not loaded or done < loaded:
            reasons.append(_unfinished(f"{done} of {loaded or '?'} sets of samples were answered"))
    elif detail.get("effective_test_mode") == "FindPeakPerformance":
        # The result is that of one trial; what counts is that the search has found something.
        result = ""
        if detail.peak() is None and not errors:
            reasons.append(_unfinished("no peak was found"))
    elif not result:
        reasons.append(_unfinished("the log has no result"))
    elif result != "VALID":
        reasons += _failed_rules(detail)
    reasons += _errors(detail, errors, reasons)
    valid = not reasons and result in ("", "VALID")
    if result and result != "VALID" and not reasons:
        reason = str(detail.get("result_invalid_reason", "")).strip() or "LoadGen gives no reason"
        reasons.append(Reason("errors", f"LoadGen says {result}: {reason}", "see the log", {}))
    return Verdict(valid, result, errors, reasons)


def _failed_rules(detail: Detail) -> list[Reason]:
    found = []
    if detail.get("result_min_duration_met") is False:
        found.append(_min_duration(detail))
    if detail.get("result_min_queries_met") is False:
        found.append(_min_queries(detail))
    if detail.get("result_perf_constraints_met") is False:
        found.append(_latency(detail))
    if detail.get("early_stopping_met") is False:
        found.append(_early_stopping(detail))
    return found


def _min_duration(detail: Detail) -> Reason:
    wanted = detail.number("effective_min_duration_ms") / 1000
    text = f"the run was shorter than min_duration, {wanted:g} s"
    cut = _cut_short(detail)
    if cut:
        return Reason("min_duration", f"{text}: it was cut short", *cut)
    scenario = detail.get("effective_scenario")
    if scenario == "Offline":
        rate = detail.number("result_samples_per_second")
        samples = detail.number("effective_samples_per_query")
        qps = _round_up(rate * (MARGIN_OF_BRIEF if samples < BRIEF * rate else MARGIN))
        text += (
            f": LoadGen made {SLACK} x min_duration x target_qps = "
            f"{samples:.0f} samples, done at {rate:.6g}/s"
        )
        return Reason("min_duration", text, f"set target_qps to {qps:g}", {"target_qps": qps})
    if scenario == "Server":
        scheduled = detail.number("result_scheduled_samples_per_sec")
        qps = _round_up(max(scheduled, detail.number("effective_target_qps")) * MARGIN)
        return Reason("min_duration", text, f"set target_qps to {qps:g}", {"target_qps": qps})
    mean = _mean_ns(detail)
    expected = 1000 / max(detail.number("effective_target_qps"), 1e-9)
    latency = _round_down(mean / MILLI / MARGIN)
    text += (
        f": LoadGen made 2 x min_duration / target_latency queries, "
        f"with target_latency {expected:.6g} ms; they took {mean / MILLI:.6g} ms each"
    )
    remedy = f"set target_latency to {latency:g}"
    return Reason("min_duration", text, remedy, {"target_latency": latency})


def _min_queries(detail: Detail) -> Reason:
    wanted = int(detail.number("effective_min_query_count"))
    had = int(detail.number("result_query_count"))
    text = f"{had} queries instead of at least {wanted}"
    cut = _cut_short(detail)
    if cut:
        return Reason("min_queries", f"{text}: the run was cut short", *cut)
    return Reason("min_queries", text, f"set min_query_count to {had}", {"min_query_count": had})


def _latency(detail: Detail) -> Reason:
    share = detail.number("effective_target_latency_percentile")
    bound = detail.number("effective_target_latency_ns")
    found = detail.number(f"result_{share * 100:.2f}_percentile_latency_ns")
    text = (
        f"the {share * 100:g}th percentile of latency is {found / MILLI:.6g} ms, "
        f"the bound is {bound / MILLI:g} ms"
    )
    least = detail.number("result_min_latency_ns")
    if 0 < bound < least:
        latency = float(-(-found // MILLI))
        remedy = (
            f"no target_qps helps: the fastest answer took {least / MILLI:.6g} ms; "
            f"a faster model or machine, or target_latency {latency:g} where the rules allow it"
        )
        return Reason("latency", text, remedy, {"target_latency": latency})
    return Reason("latency", text, *_slower(detail))


def _early_stopping(detail: Detail) -> Reason:
    share = detail.number("effective_target_latency_percentile")
    had = int(detail.number("result_query_count"))
    if detail.get("effective_scenario") != "Server":
        wanted = passing_queries(1, share) + 1
        text = f"{had} queries are too few to trust the {share * 100:g}th percentile of latency"
        cut = _cut_short(detail)
        if cut:
            return Reason("early_stopping", f"{text}: the run was cut short", *cut)
        remedy = f"set min_query_count to {wanted}"
        return Reason("early_stopping", text, remedy, {"min_query_count": wanted})
    late = int(detail.number("result_overlatency_query_count"))
    text = f"{late} of {had} queries were late: too few queries to trust the percentile"
    if had and late / had < (1 - share) * 0.9:
        wanted = had
        while wanted < had * 1000:
            over = -(-late * wanted // had)
            enough = passing_queries(over, share) + over
            if enough <= wanted:
                break
            wanted = enough
        remedy = f"set min_query_count to {wanted}"
        settings = {"min_query_count": float(wanted)}
        cut = _cut_short(detail)
        return Reason("early_stopping", text, *(cut or (remedy, settings)))
    text = f"{late} of {had} queries were late, more than {(1 - share) * 100:.3g} %"
    return Reason("early_stopping", text, *_slower(detail))


def _slower(detail: Detail) -> tuple[str, dict[str, float]]:
    """The remedy for a server that answers too late: fewer queries per second."""
    target = detail.number("effective_target_qps")
    done = detail.number("result_completed_samples_per_sec") or target
    qps = _round_down(min(target, done) * RELIEF)
    return f"set target_qps to {qps:g}", {"target_qps": qps}


def _errors(detail: Detail, count: int, known: list[Reason]) -> list[Reason]:
    """Reasons for errors that no failed rule has explained yet."""
    if not count:
        return []
    told = [reason.remedy for reason in known]
    found: list[Reason] = []
    for text in dict.fromkeys(detail.errors):
        remedy, settings = _error_remedy(detail, text)
        if remedy not in told:
            found.append(Reason("errors", f"LoadGen reports: {text}", remedy, settings))
    if not found and not known:
        found.append(Reason("errors", f"LoadGen counts {count} errors", "see the detail log", {}))
    return found


def _error_remedy(detail: Detail, text: str) -> tuple[str, dict[str, float]]:
    if "Max query count" in text or "Max test duration" in text:
        return _cut_short(detail) or ("run without limits", {})
    if "Ran out of generated queries" in text:
        reason = _min_duration(detail)
        return reason.remedy, reason.settings
    if "Too many outstanding" in text:
        return _slower(detail)
    if "Multiple conf files" in text:
        return "run each test in a process of its own", {}
    if "Initial lower bound does not satisfy" in text:
        return _slower(detail)
    if "differ by more than" in text:
        return "run again: the clock of the machine was set while the test ran", {}
    return "see the detail log", {}


def _cut_short(detail: Detail) -> tuple[str, dict[str, float]] | None:
    """The remedy when a limit of the user ended the run."""
    words, settings = [], {}
    for text in detail.errors:
        if "Max query count" in text and "max_query_count" not in settings:
            had = int(detail.number("effective_max_query_count"))
            words.append(f"remove max_query_count = {had}")
            settings["max_query_count"] = 0.0
        if "Max test duration" in text and "max_duration" not in settings:
            had = int(detail.number("effective_max_duration_ms"))
            words.append(f"remove max_duration = {had}")
            settings["max_duration"] = 0.0
    return (" and ".join(words), settings) if words else None


def _unfinished(text: str) -> Reason:
    return Reason("unfinished", f"the run did not come to its end: {text}", "run again", {})


def _mean_ns(detail: Detail) -> float:
    """Mean latency of a query: of the whole query where it has several samples."""
    return detail.number("result_mean_query_latency_ns") or detail.number("result_mean_latency_ns")


def _round_up(value: float) -> float:
    """To four digits, upwards."""
    return _rounded(value, up=True)


def _round_down(value: float) -> float:
    """To four digits, downwards, but above 0."""
    return _rounded(value, up=False)


def _rounded(value: float, *, up: bool) -> float:
    from math import ceil, floor, isfinite, log10

    if not isfinite(value) or value <= 0:
        return 1.0
    digits = 3 - floor(log10(value))
    scaled = value * 10.0**digits
    return round((ceil if up else floor)(scaled) / 10.0**digits, max(digits, 0))


def explain(verdict: Verdict) -> list[str]:
    """One sentence per reason, for a terminal or a README."""
    return [f"{reason.text}; {reason.remedy}" for reason in verdict.reasons]


def to_list(reasons: list[Reason]) -> list[dict[str, Any]]:
    """Reasons as they stand in `cm-result.json`."""
    return [reason._asdict() for reason in reasons]
