"""A run uses the recipes that its look ahead has found, as long as no recipe has come since."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from cm_script.engine import Engine


class _Context:
    """Answers searches with a number that tells them apart, and counts them."""

    def __init__(self) -> None:
        self.console: Any = None
        self.index = SimpleNamespace(generation=0)
        self.asked: list[str] = []
        self.there = True

    def search(self, automation: str, artifact: str = "", tags: str = "") -> list[str]:
        self.asked.append(tags)
        return [f"{automation} {len(self.asked)}"] if self.there else []


def _run_after_a_look(ctx: Any) -> Engine:
    run, ahead = Engine(ctx), Engine(ctx)
    ahead.recipes("", "a,b")
    run.take_found(ahead)
    return run


def test_what_was_found_is_not_looked_for_again():
    ctx = _Context()
    run = _run_after_a_look(ctx)
    assert run.recipes("", "a,b") == ["script 1"]
    assert run.recipes("", "c") == ["script 2"]
    assert ctx.asked == ["a,b", "c"]


def test_after_a_change_it_is_looked_for_again():
    ctx = _Context()
    run = _run_after_a_look(ctx)
    ctx.index.generation += 1
    assert run.recipes("", "a,b") == ["script 2"]


def test_what_was_not_found_is_looked_for_again():
    ctx = _Context()
    ctx.there = False
    run = _run_after_a_look(ctx)
    ctx.there = True
    assert run.recipes("", "a,b") == ["script 2"]
