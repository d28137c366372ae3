"""Processes that ask for the same entries at the same moment, and one of them is killed."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable

from kit import Answer
from storm_oracle import Look, nobody_lost
from storm_recipes import KINDS
from storm_world import Hang, Running, World

#: Rounds after which the home is a fresh one.
PER_HOME = 25
#: What the processes of a round ask for, in turn: the whole, and parts of it.
ASKED = ("app", "app", "lib", "app", "data", "app", "lib", "app")
VARIABLES = {"app": "CM_STORM_APP", "lib": "MLC_STORM_LIB", "data": "MLC_STORM_DATA"}


class Races:
    """`run(count)` makes the rounds; `counts` has the numbers, `said` what went wrong."""

    def __init__(self, world: World, seed: int, processes: int, say: Callable[[str], None]) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.said: list[str] = []
        self._processes = processes
        self._random = random.Random(seed)
        self._say = say
        self._seed = seed
        self._number = 100_000
        self._length = 1.0

    def run(self, count: int) -> None:
        """`count` rounds; in every second one a process is killed, the builder if possible."""
        for done in range(count):
            if done % PER_HOME == 0:
                self.world.fresh()
                self.counts["homes"] += 1
            self._number += 1
            self.world.recipes.offer(self._number)
            try:
                self._round(kill=done % 2 == 1)
            except Hang as hang:
                self._fault("hang", str(hang))
            if done % 20 == 19:
                self._say(f"{done + 1} of {count} rounds")

    def _fault(self, rule: str, sentence: str) -> None:
        self.counts[f"fault {rule}"] += 1
        self.said.append(f"seed {self._seed}, round {self._number}: {rule}: {sentence}")
        self._say(self.said[-1])

    def _round(self, *, kill: bool) -> None:
        world = self.world
        known, mark = Look(world).finished, world.recipes.mark()
        kinds = [ASKED[k % len(ASKED)] for k in range(self._processes)]
        running = [self._start(kind, gated=True) for kind in kinds]
        gate = world.open_gate()
        began = time.monotonic()
        try:
            victim = self._victim(running) if kill else -1
            killed = victim >= 0 and self._kill(running[victim])
            answers = [
                (kind, one.answer())
                for k, (kind, one) in enumerate(zip(kinds, running, strict=True))
                if k != victim
            ]
        finally:
            os.close(gate)
        if not kill:
            self._length = 0.7 * self._length + 0.3 * (time.monotonic() - began)
        self.counts["rounds"] += 1
        self._equal(answers)
        steps = world.recipes.steps(mark)
        look = Look(world)
        nobody_lost(look, known, may_lack=set())
        self._once(look, steps, kills=1 if killed else 0)
        for rule, sentence in look.problems:
            self._fault(rule, sentence)
        mark = world.recipes.mark()
        if self._start("app").answer().code or world.recipes.steps(mark):
            self._fault("rebuilt", "one more run did not simply find what there is")

    def _start(self, kind: str, *, gated: bool = False) -> Running:
        tags = f"storm,{kind},_n.{self._number}"
        return self.world.start("run", "script", tags, "--quiet", "--out=json", gated=gated)

    def _kill(self, running: Running) -> bool:
        builds = running.pid in self._builders()
        killed = running.kill()
        self.counts["kills"] += killed
        self.counts["builders killed"] += killed and builds
        self.counts["too late"] += not killed
        return killed

    def _victim(self, running: list[Running]) -> int:
        time.sleep(self._random.uniform(0, self._length))
        building: list[int] = []
        while not building and not all(one.ended() for one in running):
            builders = self._builders()
            building = [k for k, one in enumerate(running) if one.pid in builders]
            time.sleep(0.001)
        return self._random.choice(building or range(len(running)))

    def _builders(self) -> set[int]:
        """Processes that say in some folder that they build there now."""
        found = set()
        for note in self.world.cache.glob("*/.cm-building.json"):
            try:
                found.add(int(json.loads(note.read_text())["pid"]))
            except (OSError, ValueError):
                continue  # it was finished just now
        return found

    def _equal(self, answers: list[tuple[str, Answer]]) -> None:
        results: dict[str, set[str]] = {}
        for kind, answer in answers:
            self.counts["waited"] += "waiting for process" in answer.err
            self.counts["took over"] += "where an earlier run ended unfinished" in answer.err
            if answer.code or "Traceback" in answer.err:
                self._fault("failed", f"{kind}\n{answer.text}")
                continue
            self.counts["succeeded"] += 1
            results.setdefault(kind, set()).add(str(json.loads(answer.out)["new_env"]))
        for kind, several in results.items():
            if len(several) > 1 or VARIABLES[kind] not in min(several):
                self._fault("unequal", f"{kind}: {sorted(several)}")

    def _once(self, look: Look, steps: list[list[str]], *, kills: int) -> None:
        entries = Counter(
            seen.kind for seen in look.finished.values() if seen.number == self._number
        )
        for kind in KINDS:
            begun = [w for w in steps if w[:3] == ["start", kind, str(self._number)]]
            if entries[kind] != 1 or not 1 <= len(begun) <= 1 + kills:
                self._fault(
                    "not once", f"{kind}: {entries[kind]} entries, built {len(begun)} times"
                )
            self.counts["built"] += entries[kind]
            self.counts["begun again"] += len(begun) - 1
