"""What a run does to the world, apart from the walk that decides when.

The story, the body and the chain say in which order things happen; whatever runs code, writes a
file or asks the cache goes through here. A plan walks the same way with another executor.
"""

from __future__ import annotations

import os

from cm_script.outputs import present
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Sequence

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.run import RecipeRun
    from cm_script.scope import Dep
    from cm_script.select import Choice
    from cmcore.types import CacheEntry, CacheRequest, Outcome, Reservation

#: What a recipe exports: environment and state.
Exports = tuple[dict[str, Any], dict[str, Any]]


class Foreseen(CmError):
    """The whole request would surely fail, so nothing was run; no single recipe is to blame."""


class Executor:
    """Does what the walk asks for.

    Attributes:
        look_ahead: called once, before the first thing that acts, with the recipe and whether it
            is about to be built in the cache; raises CmError when the run would surely fail.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.look_ahead: Callable[[RecipeRun, bool], None] | None = None

    def _about_to_act(self, run: RecipeRun, builds: bool = False) -> None:
        look, self.look_ahead = self.look_ahead, None
        if look is not None:
            look(run, builds)

    def check_folder(self) -> None:
        """Refuse to run where nothing can be written.

        Raises:
            CmError: the current folder cannot be written to.
        """
        if not os.access(".", os.W_OK):
            raise CmError(
                "the current folder cannot be written to",
                where=os.getcwd(),
                hint="change to a folder of your own; recipes leave their files where you stand",
            )

    def chosen(self, choice: Choice) -> None:
        """A recipe was chosen; say so when another one would have fitted as well."""
        if choice.note:
            tell = self.engine.explain if self.engine.chain else self.engine.console.log
            tell(choice.note)

    def decided(self, run: RecipeRun, dep: Dep, kind: str, reason: str) -> None:
        """The conditions of a dependency of list `kind` were judged; `reason` is why not."""
        if reason:
            self.engine.explain(f"  skip {dep.get('tags') or dep}: {reason}")

    def entries(self, request: CacheRequest) -> Sequence[CacheEntry]:
        """Finished cache entries that carry what `request` asks for."""
        ctx = self.engine.ctx
        return ctx.manager.cache_find(ctx, request) or []

    def turned_down(self, run: RecipeRun, entry: CacheEntry, flaw: str) -> None:
        """An entry that carries the right tags is not served; said to those who ask."""
        self.engine.explain(f"  cached entry {entry.uid} is not used: {flaw}")

    def own_check(self, run: RecipeRun, entry: CacheEntry) -> str:
        """Why the recipe's own check turns an entry down, or ""."""
        from cm_script.revalidate import rejected

        return rejected(run, entry)

    def published(self, entry: CacheEntry) -> Mapping[str, Any] | None:
        """What was published with an entry; None when no cache knows it.

        Raises:
            CmError: it is damaged.
        """
        ctx = self.engine.ctx
        return ctx.manager.cache_state(ctx, entry)

    def build(self, run: RecipeRun, request: CacheRequest, old: CacheEntry | None) -> Exports:
        """Run a recipe in a cache entry of its own; see `story.build`.

        Raises:
            CmError: a dependency, a hook, the native step or the cache failed.
        """
        from cm_script.story import build

        self._about_to_act(run, builds=True)
        return build(run, request, old)

    def reserve(
        self, run: RecipeRun, request: CacheRequest, refresh: CacheEntry | None
    ) -> Reservation | CacheEntry | None:
        """The right to build an entry, or the entry that came meanwhile; None without a cache.

        Raises:
            CmError: the cache cannot be written.
        """
        ctx = self.engine.ctx
        return ctx.manager.cache_reserve(ctx, request, refresh, run.options.new)

    def publish(
        self, run: RecipeRun, reservation: Reservation, outcome: Outcome
    ) -> CacheEntry | None:
        """Make a reserved entry visible.

        Raises:
            CmError: it cannot be written.
        """
        ctx = self.engine.ctx
        return ctx.manager.cache_publish(ctx, reservation, outcome)

    def load_code(self, run: RecipeRun) -> None:
        """Load the recipe's `customize.py`, if it has one.

        Raises:
            CmError: it cannot be loaded.
        """
        from cm_script.hooks import load_code

        run.code = load_code(run)

    def hook(self, run: RecipeRun, name: str) -> dict[str, Any]:
        """Call a hook of the recipe, if it has it; its answer, {} otherwise.

        Raises:
            CmError: the hook failed.
        """
        if run.code is None or not run.code.has(name):
            return {}
        self._about_to_act(run)
        self.engine.explain(f"  hook {name}")
        answer = run.code.call(name, run.hook_input())
        run.code.check(name, answer)
        return answer

    def native_step(self, run: RecipeRun) -> dict[str, Any]:
        """The native script, the posthook dependencies and `postprocess`; see `step.run_step`.

        Raises:
            CmError: one of them failed.
        """
        from cm_script.step import run_step

        self._about_to_act(run)
        return run_step(run, run.env, mode="postprocess")

    def enter_folder(self, path: str) -> None:
        """Make a folder and go there.

        Raises:
            CmError: that cannot be done.
        """
        try:
            os.makedirs(path, exist_ok=True)
            os.chdir(path)
        except OSError as error:
            raise CmError(
                f"cannot use the output folder: {error.strerror}",
                where=path,
                hint="see --outdirname",
            ) from None

    def remove(self, names: Iterable[object]) -> None:
        """Remove those files in the current folder that are there."""
        for name in present(map(str, names)):
            os.remove(name)

    def finish(self, run: RecipeRun) -> None:
        """Tidy up after a run that succeeded."""
        from cm_script import ending

        ending.clean(run)

    def save_env(self, run: RecipeRun, new_env: dict[str, Any]) -> None:
        """Leave the new environment as a shell script where the user stands."""
        from cm_script import ending

        ending.save_env(run, new_env)
