"""Runs that fill a cache are killed at random moments; the next run has to go on by itself."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable

from kit import Answer
from storm_oracle import Look, Seen, nobody_lost
from storm_world import Hang, World, settle

#: Kills after which the cache is looked through by its own commands and emptied.
PER_HOME = 50
#: What the shares of kills are: killing `cm` only, killing the next run too, a renewal, a tool
#: that was replaced.
ALONE, AGAIN, RENEW, TOOL = 0.15, 0.25, 0.1, 0.1


class Kills:
    """`run(count)` makes the kills; `counts` has the numbers, `said` what went wrong."""

    def __init__(self, world: World, seed: int, say: Callable[[str], None]) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.said: list[str] = []
        self._random = random.Random(seed)
        self._say = say
        self._seed = seed
        self._known: dict[str, Seen] = {}
        self._length = 1.0
        self._number = 0
        self._orphans: list[int] = []
        self._given_up: set[str] = set()

    def run(self, count: int) -> None:
        """Kill `count` runs, each followed by a run that has to succeed."""
        self._begin_home()
        done = 0
        while done < count:
            if done % PER_HOME == 0 and done:
                self._end_home()
                self._begin_home()
            try:
                done += self._episode()
            except Hang as hang:
                self._fault("hang", str(hang))
                done += 1
            if done % 50 == 0:
                self._say(f"{done} of {count} kills")
        self._end_home()

    def _fault(self, rule: str, sentence: str) -> None:
        self.counts[f"fault {rule}"] += 1
        self.said.append(f"seed {self._seed}, number {self._number}: {rule}: {sentence}")
        self._say(self.said[-1])

    def _begin_home(self) -> None:
        self.world.fresh()
        self._known = {}
        self.counts["homes"] += 1

    def _episode(self) -> int:
        """One kill, perhaps a second one, and the run after it; 0 when the kill came too late."""
        dice, recipes = self._random, self.world.recipes
        apps = [seen for seen in self._known.values() if seen.kind == "app"]
        may_lack: set[tuple[str, int]] = set()
        words: tuple[str, ...] = ()
        renewal = bool(apps) and dice.random() < RENEW
        if renewal:
            number = dice.choice(apps).number
            may_lack, words = {("app", number)}, ("--renew",)
        else:
            self._number += 1
            number = self._number
            recipes.offer(number)
            if self._known and dice.random() < TOOL:
                recipes.change_tool()
                may_lack.add(("tool", 0))
                self.counts["tool replaced"] += 1
        mark = recipes.mark()
        killed = self._kill(number, words, may_lack)
        if not killed:
            self._after(number, self._run(number), may_lack, mark)
            return 0
        self.counts["kills"] += 1
        self.counts["renewal"] += renewal
        if dice.random() < AGAIN and self._kill(number, words, may_lack):
            self.counts["again"] += 1
        self._next(number, may_lack)
        return 1

    def _kill(self, number: int, words: tuple[str, ...], may_lack: set[tuple[str, int]]) -> bool:
        alone = self._random.random() < ALONE
        running = self.world.start("run", "script", f"storm,app,_n.{number}", "--quiet", *words)
        time.sleep(self._random.uniform(0, self._length))
        killed = running.kill(alone=alone)
        # Aims at one in seven that come too late, so that the end is killed as well.
        self._length *= 1.01 if killed else 0.94
        if not killed:
            self.counts["too late"] += 1
            return False
        self.counts["alone"] += alone
        if alone:
            # Looking takes time in which its step would end.
            self._orphans.append(running.pid)
            return True
        look = Look(self.world)
        nobody_lost(look, self._known, may_lack=may_lack)
        self._take(look)
        left = [seen for seen in look.entries.values() if not seen.finished]
        self.counts["left an unfinished entry"] += any(seen.what[1] == number for seen in left)
        partial = [s for s in left if (self.world.cache / s.uid / "data.part").exists()]
        self.counts["left a partial download"] += any(s.number == number for s in partial)
        return True

    def _take(self, look: Look) -> None:
        self.counts["looks"] += 1
        self.counts["entries"] += len(look.finished)
        self.counts["files"] += look.files
        for rule, sentence in look.problems:
            self._fault(rule, sentence)
        self._known.update(look.finished)

    def _run(self, number: int) -> Answer:
        return self.world.run("run", "script", f"storm,app,_n.{number}", "--quiet", "--out=json")

    def _next(self, number: int, may_lack: set[tuple[str, int]]) -> None:
        """The run after a kill: it succeeds, says what it found, and repeats nothing finished."""
        before = Look(self.world)
        outlived = {seen.uid for seen in before.entries.values() if self._outlived(before, seen)}
        mark = self.world.recipes.mark()
        answer = self._run(number)
        for seen in before.entries.values():
            concerned = seen.noted and (seen.number == number or seen.kind == "tool")
            concerned = concerned and seen.uid not in self._given_up
            # A run that found a step still at work has built beside it, and may be killed, too: the
            # next one takes one of the two folders, or what was finished there since.
            alike = [s.uid for s in before.entries.values() if s.noted and s.what == seen.what]
            concerned = concerned and seen.uid not in outlived
            if concerned and not any(str(self.world.cache / uid) in answer.err for uid in alike):
                self._fault("silent", f"{seen.uid} ({seen.kind})\n{answer.text}")
        self.counts["cleared"] += "cleared" in answer.err or "starting again" in answer.err
        self.counts["continued"] += "\ncontinuing in" in "\n" + answer.err
        self.counts["left to others"] += "still works there" in answer.err
        there = {seen.what for seen in before.finished.values() if not seen.old} - may_lack
        for what, kind, n, _ in self.world.recipes.steps(mark):
            self.counts["resumed"] += what == "resume"
            if what == "start" and (kind, int(n)) in there:
                self._fault("rebuilt", f"{kind} {n} was there\n{answer.text}")
        self._after(number, answer, may_lack, mark)

    def _outlived(self, look: Look, unfinished: Seen) -> bool:
        """Whether the same was finished elsewhere after an unfinished folder was begun."""
        if not unfinished.noted:
            return False
        begun = (self.world.cache / unfinished.uid / ".cm-building.json").stat().st_mtime_ns
        return any(
            (self.world.cache / seen.uid / "_cm.json").stat().st_mtime_ns > begun
            for seen in look.finished.values()
            if seen.what == unfinished.what and not seen.old
        )

    def _after(
        self, number: int, answer: Answer, may_lack: set[tuple[str, int]], mark: int
    ) -> None:
        self.counts["next runs"] += 1
        if answer.code or "Traceback" in answer.err:
            self._fault("failed", answer.text)
            return
        look = Look(self.world)
        self._given_up |= set(look.entries) - set(look.finished)
        replaced = {seen.what for seen in look.finished.values()} & may_lack
        self._known = {u: s for u, s in self._known.items() if s.what not in replaced}
        nobody_lost(look, self._known, may_lack=set())
        self._take(look)
        wanted = {("tool", 0), *((kind, number) for kind in ("app", "lib", "data"))}
        missing = wanted - {seen.what for seen in look.finished.values() if not seen.old}
        if missing:
            self._fault("lost", f"after a run that succeeded: {sorted(missing)}\n{answer.text}")
        served = str(json.loads(answer.out)["new_env"].get("CM_STORM_APP"))
        apps = [s.uid for s in look.finished.values() if s.what == ("app", number) and not s.old]
        if served not in [str(self.world.cache / uid / "app.txt") for uid in apps]:
            self._fault("half", f"served {served}")
        if self._random.random() < 0.1:
            self._listed()

    def _listed(self) -> None:
        """`cm find cache` tells of exactly what lies there."""
        answer = self.world.run("find", "cache", "--out=json")
        look = Look(self.world)
        self.counts["listings"] += 1
        found = {one["uid"] for one in json.loads(answer.out)["list"]} if not answer.code else None
        if found != set(look.finished):
            self._fault("lost", f"listed {found}, there are {sorted(look.finished)}\n{answer.text}")

    def _end_home(self) -> None:
        """What the cache itself says of a home that went through all of this."""
        if not settle(self._orphans):
            self._fault("hang", "a step goes on after its run was killed")
        self._orphans = []
        self._listed()
        before = Look(self.world)
        self._take(before)
        for words in (("verify", "cache", "--deep"), ("prune", "cache", "--unfinished", "-f")):
            answer = self.world.run(*words)
            if answer.code:
                self._fault("failed", f"cm {' '.join(words)}\n{answer.text}")
        after = Look(self.world)
        self.counts["pruned"] += len(before.entries) - len(after.entries)
        nobody_lost(after, self._known, may_lack=set())
        left = {path.name for path in self.world.cache.iterdir()} - set(after.finished)
        if left - {".index"}:
            self._fault("garbage", f"after prune: {sorted(left)}")
        mark = self.world.recipes.mark()
        current = {s.number for s in after.finished.values() if s.kind == "app" and not s.old}
        apps = sorted({s.number for s in after.finished.values() if s.kind == "app"})
        for number in self._random.sample(apps, min(5, len(apps))):
            self.counts["served again, made anew for another tool"] += number not in current
            answer = self._run(number)
            self.counts["served again"] += 1
            if answer.code:
                self._fault("failed", answer.text)
        for what, kind, n, _ in self.world.recipes.steps(mark):
            if what == "start" and (kind != "app" or int(n) in current):
                self._fault("rebuilt", f"{kind} {n} was there")
