"""The executor of a process that builds ahead: all of a run but its publishing.

Whatever would have an effect that cannot be taken back or compared afterwards makes it give up
before it happens: changes of the host, questions, writing outside its own folders, requests other
than to run or find recipes. What it looked at is noted on the way and told in the end.
"""

from __future__ import annotations

import json
import os
import time

from cm_script.executor import Executor, Exports
from cm_script.jobs import effects
from cm_script.jobs.guard import Guard
from cm_script.jobs.independence import reads_of
from cm_script.planning.source import Source
from cm_script.reads import Reads, RecipeReads
from cm_script.reads_meta import of_block
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cm_script.jobs.child import Child
    from cm_script.jobs.noting import ChildEngine
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cm_script.select import Choice
    from cmcore.types import CacheRequest, Outcome, Reservation


class Builder(Executor):
    """Acts in folders of its own and keeps results back.

    Attributes:
        pending: what was built, in order: run, reservation, request, outcome, entry as shown here.
        lookups: what the cache was asked, and the entries it had.
    """

    engine: ChildEngine

    def __init__(self, engine: ChildEngine, child: Child) -> None:
        super().__init__(engine)
        self.child = child
        self.pending: list[tuple[RecipeRun, Reservation, CacheRequest, Outcome, CacheEntry]] = []
        self.lookups: list[tuple[CacheRequest, list[str]]] = []
        self.requests: dict[str, CacheRequest] = {}
        self.adr: dict[str, Any] | None = None
        self.const_state: dict[str, Any] = {}
        self.seen_env: dict[str, Any] = {}
        self.guard = Guard(engine.ctx.paths.home, child.give_up)

    def chosen(self, choice: Choice) -> None:
        """A choice that a person would have made is left to them."""
        super().chosen(choice)
        if choice.note and self.engine.console.interactive and not self.engine.quiet:
            self.child.give_up("it would ask which recipe to take")

    def decided(self, run: RecipeRun, dep: Dep, kind: str, reason: str) -> None:
        """What a dependency's conditions and tags are made from has been looked at."""
        self.engine.note(of_block(dep))
        super().decided(run, dep, kind, reason)

    def entries(self, request: CacheRequest) -> Sequence[CacheEntry]:
        """Entries that are there, noted, and those that were built here."""
        found = list(super().entries(request))
        self.lookups.append((request, [entry.uid for entry in found]))
        mine = [
            entry
            for _, _, made, _, entry in self.pending
            if (made.recipe_uid, made.dialect) == (request.recipe_uid, request.dialect)
            and set(request.tags) <= set(entry.tags)
            and not set(request.excluded) & set(entry.tags)
        ]
        return sorted(found + mine, key=lambda e: (sorted(e.tags), e.created)) if mine else found

    def published(self, entry: CacheEntry) -> Mapping[str, Any] | None:
        """What an entry holds, also of one that was built here."""
        for _, _, _, outcome, made in self.pending:
            if made is entry:
                state: dict[str, Any] = json.loads(json.dumps(dict(outcome.state)))
                return state
        return super().published(entry)

    def own_check(self, run: RecipeRun, entry: CacheEntry) -> str:
        """A check that the recipe has itself is code that runs in its turn."""
        script = os.path.join(run.artifact.path, "validate_cache" + run.os_info["bat_ext"])
        if os.path.isfile(script):
            self.child.give_up(f"{run.artifact.alias} checks its cached result itself")
        return ""

    def build(self, run: RecipeRun, request: CacheRequest, old: CacheEntry | None) -> Exports:
        """Build in a folder of its own, unless there is something to be built again."""
        if old is not None:
            self.child.give_up(f"an older result of {run.artifact.alias} is built again")
        tags = [*request.tags, f"{run.dialect.script_link_tag}{run.artifact.uid}"]
        call = {"action": "search", "automation": "cache", "tags": ",".join(tags)}
        if run.ctx.access(call).get("list"):
            self.child.give_up(f"an older result of {run.artifact.alias} was turned down")
        if self.adr is None:
            self.adr = json.loads(json.dumps(run.scope.adr))
            self.const_state = json.loads(json.dumps(run.scope.const_state))
        return super().build(run, request, old)

    def reserve(
        self, run: RecipeRun, request: CacheRequest, refresh: CacheEntry | None
    ) -> Reservation | CacheEntry | None:
        """A folder that nobody waits for."""
        ctx = self.engine.ctx
        got = ctx.manager.cache_reserve(ctx, request, None, True)
        if got is None or isinstance(got, CacheEntry) or got.resumed:
            if got is not None and not isinstance(got, CacheEntry):
                ctx.manager.cache_release(ctx, got, "it was left for its turn")
            self.child.give_up("there is something to go on with")
            raise AssertionError
        self.requests[got.uid] = request
        self.guard.allow(got.path)
        self.child.say(folder=got.uid)
        return got

    def publish(
        self, run: RecipeRun, reservation: Reservation, outcome: Outcome
    ) -> CacheEntry | None:
        """Keep the result back; look-ups of this process find it."""
        self._resolve(run)
        request = self.requests[reservation.uid]
        meta = {"key": dict(request.key), "class": request.key.get("class", ""), **outcome.meta}
        entry = CacheEntry(
            reservation.uid, reservation.path, outcome.tags, outcome.version, meta, time.time()
        )
        self.pending.append((run, reservation, request, outcome, entry))
        return entry

    def publish_all(self) -> list[str]:
        """Make everything visible, in the order in which it was built.

        Raises:
            CmError: it cannot be written; or another process has built, or builds, the same.
        """
        ctx = self.engine.ctx
        for run, reservation, _, outcome, _ in self.pending:
            once = outcome._replace(once=not run.options.new)
            entry = ctx.manager.cache_publish(ctx, reservation, once)
            if entry is not None and entry.uid != reservation.uid:
                raise CmError(f"another process has built {run.name} meanwhile")
        return [reservation.uid for _, reservation, _, _, _ in self.pending]

    # -- before anything acts -------------------------------------------------------------------

    def load_code(self, run: RecipeRun) -> None:
        """Load the recipe's code, unless its texts change the host."""
        what = effects.shared(run, Source(run))
        if what:
            self.child.give_up(f"{run.artifact.alias} may change {what}")
        self._see(run)
        with self.guard:
            super().load_code(run)

    def hook(self, run: RecipeRun, name: str) -> dict[str, Any]:
        """Call a hook while what it writes is watched."""
        self._see(run)
        with self.guard:
            return super().hook(run, name)

    def native_step(self, run: RecipeRun) -> dict[str, Any]:
        """Run the native step, unless it seems to write elsewhere."""
        self._see(run)
        source = Source(run)
        what = effects.in_commands(run, source)
        if what:
            self.child.give_up(f"{run.artifact.alias} may change {what}")
        for path in sorted(effects.written(run, source)):
            if not effects.inside(os.path.realpath(path), self.guard.own):
                self.child.give_up(f"{run.artifact.alias} may write to {path}")
        with self.guard:
            answer = super().native_step(run)
        if run.reservation is None:
            self._resolve(run)
        return answer

    def enter_folder(self, path: str) -> None:
        """Make and enter a folder inside its own."""
        if not effects.inside(os.path.realpath(path), self.guard.own):
            self.child.give_up(f"it works in {path}")
        super().enter_folder(path)

    def _resolve(self, run: RecipeRun) -> None:
        """Note the variables that other variables name as what the recipe exports."""
        indirect = Reads(indirect=reads_of(run.artifact).env.indirect)
        if run.reservation is None and indirect.indirect and run.scope.deps("post_deps"):
            self.engine.note(RecipeReads(Reads(everything=True)))
        self.engine.note(RecipeReads(indirect.resolved(run.env)))

    def _see(self, run: RecipeRun) -> None:
        self.seen_env.update({k: v for k, v in run.env.items() if "/" in str(v)})
