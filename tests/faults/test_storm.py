"""A short storm; `nox -s faults` makes the long one and writes its report."""

from __future__ import annotations

from pathlib import Path

import pytest
from cache_storm import storm
from kit import Machine


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "rounds"), [(25, 0), (0, 5)], ids=["kills", "races"])
def test_storm(machine: Machine, tmp_path: Path, kills: int, rounds: int) -> None:
    numbers = storm(machine.bin / "cm", tmp_path / "storm", kills, rounds, 8, seed=7)
    assert numbers.said == []
    assert numbers.kills["kills"] == kills
    assert numbers.kills["next runs"] >= kills
    assert numbers.races["rounds"] == rounds
    assert numbers.races["built"] == 3 * rounds
