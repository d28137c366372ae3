"""The power analyzer's samples: what spl.txt holds, and their mean while LoadGen measured."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.submission.detail import Detail


class Sample(NamedTuple):
    """One sample: seconds since 1970 by the analyzer's clock, watts, volts, amperes, factor."""

    at: float
    watts: float
    volts: float | None = None
    amps: float | None = None
    factor: float | None = None


def read(text: str) -> list[Sample]:
    """The samples of a spl.txt; lines of another form are stepped over.

    A line is `Time,<date>,Watts,<w>,Volts,<v>,Amps,<a>,PF,<pf>,Mark,<mark>`.
    """
    from cm_mlperf.submission.detail import moment

    found = []
    for line in text.splitlines():
        words = [word.strip() for word in line.split(",")]
        if len(words) < 4 or words[0] != "Time" or words[2] != "Watts":
            continue
        told = {words[at]: _number(words[at + 1]) for at in range(2, min(len(words) - 1, 10), 2)}
        at, watts = moment(words[1]), told["Watts"]
        if at is not None and watts is not None:
            found.append(Sample(at, watts, told.get("Volts"), told.get("Amps"), told.get("PF")))
    return found


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None


def line(sample: Sample, mark: str) -> str:
    """The line of a sample, as the analyzer's daemon writes it."""
    import datetime

    at = datetime.datetime.fromtimestamp(round(sample.at, 3), datetime.timezone.utc)
    date = at.strftime("%m-%d-%Y %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    parts = [f"Time,{date}", f"Watts,{sample.watts:f}"]
    for name, value in (("Volts", sample.volts), ("Amps", sample.amps), ("PF", sample.factor)):
        parts.append(f"{name},{0.0 if value is None else value:f}")
    return ",".join([*parts, f"Mark,{mark}"])


def average(text: str, log: Detail) -> float | None:
    """Mean watts between power_begin and power_end, None when no positive sample lies there."""
    from cm_mlperf.submission.detail import moment

    begin, end = moment(log.get("power_begin")), moment(log.get("power_end"))
    if begin is None or end is None:
        return None
    watts = [sample.watts for sample in read(text) if begin < sample.at < end and sample.watts > 0]
    return sum(watts) / len(watts) if watts else None


def metric(watts: float, log: Detail, scenario: str) -> tuple[float, str] | None:
    """The power result: watts, or millijoules a query in the scenarios of single queries."""
    from cm_mlperf.submission.detail import seconds_between

    if scenario in ("Offline", "Server", "Interactive"):
        return watts, "Watts"
    seconds, queries = seconds_between(log), log.number("result_query_count")
    if seconds is None or not queries:
        return None
    each = watts * seconds * 1000 / queries
    inferred = scenario == "MultiStream" and log.get("effective_scenario") == "SingleStream"
    return each * (8 if inferred else 1), "millijoules"
