"""Published recipes, really run, in both dialects: what they leave is what the references left.

`recorded/` has what cmind and mlcflow answered to the same words on the same stage; `nox -s
reference-runs` makes it again and compares every value on the machine at hand.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import corpora
import engines
import kit
import pytest
import record_runs
import runs
import sandbox
import stage as stages
from compare_reference import differences

DIALECTS = ("cm", "mlc")
EVERY = {
    dialect: {run.name: run for group in runs.recorded(dialect).values() for run in group}
    for dialect in DIALECTS
}
RECORDED = {dialect: engines.recorded(record_runs.RECORDED, dialect) for dialect in DIALECTS}
ALL = [(dialect, run) for dialect in DIALECTS for run in EVERY[dialect].values()]
CACHED = [
    (dialect, run)
    for dialect, run in ALL
    if run.cached and "ends" not in RECORDED[dialect].get(run.name, {})
]

#: A quarter of an hour, and nearly everything that the package index has: not part of every run.
on_request = pytest.mark.skipif(
    not os.environ.get("CMCORE_TEST_RUNS"), reason="nox -s runs really runs all of these"
)


def label(value: str | runs.Run) -> str:
    """Dialect or run in the name of a test."""
    return value if isinstance(value, str) else value.name


class Home:
    """One engine on one stage; every run happens once, and what it needs before it."""

    def __init__(self, engine: engines.Engine, stage: stages.Stage) -> None:
        self.engine, self.stage = engine, stage
        self.outcomes: dict[str, engines.Outcome] = {}
        self.again: dict[str, engines.Outcome] = {}

    def outcome(self, run: runs.Run) -> engines.Outcome:
        """How the first run of it ended."""
        for name in run.after:
            self.outcome(EVERY[self.engine.dialect][name])
        if run.name not in self.outcomes:
            self.outcomes[run.name] = self.engine.run(run, self.stage)
            if (self.engine.dialect, run) in CACHED:
                # At once: what later runs leave in the home must not answer for this one.
                flag = "--only_execute_from_cache"
                self.again[run.name] = self.engine.run(run, self.stage, flag)
        return self.outcomes[run.name]


@pytest.fixture(scope="module")
def homes(
    machine: kit.Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Home]]:
    """A home for each dialect, with its recipes only, on one stage."""
    if sandbox.unsafe():
        pytest.skip(f"published recipes could change this machine: {sandbox.unsafe()}")
    try:
        stages.wheels()
    except stages.NoRegistry as missing:
        pytest.skip(str(missing))
    scratch = tmp_path_factory.mktemp("runs")
    roots = {"cm": corpora.cm_root(), "mlc": corpora.mlc_root()}
    made = {}
    with record_runs.stage_in(scratch) as stage:
        for dialect in DIALECTS:
            (scratch / dialect).mkdir()
            command = machine.bin / "cm"
            engine = engines.ours(dialect, scratch / dialect, command, roots[dialect])
            made[dialect] = Home(engine, stage)
        yield made


def skip_without(run: runs.Run) -> None:
    """A run needs programs of this machine, or a copy of this machine that it may change."""
    for program in run.needs:
        if shutil.which(program, path=kit.SYSTEM_PATH) is None:
            pytest.skip(f"{program} is not installed on this machine")
    missing = sandbox.why_no_packages() if run.system else ""
    if missing:
        pytest.skip(missing)


@pytest.mark.slow
@on_request
@pytest.mark.parametrize(("dialect", "run"), ALL, ids=label)
def test_leaves_what_the_reference_left(
    homes: dict[str, Home], dialect: str, run: runs.Run
) -> None:
    skip_without(run)
    expected: dict[str, Any] = RECORDED[dialect][run.name]
    home = homes[dialect]
    outcome = home.outcome(run)
    got = home.engine.summary(outcome, home.stage)
    if "ends" not in expected or run.beyond:
        assert "ends" not in got, outcome.text
    if "ends" not in expected or not run.beyond:
        assert differences(expected, got) == []
    assert record_runs.complaints(run, outcome) == []


@pytest.mark.slow
@on_request
@pytest.mark.parametrize(("dialect", "run"), CACHED, ids=label)
def test_second_run_is_served_from_the_cache(
    homes: dict[str, Home], dialect: str, run: runs.Run
) -> None:
    skip_without(run)
    home = homes[dialect]
    first = home.outcome(run)
    second = home.again[run.name]
    assert second.code == 0, second.text
    assert second.answer["new_env"] == first.answer["new_env"]


def test_every_run_is_recorded_and_nothing_else() -> None:
    for dialect in DIALECTS:
        assert set(RECORDED[dialect]) == set(EVERY[dialect])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_enough_different_recipes(dialect: str) -> None:
    ended = {
        run.recipe for run in EVERY[dialect].values() if "ends" not in RECORDED[dialect][run.name]
    }
    assert len(ended) >= 60, sorted(ended)
