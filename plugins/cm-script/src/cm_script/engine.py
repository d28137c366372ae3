"""One top-level request and everything that recipe code starts from it.

Recipes may call the engine again from their hooks (`cmind.access`, `mlc.access`). Such a call
stays in this process and shares the console, the choices made so far and the recipe index.
"""

from __future__ import annotations

import os

from cm_script.dialects import CM
from cm_script.executor import Executor
from cm_script.flags import EXTRAS, CacheWishes
from cm_script.scope import DEP_KINDS
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Mapping, Sequence

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.facade.session import Session
    from cm_script.protocols import ConsoleLike
    from cm_script.reads import Reads
    from cm_script.run import RecipeRun
    from cm_script.shells import Stop
    from cmcore.context import Context
    from cmcore.types import Artifact, Request


class FoundArtifact:
    """What recipe code gets in `list`: the attributes of a CM artifact object."""

    __slots__ = ("meta", "original_meta", "path", "repo_meta", "repo_path")

    def __init__(self, path: str, meta: dict[str, Any], repo_path: str = "") -> None:
        self.path = path
        self.meta = meta
        self.original_meta = meta
        self.repo_path = repo_path
        self.repo_meta: dict[str, Any] = {}


class Engine:
    """Runs recipes for one request.

    Attributes:
        ctx: the core's services.
        console: where output and questions go.
        remembered: choices made earlier in this request, so that nobody is asked twice.
        literal: variables whose value came from the user and is exported without expansion.
        imported: text that native steps reported, by variable; data as long as it is unchanged.
        chain: recipes now running, outermost first, for messages.
        keys: the same as full requests, to notice a cycle.
        dependency_names: names by which dependencies of any recipe so far can be changed.
        failure: the last error and the chain of recipes that led to it.
        records: one line per finished recipe: name, seconds, cache outcome.
        executor: does what the walk asks for, or only notes it.
        request: what a caller asked for; None while only recipe code asks.
        last: the run that ended last, and well.
        stop: before which native steps a person wants a shell.
        timed: whether each recipe tells how long it took.
        cache: what the request says about the use of the cache.
        record: file name of the record that the request will leave.
        stack: recipes now running, outermost first.
        reads: recipe folder and variations -> variables that it looks at, as far as anybody asked.
        call_prefix: how logs and readmes spell the command.
        session: what recipe code of this request has imported.
    """

    #: Whether flags about what happens around a run are carried out.
    acts = True

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.console: ConsoleLike = ctx.console
        self.remembered: list[dict[str, Any]] = []
        self.literal: set[str] = set()
        self.imported: dict[str, Any] = {}
        self.chain: list[str] = []
        self.keys: list[str] = []
        self.records: list[dict[str, Any]] = []
        self.dependency_names: set[str] = set()
        self.failure: tuple[CmError, list[str]] | None = None
        self.quiet = False
        self.silent = False
        self.verbose = False
        self.timed = False
        self.request: Request | None = None
        self.last: RecipeRun | None = None
        self.stop: Stop | None = None
        self.cache = CacheWishes()
        self.record = ""
        self.stack: list[RecipeRun] = []
        self.reads: dict[tuple[str, frozenset[str]], Reads] = {}
        self.call_prefix = "cm run script"
        self.session: Session | None = None
        self.executor = Executor(self)
        self._recipes: dict[str, list[Artifact]] = {}
        self._foreseen: tuple[int, dict[str, list[Artifact]]] = 0, {}
        self._host: dict[str, dict[str, str]] = {}

    def recipes(self, artifact: str, tags: str) -> list[Artifact]:
        """Recipes by name and script tags, from the index; asked once per request and query.

        Raises:
            CmError: the name or the tags cannot be read.
        """
        key = f"{artifact}\0{tags}"
        found = self._recipes.get(key)
        if found is None:
            generation, foreseen = self._foreseen
            if key in foreseen and generation == self.ctx.index.generation:
                found = foreseen[key]
            else:
                found = self.ctx.search("script", artifact=artifact, tags=tags)
            self._recipes[key] = found
        return found

    def take_found(self, ahead: Engine) -> None:
        """Use the recipes that a walk ahead has found, until this process changes any.

        What it did not find is looked for again: it may have come in the meantime.
        """
        found = {key: recipes for key, recipes in ahead._recipes.items() if recipes}
        self._foreseen = self.ctx.index.generation, found

    def host_values(self, dialect: Dialect) -> dict[str, str]:
        """Those of `dialect.host_env` that the process had when the request first asked."""
        found = self._host.get(dialect.name)
        if found is None:
            values = {key: os.environ.get(key, "") for key in dialect.host_env}
            found = self._host[dialect.name] = {key: text for key, text in values.items() if text}
        return found

    def explain(self, text: str) -> None:
        """A line for those who asked for --verbose."""
        if self.verbose:
            self.console.log("  " * max(len(self.chain) - 1, 0) + text)

    def enter(self, run: RecipeRun) -> None:
        """A recipe begins."""
        self.chain.append(run.name)
        if self.stack:
            self.stack[-1].children.append(run)
        self.stack.append(run)
        self.keys.append(run.cycle_key)
        for kind in DEP_KINDS:
            for dep in run.scope.deps(kind):
                names = dep.get("names") or ()
                self.dependency_names.update([names] if isinstance(names, str) else map(str, names))

    def leave(self) -> None:
        """The recipe that began last has ended."""
        self.chain.pop()
        self.stack.pop()
        self.keys.pop()

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Run one recipe; see `story.run_recipe`.

        Raises:
            CmError: anything that stops it.
        """
        if self.acts and not EXTRAS.isdisjoint(inputs):
            from cm_script import extras

            return extras.run(self, inputs)
        from cm_script.story import run_recipe

        return run_recipe(self, inputs)

    def access(
        self, i: Mapping[str, Any] | Sequence[str] | str | None, /, dialect: Dialect = CM
    ) -> dict[str, Any]:
        """A call as recipe code makes it; see `facade.nested.access`."""
        from cm_script.facade.nested import access

        return access(self, i, dialect)
