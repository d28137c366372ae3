"""The executor of a plan: it notes what a run would do and does none of it.

It keeps three things right that a run gets from doing: what a cached result exports reaches the
steps after it, what a step of this very plan will have cached is found by later ones, and what
only a run can tell is known to be unknown.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from cm_script import body, cacheuse
from cm_script.executor import Exports
from cm_script.planning import misses, needs, node, origins
from cm_script.planning.certainty import undecided, undecided_tags
from cm_script.planning.later import Later, later_entries
from cm_script.planning.node import Node
from cm_script.planning.source import Source
from cm_script.planning.undefined import Open
from cm_script.planning.walk import ComesBack, Walker, same
from cm_script.results import snapshot
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cm_script.select import Choice
    from cmcore.types import CacheEntry, CacheRequest


class Planner(Walker):
    """Walks where a run would act."""

    # -- what the walk tells --------------------------------------------------------------------

    def check_folder(self) -> None:
        """Nothing: a plan leaves nothing in the folder."""

    def chosen(self, choice: Choice) -> None:
        """Note which recipe was chosen and on what grounds."""
        if self.stack and self.stack[-1].recipe is None:
            self.stack[-1].recipe, self.stack[-1].why = choice.artifact, choice.reason

    def composed(self, run: RecipeRun) -> None:
        """Note what a recipe was composed to."""
        here = self.stack[-1]
        here.run, here.recipe = run, run.artifact
        here.variations = origins.of(run)
        self._refuse_return(here)
        defaults = origins.default_keys(run.artifact)
        self.knowledge.learn(
            key
            for key, value in run.env.items()
            if (key not in here.before or here.before[key] != value) and key not in defaults
        )
        for block in run.scope.conditionals:
            for key in undecided(block, run.env, run.dialect, self.knowledge):
                self._unknown(here, f"a conditional block (update_meta_if_env) looks at {key}", key)
                here.open = True

    def _refuse_return(self, here: Node) -> None:
        """Do not go round a circle that exists only as long as nothing has run."""
        unsure = not here.sure
        for above in reversed(self.stack[:-1]):
            if unsure and above.run is not None and same(above.run, here.run):
                raise ComesBack(above.step)
            unsure = unsure or not above.sure

    def _unknown(self, here: Node, text: str, key: str) -> None:
        here.note(f"{text}, which {self.knowledge.who_sets(key) or 'the recipe'} may set")

    def decided(self, run: RecipeRun, dep: Dep, kind: str, reason: str) -> None:
        """Note a dependency whose conditions were judged."""
        if reason and run.entry is not None and not dep.get("dynamic"):
            return  # It would not run for a cached result, whatever its conditions.
        here = Node(kind, str(dep.get("tags") or ""))
        parent = self.stack[-1]
        # Constants and facts about the host are the same again after every dependency.
        self.knowledge.learn(run.scope.const)
        self.knowledge.learn(run.os_info.get("env") or {})
        keys = undecided(dep, run.env, run.dialect, self.knowledge)
        for key in keys:
            self._unknown(here, f"its condition looks at {key}", key)
        if keys:
            here.sure = False
        here.condition = reason
        if reason:
            parent.children.append(here)
            if keys:
                here.outcome = node.MAYBE
                self._look_ahead(run, here)
            return
        for key in undecided_tags(dep, run.dialect, self.knowledge):
            here.sure = False
            self._unknown(here, f"its tags depend on {key}", key)
        if run.options.fake_deps or run.run_state.get("fake_deps"):
            here.outcome = node.LISTED
            parent.children.append(here)
        else:
            self.coming = here

    def _look_ahead(self, run: RecipeRun, here: Node) -> None:
        """Which recipe a dependency would be if its conditions turned out to hold."""
        from cm_script.choose import choose_recipe

        self.stack.append(here)
        inputs = {
            "tags": here.asked,
            "run_state": {"parent_form": run.dialect.name},
            "skip_remembered_selections": True,
            "skip_cache": True,
        }
        try:
            artifact, _ = choose_recipe(self.engine, inputs)
        except CmError as error:
            if "<<<" not in here.asked:
                text = f"may fail, unknown until run: {error.message}"
                self.problem("warning", text, error.where, error.hint)
        else:
            patterns = [str(key) for key in artifact.meta.get("new_env_keys") or ()]
            self.knowledge.forget([p for p in patterns if "<<<" not in p], here.label)
        finally:
            self.stack.pop()

    # -- the cache ------------------------------------------------------------------------------

    def cached(self, request: CacheRequest) -> Sequence[CacheEntry]:
        """Entries that are there."""
        return super().entries(request)

    def entries(self, request: CacheRequest) -> Sequence[CacheEntry]:
        """Entries that are there, and those that earlier steps of this plan will have made."""
        found = list(self.cached(request))
        fitting, doubts = later_entries(self.later, request)
        for doubt in doubts:
            self.stack[-1].note(doubt)
        self._doubt([*found, *fitting])
        # The order in which a cache shows entries: by their tags, then by age.
        return (
            sorted(found + fitting, key=lambda e: (sorted(e.tags), e.created)) if fitting else found
        )

    def _doubt(self, found: Iterable[CacheEntry]) -> None:
        """Note entries that were made with a variable which nobody knows before the run."""
        here = self.stack[-1]
        for entry in found:
            for name in entry.meta.get("inputs") or ():
                if self.knowledge.who_sets(name):
                    text = f"whether a cached result fits: it was made with {name}"
                    self._unknown(here, text, name)
                    here.sure = False

    def turned_down(self, run: RecipeRun, entry: CacheEntry, flaw: str) -> None:
        """Note why an entry is not served."""
        self.stack[-1].turned_down.append(f"entry {entry.uid}: {flaw}")

    def own_check(self, run: RecipeRun, entry: CacheEntry) -> str:
        """A recipe's own check is code: what it would say is unknown."""
        if os.path.isfile(
            os.path.join(run.artifact.path, "validate_cache" + run.os_info["bat_ext"])
        ):
            self.stack[-1].note("whether its own check (validate_cache) accepts the cached result")
        return ""

    def published(self, entry: CacheEntry) -> Mapping[str, Any] | None:
        """What an entry holds, without marking it as used."""
        here = self.stack[-1]
        later = next((one for one in self.later if one.entry is entry), None)
        if later is not None:
            here.hit = {"step": later.step, "keys": list(later.known())}
            here.hit |= {"uid": "", "path": "", "since": None, "version": entry.version}
            return {"new_env": snapshot(later.exports[0]), "new_state": snapshot(later.exports[1])}
        shared = entry.meta.get("upstream")
        shown = shared.get("state") if isinstance(shared, Mapping) else self._shown(entry)
        state: Mapping[str, Any] | None = None
        if isinstance(shown, Mapping) and isinstance(shown.get("new_env"), dict):
            state = shown
        if state is None:
            here.turned_down.append(f"entry {entry.uid} is damaged")
            return None
        here.hit = {
            "step": 0,
            "keys": list(state["new_env"]),
            "uid": entry.uid,
            "path": entry.path,
            "since": entry.created,
            "version": entry.version,
        }
        if isinstance(shared, Mapping):
            here.hit["upstream"] = shared.get("place")
        return state

    def _shown(self, entry: CacheEntry) -> object:
        call = {"action": "show", "automation": "cache", "artifact": entry.uid, "env": True}
        return (self.engine.ctx.access(call).get("list") or [{}])[0]

    def build(self, run: RecipeRun, request: CacheRequest, old: CacheEntry | None) -> Exports:
        """Walk through a recipe whose result would be cached; later steps will find it."""
        here = self.stack[-1]
        run.asked_env = dict(run.env)
        here.hit = {}
        if old is not None and run.options.renew:
            here.miss = f"--renew builds entry {old.uid} again"
            body.recall(run, old)
            here.hit = {}
        else:
            here.miss = misses.reason(run, request, here.turned_down)
        exports = body.execute(run)
        self.later.append(Later.made_by(run, here.step, request, exports, self.source(run).acts))
        return exports

    # -- what is not done -----------------------------------------------------------------------

    def remove(self, names: Iterable[object]) -> None:
        """Nothing is removed; but the walk got as far as this."""
        here = self.stack[-1]
        here.walked = True
        if here.run is not None:
            # Taken now: the environment that holds it is put back when the recipe ends.
            here.version["effective"] = here.run.text("VERSION")

    def load_code(self, run: RecipeRun) -> None:
        """Code of the recipe is read, not loaded."""
        source, here = self.source(run), self.stack[-1]
        if source.may_skip:
            here.note("its preprocess may leave it out")
        if source.runs_recipes:
            here.note("its hooks may run further recipes")
        here.needs = needs.of(run, source)

    def hook(self, run: RecipeRun, name: str) -> dict[str, Any]:
        """A hook is not called; what it may set is open from here on."""
        source = self.source(run)
        if cacheuse.fake(run) or not source.has(name):
            return {}
        self.knowledge.forget(source.assigned, run.artifact.alias)
        if source.computes_names:
            self.knowledge.forget(self.exported(run), run.artifact.alias)
        return {}

    def native_step(self, run: RecipeRun) -> dict[str, Any]:
        """The native step is not run; its posthook dependencies are walked through."""
        source = self.source(run)
        if run.scope.script_name and not source.native:
            wanted = run.scope.script_name + run.os_info["bat_ext"]
            if not source.code:
                raise NotFoundError(
                    f"recipe {run.name}: its native script {wanted} is missing",
                    where=run.artifact.path,
                    hint="add the file, or remove script_name from the recipe",
                )
        self._open_placeholders(run, source)
        if source.script:
            self.knowledge.forget(source.exported, run.artifact.alias)
        run.run_deps("posthook_deps")
        self.hook(run, "postprocess")
        return {}

    def _open_placeholders(self, run: RecipeRun, source: Source) -> None:
        from cm_script.placeholders import names

        here = self.stack[-1]
        for key, value in run.env.items():
            if key in here.before and here.before[key] == value:
                continue
            for name in names(value):
                if name in run.env:
                    continue
                who = self.knowledge.who_sets(name)
                if who or name in source.code:
                    here.note(f"{key} refers to {name}, which {who or 'the recipe'} may set")
                else:
                    self.unfilled.append(Open(here, key, str(value), name))

    def enter_folder(self, path: str) -> None:
        """Folders are neither made nor entered."""

    def finish(self, run: RecipeRun) -> None:
        """Nothing is there to be tidied up; what is known by now completes the node."""
        here = self.stack[-1]
        effective = here.hit.get("version") if here.hit else here.version.get("effective")
        here.version = {
            "requested": dict(run.scope.version_request),
            "default": run.scope.default_version,
            "effective": effective or "",
        }
        if not here.hit and not here.miss:
            here.miss = misses.not_asked(run)

    def save_env(self, run: RecipeRun, new_env: dict[str, Any]) -> None:
        """Nothing is saved."""
