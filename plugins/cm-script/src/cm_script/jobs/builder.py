"""The engine and the executor of a process that builds ahead: all of a run but its publishing.

Whatever would have an effect that cannot be taken back or compared afterwards makes it give up
before it happens: changes of the host, questions, writing outside its own folders, requests other
than to run or find recipes. What it looked at is noted on the way and told in the end.
"""

from __future__ import annotations

import json
import os
import time

from cm_script.engine import Engine
from cm_script.executor import Executor, Exports
from cm_script.flags import CacheWishes
from cm_script.jobs import adopt, effects
from cm_script.jobs.guard import Guard
from cm_script.jobs.independence import reads_of
from cm_script.planning.source import Source
from cm_script.reads import RecipeReads
from cm_script.reads_meta import of_block
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cm_script.jobs.child import Child
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cm_script.select import Choice
    from cmcore.context import Context
    from cmcore.types import Artifact, CacheRequest, Outcome, Reservation

#: Requests of recipe code that only look at recipes, or run them.
_LOOKING = ("run", "search", "find", "show", "load")
_NOUNS = ("script", "5b4e0237da074764", "utils", "dc2743f8450541e3", "automation")


class ChildEngine(Engine):
    """Runs one dependency and notes what its run looked at."""

    def __init__(self, ctx: Context, child: Child) -> None:
        super().__init__(ctx)
        self.child = child
        self.builder = Builder(self, child)
        self.executor = self.builder
        self.looked_at = RecipeReads()
        self.queries: set[str] = set()
        self.top: RecipeRun | None = None
        self.depth = 0

    def take(self, request: dict[str, Any]) -> None:
        """Start from where the run stands."""
        from cm_script.facade.session import session_of

        self.chain, self.keys = list(request["chain"]), list(request["keys"])
        self.quiet, self.silent = request["quiet"], request["silent"]
        self.verbose = request["verbose"]
        self.cache = CacheWishes(*request["cache"])
        self.record, self.timed = request["record"], request["timed"]
        if request["request"] is not None:
            action, noun, words, flags, command, person = request["request"]
            given = tuple(command) if command is not None else None
            self.request = Request(action, noun, tuple(words), flags, given, person)
        setting = request["setting"]
        # As it was there: the start of an interpreter may add to it (LC_CTYPE).
        os.environ.clear()
        os.environ.update(setting["process"])
        self.literal, self.imported = set(setting["literal"]), dict(setting["imported"])
        for choice in setting["remembered"]:
            if choice["type"] == "cache":
                choice = {**choice, "tags": frozenset(choice["tags"])}
            self.remembered.append(choice)
        session = session_of(self)
        session._front, session._back = (list(paths) for paths in setting["path"])
        self.setting = setting
        self.depth = len(self.chain)
        self.first_version = len(request["inputs"]["run_state"].get("version_info") or ())

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Run a recipe; what its entry sets joins what it looks at."""
        self.note(of_block({"env": inputs.get("local_env"), "state": inputs.get("local_state")}))
        return super().run(inputs)

    def note(self, found: RecipeReads) -> None:
        """Something was looked at."""
        self.looked_at = self.looked_at.joined(found)

    def enter(self, run: RecipeRun) -> None:
        """A recipe begins: what it looks at is known from its files."""
        super().enter(run)
        if self.top is None:
            self.top = run
        self.note(reads_of(run.artifact))

    def recipes(self, artifact: str, tags: str) -> list[Artifact]:
        """Recipes by name and tags; choices for these tags made elsewhere would have counted."""
        self.queries.add(tags)
        return super().recipes(artifact, tags)

    def access(self, i: Any, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A request by recipe code, as long as it does nothing but run and find recipes."""
        call = i if isinstance(i, dict) else {}
        noun = str(call.get("automation") or call.get("target") or "").split(",")[0]
        if call.get("action") not in _LOOKING or noun not in _NOUNS:
            self.child.give_up(f"its hooks ask for {call.get('action')} {noun}".rstrip())
        return super().access(i, *args, **kwargs)

    def report(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that the other side needs to judge and to take over."""
        assert self.top is not None
        now = adopt.setting(self)
        for key in ("process", "path"):
            if now[key] != self.setting[key]:
                self.child.give_up(f"its hooks change the {key} of the whole request")
        run, built = self.top, self.builder
        if not built.pending or built.pending[-1][0] is not run:
            self.child.give_up("its result came from elsewhere")
        if run.scope.const_state != built.const_state:
            self.child.give_up("it changes constants of the request")
        known = self.setting["remembered"]
        before = self.setting["imported"]
        return {
            "reads": adopt.reads_as_dict(self.looked_at.env),
            "reads_state": adopt.reads_as_dict(self.looked_at.state),
            "paths": self.paths(),
            "queries": sorted(self.queries),
            "lookups": [[adopt.request_as_list(r), uids] for r, uids in built.lookups],
            "names": sorted(self.dependency_names),
            "records": self.records[:-1],
            "remembered": [c for c in now["remembered"] if c not in known],
            "imported": {k: v for k, v in self.imported.items() if before.get(k) != v},
            "request": adopt.request_as_list(built.pending[-1][2]),
            "adr_begun": built.adr,
            "adr": run.scope.adr,
            "new_env": answer["new_env"],
            "new_state": answer["new_state"],
            "version": run.version,
            "ran_deps": list(run.ran_deps),
            "version_info": run.run_state["version_info"][self.first_version : -1],
        }

    def paths(self) -> list[str]:
        """Values of variables by which files outside could have been read."""
        found = self.builder.seen_env
        return sorted({str(v) for k, v in found.items() if self.looked_at.env.looks_at(k)})


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
        request = self.requests[reservation.uid]
        meta = {"key": dict(request.key), "class": request.key.get("class", ""), **outcome.meta}
        entry = CacheEntry(
            reservation.uid, reservation.path, outcome.tags, outcome.version, meta, time.time()
        )
        self.pending.append((run, reservation, request, outcome, entry))
        return entry

    def publish_all(self) -> list[str]:
        """Make everything visible, in the order in which it was built."""
        ctx = self.engine.ctx
        for _, reservation, _, outcome, _ in self.pending:
            ctx.manager.cache_publish(ctx, reservation, outcome)
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
            return super().native_step(run)

    def enter_folder(self, path: str) -> None:
        """Make and enter a folder inside its own."""
        if not effects.inside(os.path.realpath(path), self.guard.own):
            self.child.give_up(f"it works in {path}")
        super().enter_folder(path)

    def _see(self, run: RecipeRun) -> None:
        self.seen_env.update({k: v for k, v in run.env.items() if "/" in str(v)})
