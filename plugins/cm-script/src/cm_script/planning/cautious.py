"""A walk that takes nothing for sure that code, a person or another recipe may change.

What it calls sure stops a run before it begins, so a doubt that turns out idle costs little (the
run meets the failure itself), and a doubt that was forgotten refuses a run that would have worked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from cm_script import cacheuse
from cm_script.planning import changes
from cm_script.planning.certainty import Knowledge, undecided, undecided_tags
from cm_script.planning.node import Node
from cm_script.planning.planner import Planner
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.planning.source import Source
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cm_script.select import Choice
    from cmcore.errors import CmError
    from cmcore.types import Artifact, CacheEntry, CacheRequest

#: Code that brings further recipes to the host while it runs.
_BRINGS_RECIPES = re.compile(r"""\b(?:cm|mlc)r? (?:pull|add) |['"](?:pull|add)['"].*['"]repo""")


class Cautious(Planner):
    """Marks every node as unsure whose being there, or whose recipe, is open to what acts.

    Attributes:
        more_recipes: whether code that will run seems to bring further recipes to the host.
    """

    def __init__(self, engine: Engine, *, asks: bool) -> None:
        super().__init__(engine)
        self._asks = asks
        self.more_recipes = False
        self._edits_open = False
        self._other_recipe: set[int] = set()
        self._metas: dict[str, changes.Meta] = {}

    def chosen(self, choice: Choice) -> None:
        """A choice that a person will be asked about is open."""
        super().chosen(choice)
        if choice.note and self._asks and self.stack:
            self.stack[-1].sure = False

    def composed(self, run: RecipeRun) -> None:
        """Values made from open ones are open, and so is a recipe whose own blocks are."""
        super().composed(run)
        here = self.stack[-1]
        parent = self.stack[-2].run if len(self.stack) > 1 else None
        for one in (run, parent):
            if one is not None and self.knowledge.open:
                self._forget_made(one, here.label)
        self._judge_blocks(run, run.scope.conditionals, here)

    def _forget_made(self, run: RecipeRun, who: str) -> None:
        if "<<<" not in run.artifact.meta_json:
            return
        for key, names in self._meta(run.artifact).made_from.items():
            if any(self.knowledge.who_sets(name) for name in names):
                self.knowledge.forget([key], who)

    def _meta(self, recipe: Artifact) -> changes.Meta:
        if recipe.path not in self._metas:
            self._metas[recipe.path] = changes.of_meta(recipe.meta)
        return self._metas[recipe.path]

    def _judge_blocks(self, run: RecipeRun, blocks: object, here: Node) -> None:
        """An `update_meta_if_env` that is open may change whatever it names, and more."""
        for block in blocks if isinstance(blocks, list) else ():
            known = isinstance(block, Mapping)
            if known and not undecided(block, run.env, run.dialect, self.knowledge):
                continue
            here.sure = False
            self.knowledge.forget(changes.ANYTHING, here.label)
            self._edits_open = self._edits_open or changes.of_meta(block).edits

    def load_code(self, run: RecipeRun) -> None:
        """Nothing: what a step needs from the host is for plans."""
        if not self.more_recipes and _brings_recipes(self.source(run)):
            self.more_recipes = True

    def decided(self, run: RecipeRun, dep: Dep, kind: str, reason: str) -> None:
        """What comes after the code of a recipe is open to what that code does."""
        super().decided(run, dep, kind, reason)
        here = self.coming
        if reason or here is None:
            return
        if undecided_tags(dep, run.dialect, self.knowledge):
            self._other_recipe.add(id(here))
        self._judge_blocks(run, dep.get("update_meta_if_env"), here)
        source = self.source(run)
        first = "predeps" if kind == "deps" else "preprocess"
        bent = (source.has(first) or source.has("predeps")) and changes.may_bend(source)
        if bent or self.more_recipes or (self._edits_open and dep.get("names")):
            here.sure = False

    def _look_ahead(self, run: RecipeRun, here: Node) -> None:
        super()._look_ahead(run, here)
        self._may_export(here)

    def _may_export(self, here: Node) -> None:
        """A node that may not be there, or be another, makes what it exports open."""
        if here.recipe is None or id(here) in self._other_recipe:
            self.knowledge.forget(changes.ANYTHING, here.label)
            self._edits_open = True
            return
        meta = self._meta(here.recipe)
        self.knowledge.forget(meta.exports, here.label)
        self._edits_open = self._edits_open or meta.edits

    def _failed(self, here: Node, error: CmError, inputs: Mapping[str, Any]) -> None:
        if here.run is None and here.recipe is not None and self.knowledge.open:
            # It was not composed to the end, so nobody has judged what it was composed from.
            versions = ("CM_VERSION", "MLC_VERSION")
            if self._meta(here.recipe).blocks or any(map(self.knowledge.who_sets, versions)):
                here.sure = False
        super()._failed(here, error, inputs)
        if not all(node.sure for node in self.stack):
            self.knowledge.forget(changes.ANYTHING, here.label)

    def _ended(self, here: Node, outside: Knowledge) -> None:
        cached = list(here.hit.get("keys") or ())
        super()._ended(here, outside)
        run = here.run
        if run is None:
            return
        if not here.sure:
            self.knowledge.forget(cached, here.label)
            self._may_export(here)
        elif any("<<<" in str(key) for key in run.scope.new_env_keys) and here.walked:
            self.knowledge.forget(changes.ANYTHING, here.label)
        source = self.source(run)
        if source.may_run_another and here.walked and not cacheuse.fake(run):
            self.knowledge.forget(changes.ANYTHING, here.label)

    def entries(self, request: CacheRequest) -> Sequence[CacheEntry]:
        """Whether an entry fits that is only to be made is open as long as its tags are."""
        here = self.stack[-1]
        noted = len(here.notes)
        found = super().entries(request)
        if len(here.notes) > noted:
            here.sure = False
        return found

    def own_check(self, run: RecipeRun, entry: CacheEntry) -> str:
        """An entry that the recipe itself may turn down is open."""
        script = "validate_cache" + run.os_info["bat_ext"]
        if os.path.isfile(os.path.join(run.artifact.path, script)):
            self.stack[-1].sure = False
        return super().own_check(run, entry)

    def hook(self, run: RecipeRun, name: str) -> dict[str, Any]:
        """A hook may set more than what it seems to set."""
        answer = super().hook(run, name)
        source = self.source(run)
        if source.has(name) and not cacheuse.fake(run):
            self.knowledge.forget(changes.of_code(source), run.artifact.alias)
        return answer

    def native_step(self, run: RecipeRun) -> dict[str, Any]:
        """A native step may tell any variable to what comes after it in its recipe."""
        if self.source(run).native:
            self.knowledge.forget(changes.ANYTHING, run.artifact.alias)
        new = (run.scope.meta.get("env_key_mappings") or {}).values()
        self.knowledge.forget([f"{start}*" for start in new], run.artifact.alias)
        return super().native_step(run)


def _brings_recipes(source: Source) -> bool:
    texts = [source.code, *source.scripts.values()]
    return any(_BRINGS_RECIPES.search(text) for text in texts)
