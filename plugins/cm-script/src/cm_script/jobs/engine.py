"""The engine and the executor of a run with `--jobs`: the serial walk, with work done ahead."""

from __future__ import annotations

import os
import time

from cm_script import body, cacheuse
from cm_script.engine import Engine
from cm_script.executor import Executor, Exports
from cm_script.facade.session import session_of
from cm_script.jobs import adopt, ahead, effects
from cm_script.jobs.pool import Job, Pool
from cm_script.merge import copied
from cm_script.planning.source import Source
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Reservation

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cmcore.context import Context
    from cmcore.types import CacheEntry, CacheRequest, Request


def count(wanted: object) -> int:
    """How many processes `--jobs` or the setting `script.jobs` ask for.

    Raises:
        UsageError: neither a number from 1 on nor `auto`.
    """
    text = str(wanted).strip().lower()
    if os.name == "nt":
        raise UsageError("--jobs builds side by side on Linux and macOS only")
    if text == "auto":
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if isinstance(wanted, bool) or not text.isdecimal() or not int(text):
        raise UsageError(
            f"--jobs takes a number from 1 on or auto, not '{'' if wanted is True else wanted}'",
            hint="--jobs=4 builds up to four independent dependencies at once",
        )
    return int(text)


class JobsEngine(Engine):
    """Runs recipes for one request, and builds some of them ahead.

    Args:
        most: processes in all, this one included; at least 2.
    """

    def __init__(self, ctx: Context, most: int) -> None:
        super().__init__(ctx)
        self.pool = Pool(self, most - 1)
        self.walker = JobsExecutor(self)
        self.executor = self.walker

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Run one recipe, with the result of a job where there is one that holds."""
        job = self.walker.take_due()
        try:
            if job is not None:
                self.walker.ready = self._judged(job, inputs)
                if self.walker.ready is None:
                    self.pool.drop(job)  # before its folder is taken for one to go on in
            answer = super().run(inputs)
            if job is not None and job.published:
                self.records[-1]["beside"] = True
            return answer
        finally:
            if job is not None:
                self.walker.ready = None
                self.pool.drop(job)
            if not self.chain:
                self.pool.close()

    def _judged(self, job: Job, inputs: dict[str, Any]) -> Job | None:
        """The job, when its result is what would be built now; waits for it."""
        touched, shared = self.walker.since(job)
        if shared:
            self.explain(f"  {job.label}: built beside in vain, {shared} changed")
            return None
        if not job.poll():
            self.explain(f"  waiting for {job.label}, which is being built beside")
        self.pool.settle(job, None)
        if "done" not in (job.answer or {}):
            return None
        why = adopt.flaw(job, inputs, self, touched, shared)
        if why:
            self.pool.say(f"{job.label}: what was built beside is not used: {why}")
            return None
        return job


class JobsExecutor(Executor):
    """Does what the walk asks for, and looks ahead in the lists that it goes through.

    Attributes:
        ready: the job whose result the run that begins now may take over.
    """

    engine: JobsEngine

    def __init__(self, engine: JobsEngine) -> None:
        super().__init__(engine)
        self.ready: Job | None = None
        self._due: Job | None = None
        self._log: list[tuple[float, set[str], str]] = []
        self._seen: dict[int, int] = {}
        self._acts = 0

    def take_due(self) -> Job | None:
        """The job of the dependency that was decided last, once."""
        job, self._due = self._due, None
        return job

    def decided(self, run: RecipeRun, dep: Dep, kind: str, reason: str) -> None:
        """A dependency comes next: see what behind it can be built while it runs."""
        super().decided(run, dep, kind, reason)
        pool = self.engine.pool
        job = pool.of(dep)
        if reason and job is not None:
            pool.drop(job)  # what ran meanwhile made its conditions fail
        self._due = None if reason else job
        # A person who wants a shell before some step wants it in this very process.
        if reason or run.entry is not None or self._fake(run) or self.engine.stop is not None:
            return
        deps = run.scope.deps(kind)
        at = next((n for n, one in enumerate(deps) if one is dep), None)
        # Once at the beginning of a list, and again when something has been done since.
        if at is None or at + 1 >= len(deps) or self._seen.get(id(deps)) == self._acts:
            return
        if pool.free > 0:
            self._seen[id(deps)] = self._acts
            self._look_ahead_in(run, deps[at:], kind)

    def _fake(self, run: RecipeRun) -> bool:
        return bool(run.options.fake_deps or run.run_state.get("fake_deps"))

    def _look_ahead_in(self, run: RecipeRun, deps: list[Dep], kind: str) -> None:
        try:
            foreseen = ahead.rest_of(run, deps, kind)
            obstacles = ahead.independent(foreseen)
        except (CmError, LookupError, TypeError, ValueError, AttributeError) as error:
            # Whatever is wrong with the rest of the list is told when its turn comes.
            self.engine.explain(f"  nothing is built ahead: {error}")
            return
        for at, why in obstacles.items():
            if why:
                self.engine.explain(f"  {foreseen[at].label} in its turn: {why}")
            elif self.engine.pool.of(deps[at]) is None and self.engine.pool.free > 0:
                self._start(run, deps[at], kind, foreseen[at].label)

    def _start(self, run: RecipeRun, dep: Dep, kind: str, label: str) -> None:
        inputs = ahead.asked_for(run, dep, kind)
        if inputs is None or session_of(self.engine)._modules:
            return
        self._about_to_act(run, True)
        engine, ctx = self.engine, self.engine.ctx
        pool = engine.pool
        stamp = time.strftime("%Y%m%d-%H%M%S")
        number = len(os.listdir(ctx.paths.logs)) if os.path.isdir(ctx.paths.logs) else 0
        name = f"{stamp}-{label}-beside-{os.getpid()}-{number}.log"
        job = Job(dep, copied(inputs), label, os.path.join(ctx.paths.logs, name))
        job.setting = adopt.setting(engine)
        request = {
            "inputs": inputs,
            "environ": dict(ctx.environ),
            "home": ctx.paths.home,
            "interactive": engine.console.interactive,
            "chain": engine.chain,
            "keys": engine.keys,
            "quiet": engine.quiet,
            "silent": engine.silent,
            "verbose": engine.verbose,
            "timed": engine.timed,
            "cache": list(engine.cache),
            "record": engine.record,
            "request": _listed(engine.request),
            "setting": job.setting,
        }
        if not _plain(request):
            engine.explain(f"  {label} in its turn: its inputs cannot be handed over")
            return
        try:
            job.start(request, os.getcwd())
        except OSError as error:
            engine.console.warn(f"{label} could not be built beside: {error.strerror}")
            return
        pool.jobs.append(job)
        pool.say(f"{label}: being built beside (log: {job.log})")

    # -- what a job may be used for -------------------------------------------------------------

    def build(self, run: RecipeRun, request: CacheRequest, old: CacheEntry | None) -> Exports:
        """Build a recipe, or take over what a job built for this very request."""
        job, self.ready = self.ready, None
        self._acts += 1
        if job is not None and old is None:
            exports = self._adopt(job, run, request)
            if exports is not None:
                return exports
        return super().build(run, request, old)

    def _adopt(self, job: Job, run: RecipeRun, request: CacheRequest) -> Exports | None:
        done = (job.answer or {})["done"]
        known = adopt.request_as_list(request)
        if known[:4] != done["request"][:4] or known[5] != done["request"][5]:
            return None
        if done["adr_begun"] != done["adr"] and run.scope.adr != done["adr_begun"]:
            return None
        answer = job.publish()
        if "published" not in answer:
            self.engine.explain(f"  {job.label}: could not be published: {answer.get('failed')}")
            return None
        uid = answer["published"][-1]
        found = [entry for entry in self.entries(request) if entry.uid == uid]
        if not found:
            raise CmError(f"the cache lost entry {uid} of {run.name}")
        run.entry = found[0]
        run.reservation = Reservation(uid, found[0].path, False, None)
        run.version, run.ran_deps = done["version"], list(done["ran_deps"])
        run.run_state["version_info"] += done["version_info"]
        if done["adr_begun"] != done["adr"]:
            run.scope.adr.clear()
            run.scope.adr.update(copied(done["adr"]))
        adopt.take_over(self.engine, done)
        cached = cacheuse.state_of(run, found[0])
        if cached is None:
            raise CmError(f"the cache lost entry {uid} of {run.name}")
        return body.given_back(run, cached)

    # -- what happens meanwhile -----------------------------------------------------------------

    def since(self, job: Job) -> tuple[set[str], str]:
        """What steps have written to outside, and changed for everybody, since a job began."""
        later = [(paths, what) for when, paths, what in self._log if when >= job.started]
        paths = {path for found, _ in later for path in found}
        return paths, next((what for _, what in later if what), "")

    def load_code(self, run: RecipeRun) -> None:
        """Note that something is about to act, and what it changes for everybody."""
        self._acts += 1
        self.engine.pool.look()
        if self.engine.pool.jobs:
            what = effects.shared(run, Source(run))
            if effects.reaches_others(what):
                self._log.append((time.monotonic(), set(), what))
            if what.startswith(effects.MEASURES):
                self.engine.pool.wait()
        super().load_code(run)

    def native_step(self, run: RecipeRun) -> dict[str, Any]:
        """Note where a native step writes to."""
        if self.engine.pool.jobs:
            source = Source(run)
            paths = {os.path.realpath(path) for path in effects.written(run, source)}
            what = effects.in_commands(run, source)
            reaches = what if effects.reaches_others(what) else ""
            self._log.append((time.monotonic(), paths, reaches))
        return super().native_step(run)


def _listed(request: Request | None) -> list[Any] | None:
    if request is None:
        return None
    return [list(field) if isinstance(field, tuple) else field for field in request]


def _plain(request: dict[str, Any]) -> bool:
    """Whether JSON gives back what it is given."""
    import json

    try:
        return bool(json.loads(json.dumps(request)) == request)
    except (TypeError, ValueError, RecursionError):
        return False
