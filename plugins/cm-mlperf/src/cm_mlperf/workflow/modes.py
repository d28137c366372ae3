"""How long and how much: the settings of one LoadGen run in each execution mode.

- test: as few queries as LoadGen still calls VALID, in seconds; not a result.
- fast: a minute, with a tenth of the queries that the rules ask for; not a result.
- valid: what LoadGen's own mlperf.conf says, which is the rules of the round.

The least counts for test were found by trying with LoadGen 6.0.17: SingleStream needs 64 queries,
MultiStream 662 and Server about 500 before its early stopping has seen enough.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cm_mlperf.workflow.options import Wishes

#: Queries of a test run. Offline has one query; its size is the number of samples.
TEST_QUERIES = {"SingleStream": 100, "MultiStream": 662, "Server": 700}

#: Length of each run of a search for the peak, in target latencies.
SEARCH_LATENCIES = 15

#: Samples of the one Offline query of a test run, at most.
TEST_SAMPLES = 2048

FAST_SECONDS = 60
VALID_SECONDS = 600

#: One query of MultiStream has this many samples.
MULTISTREAM_SAMPLES = 8

#: A server of a model without rules of its own answers within this time, in ms.
DEFAULT_SERVER_LATENCY = 200.0

#: Queries per second of a Server test run when nobody has measured anything.
TEST_SERVER_QPS = 300.0

#: Targets that hold nothing back: a test run ends with its query count.
TEST_OFFLINE_QPS = 1000.0
TEST_LATENCY = 10.0


class Settings(NamedTuple):
    """What user.conf says for one run; None leaves the value to LoadGen's mlperf.conf.

    `target_qps` in samples (Offline) or queries (Server) per second, latencies and durations in
    milliseconds. `samples` are loaded at once (performance_sample_count).
    """

    target_qps: float | None = None
    target_latency_ms: float | None = None
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    min_query_count: int | None = None
    max_query_count: int | None = None
    samples: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return self._asdict()


class Rules(NamedTuple):
    """What the round demands of this model and scenario; None where it says nothing."""

    samples: int | None = None
    min_queries: int | None = None
    offline_samples: int | None = None
    latency_ms: float | None = None
    accuracy: float | None = None


def rules(round_name: str, loadgen_model: str, precise: str, scenario: str) -> Rules:
    """The demands of a round.

    Args:
        round_name: as in requests, r6.1; a round without data is judged by the nearest one after.
        loadgen_model: "" for a model that the rules do not know.
        precise: name with the accuracy class, bert-99.9.
        scenario: the scenario.
    """
    if not loadgen_model:
        return Rules()
    from cm_mlperf import rounds
    from cmcore.errors import UsageError

    try:
        found = rounds.get(known_round(round_name))
        name = found.official(precise) or found.official(loadgen_model) or precise
        model = found.model(name)
    except UsageError:
        # A model of earlier rounds: LoadGen knows its counts, nobody its target any more.
        return Rules()
    latency = model.latency_ns.get(scenario)
    bounds = model.accuracy(scenario)
    return Rules(
        samples=model.performance_sample_count or None,
        min_queries=model.min_queries.get(scenario),
        offline_samples=model.offline_min_samples,
        latency_ms=latency / 1e6 if latency else None,
        accuracy=bounds[0].at_least if bounds else None,
    )


def known_round(name: str) -> str:
    """The round with data that stands for the named one: v5.1 for everything before."""
    from cm_mlperf import rounds

    wanted = "v" + name.lstrip("rv")
    if wanted in rounds.ROUNDS:
        return wanted
    return rounds.ROUNDS[0]


def performance(
    wishes: Wishes,
    scenario: str,
    demand: Rules,
    sample_count: int,
    tuned: Mapping[str, float],
) -> Settings:
    """Settings of a performance run.

    Args:
        wishes: the request.
        scenario: the scenario.
        demand: of the round.
        sample_count: samples of the data set.
        tuned: target_qps and target_latency_ms that were measured before.
    """
    said = wishes.targets.get(scenario, {})
    qps = said.get("target_qps", tuned.get("target_qps"))
    latency = said.get("target_latency", tuned.get("target_latency_ms"))
    if scenario == "Server":
        latency = said.get("target_latency") or demand.latency_ms or DEFAULT_SERVER_LATENCY
    settings = Settings(
        target_qps=qps if scenario in ("Offline", "Server") else None,
        target_latency_ms=latency if scenario != "Offline" else None,
        samples=_samples(wishes, demand, sample_count),
    )
    if wishes.execution_mode == "test":
        settings = _test(settings, wishes, scenario, sample_count)
    elif wishes.execution_mode == "fast":
        settings = _fast(settings, scenario, demand)
    return _asked(settings, wishes)


def accuracy(
    wishes: Wishes,
    scenario: str,
    demand: Rules,
    sample_count: int,
    tuned: Mapping[str, float],
) -> Settings:
    """Settings of an accuracy run, which answers every sample once whatever the counts say."""
    qps = wishes.targets.get(scenario, {}).get("target_qps")
    if scenario == "Server":
        # Queries arrive at this pace, so it decides how long the run takes.
        qps = qps or tuned.get("target_qps") or TEST_SERVER_QPS
    return Settings(
        target_qps=qps if scenario in ("Offline", "Server") else None,
        samples=_samples(wishes, demand, sample_count),
    )


def probe(settings: Settings, scenario: str, samples: int) -> Settings:
    """Settings of a short run that only finds out how fast this machine is."""
    queries = samples if scenario == "Offline" else TEST_QUERIES[scenario]
    return settings._replace(
        target_qps=TEST_OFFLINE_QPS if scenario == "Offline" else settings.target_qps,
        target_latency_ms=settings.target_latency_ms or TEST_LATENCY,
        min_duration_ms=0,
        max_duration_ms=None,
        min_query_count=queries,
        max_query_count=None,
    )


def search(settings: Settings, wishes: Wishes) -> Settings:
    """Settings of each of the many runs in which LoadGen looks for a server's peak.

    A run must be much longer than the latency that is allowed: all queries of a shorter one are
    answered in time, however fast they come, and the search finds no end.
    """
    latency = settings.target_latency_ms or DEFAULT_SERVER_LATENCY
    wanted = round((wishes.min_duration or 0) * 1000) or round(SEARCH_LATENCIES * latency)
    return settings._replace(
        min_duration_ms=max(wanted, round(latency) + 1),
        min_query_count=wishes.min_query_count or TEST_QUERIES["Server"],
    )


def needs_probe(wishes: Wishes, scenario: str, settings: Settings) -> bool:
    """Whether a target has to be measured before the run that counts."""
    if wishes.execution_mode == "test":
        return False
    if scenario in ("Offline", "Server"):
        return settings.target_qps is None
    return settings.target_latency_ms is None


def _samples(wishes: Wishes, demand: Rules, count: int) -> int:
    wanted = wishes.performance_sample_count or demand.samples or count
    # An own data set may be smaller than what the rules want in memory.
    return min(wanted, count) if count else wanted


def _test(settings: Settings, wishes: Wishes, scenario: str, count: int) -> Settings:
    queries = wishes.test_query_count
    if scenario == "Offline":
        least = queries or min(count or TEST_SAMPLES, TEST_SAMPLES)
        return settings._replace(
            target_qps=settings.target_qps or TEST_OFFLINE_QPS,
            min_duration_ms=0,
            min_query_count=least,
        )
    if scenario == "Server":
        settings = settings._replace(target_qps=settings.target_qps or TEST_SERVER_QPS)
    else:
        settings = settings._replace(target_latency_ms=settings.target_latency_ms or TEST_LATENCY)
    return settings._replace(min_duration_ms=0, min_query_count=queries or TEST_QUERIES[scenario])


def _fast(settings: Settings, scenario: str, demand: Rules) -> Settings:
    if scenario == "Offline":
        least = (demand.offline_samples or 0) // 10 or 1
    else:
        least = max((demand.min_queries or 0) // 10, TEST_QUERIES[scenario])
    return settings._replace(min_duration_ms=FAST_SECONDS * 1000, min_query_count=least)


def _asked(settings: Settings, wishes: Wishes) -> Settings:
    """What the request says itself wins over every mode."""
    if wishes.min_query_count is not None:
        settings = settings._replace(min_query_count=wishes.min_query_count)
    if wishes.max_query_count is not None:
        settings = settings._replace(max_query_count=wishes.max_query_count)
        if settings.min_query_count and settings.min_query_count > wishes.max_query_count:
            settings = settings._replace(min_query_count=wishes.max_query_count)
    if wishes.min_duration is not None:
        settings = settings._replace(min_duration_ms=round(wishes.min_duration * 1000))
    if wishes.max_duration is not None:
        settings = settings._replace(max_duration_ms=round(wishes.max_duration * 1000))
        if settings.min_duration_ms and settings.min_duration_ms > wishes.max_duration * 1000:
            settings = settings._replace(min_duration_ms=round(wishes.max_duration * 1000))
    return settings
