"""A short storm; `nox -s faults` makes the long one and writes its report."""

from __future__ import annotations

from pathlib import Path

import pytest
from cache_storm import spoil, storm
from kit import Machine


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "rounds"), [(25, 0), (0, 5)], ids=["kills", "races"])
def test_storm(machine: Machine, tmp_path: Path, kills: int, rounds: int) -> None:
    numbers = storm(machine.bin / "cm", tmp_path / "storm", kills=kills, rounds=rounds, seed=7)
    assert numbers.said == []
    assert numbers.kills["kills"] == kills
    assert numbers.kills["next runs"] >= kills
    assert numbers.races["rounds"] == rounds
    assert numbers.races["built"] == 3 * rounds


@pytest.mark.slow
def test_damage(machine: Machine, tmp_path: Path) -> None:
    """Another sample of files with each way of damage in it; the whole is `nox -s faults`."""
    numbers = spoil(machine.bin / "cm", tmp_path / "damage", step=17)
    assert numbers.said == []
    assert numbers.damage["cases"] > 15
    assert numbers.damage["rebuilt"] > 0
