"""The state of one recipe's run, as the steps of the story and the hooks see it."""

from __future__ import annotations

import os

from cm_script.query import variation_tag
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.engine import Engine
    from cm_script.flags import Options
    from cm_script.hooks import RecipeCode
    from cm_script.query import Query
    from cm_script.scope import Scope
    from cmcore.types import Artifact, CacheEntry, Reservation


class RecipeRun:
    """One recipe being run.

    Attributes:
        engine, ctx, console: see `engine.Engine`.
        artifact: the recipe.
        dialect: rules that its meta file's form asks for.
        query: what was asked for.
        scope: environment, state and effective recipe.
        inputs: the flags of this run; for a dependency, its entry in the parent's list.
        options: the engine flags among them.
        rsi: `run_script_input`, the live dictionary that hooks read and change.
        code: the recipe's `customize.py`, or None.
        os_info: facts about the host, as hooks expect them.
        spaces: indentation of messages.
        run_state: what this run tells its dependencies about itself.
        reservation, entry: the cache entry being built, or served.
        cache_tags: tags that the entry will get.
        version: version that the recipe reported.
        ran_deps: tag strings of the dependencies that ran, in order.
        dynamic_ran: whether a cached entry's dynamic dependencies ran already.
        cycle_key: what makes this run the same as another one in the chain.
        folder: the current folder when the run began.
        first_version: index in the tree's `version_info` of the first recipe below this one.
        children: recipes that ran, or were served, below this one.
        exports: names of the variables that it exported, when it is done; of a cached result
            those that its own run has set.
        found: what its caller had: environment, state, constants, constants in the state.
        asked_env: the environment when the cache was asked, of a result that is being built.
        cached_versions: what the cached entry knows of the recipes below this one.
    """

    def __init__(
        self,
        engine: Engine,
        artifact: Artifact,
        dialect: Dialect,
        query: Query,
        scope: Scope,
        inputs: dict[str, Any],
        options: Options,
        os_info: dict[str, Any],
    ) -> None:
        self.engine = engine
        self.ctx = engine.ctx
        self.console = engine.console
        self.artifact = artifact
        self.dialect = dialect
        self.query = query
        self.scope = scope
        self.inputs = inputs
        self.options = options
        self.os_info = os_info
        self.spaces = "  " * len(engine.chain)
        self.code: RecipeCode | None = None
        self.run_state: dict[str, Any] = {}
        self.rsi: dict[str, Any] = {}
        self.reservation: Reservation | None = None
        self.entry: CacheEntry | None = None
        self.cache_tags: list[str] = []
        self.version = ""
        self.ran_deps: list[str] = []
        self.dynamic_ran = False
        self.cycle_key = ""
        self.folder = os.getcwd()
        self.first_version = 0
        self.children: list[RecipeRun] = []
        self.exports: frozenset[str] = frozenset()
        self.found: tuple[dict[str, Any], ...] = ({}, {}, {}, {})
        self.asked_env: dict[str, Any] = {}
        self.cached_versions: list[dict[str, Any]] = []

    @property
    def env(self) -> dict[str, Any]:
        """The live environment of the run tree."""
        return self.scope.env

    @property
    def name(self) -> str:
        """`alias,uid` of the recipe."""
        return self.artifact.name

    def key(self, name: str) -> str:
        """`name` with the dialect's prefix: `CM_<name>` or `MLC_<name>`."""
        return self.dialect.prefix + name

    def text(self, name: str) -> str:
        """A prefixed variable as text, "" when unset."""
        value = self.scope.env.get(self.key(name))
        return "" if value is None else str(value)

    def run_deps(self, kind: str) -> None:
        """Run the dependencies of one list; see `chain.run_list`.

        Raises:
            CmError: a dependency failed.
        """
        if self.scope.deps(kind):
            from cm_script.chain import run_list

            run_list(self, kind)

    def assert_constants(self) -> None:
        """Constants win over whatever was set since they were last asserted."""
        self.scope.env.update(self.scope.const)
        if self.scope.const_state:
            from cm_script.merge import merge

            merge(self.scope.state, self.scope.const_state, self.dialect)

    def hook_input(self, **extra: Any) -> dict[str, Any]:
        """The dictionary that every hook gets, plus `extra`."""
        from cm_script.facade.automation import AutomationFacade

        return {
            "input": self.inputs,
            "automation": AutomationFacade(self),
            "artifact": self.facade_artifact(),
            "customize": self.scope.meta.get("customize") or {},
            "os_info": self.os_info,
            "recursion_spaces": self.spaces,
            "script_tags": list(self.query.tags),
            "variation_tags": list(self.hook_variations()),
            "env": self.scope.env,
            "state": self.scope.state,
            "meta": self.scope.meta,
            "run_script_input": self.rsi,
            **extra,
        }

    def hook_variations(self) -> list[str]:
        """Variations as hooks of this dialect see them: as asked for, or resolved."""
        if self.dialect.resolved_variations_in_hooks:
            return self.scope.variations
        return self.scope.explicit_variations

    def facade_artifact(self) -> Any:
        """The recipe as recipe code knows it: `.path`, `.meta`, `.repo_path`, `.repo_meta`."""
        from cm_script.engine import FoundArtifact

        collection = self.artifact.collection
        found = FoundArtifact(self.artifact.path, self.scope.meta, collection.path)
        found.repo_meta = {"alias": collection.name, "uid": collection.uid}
        prefix = os.path.relpath(collection.root, collection.path)
        if prefix != ".":
            found.repo_meta["prefix"] = prefix
        return found

    def make_run_script_input(self) -> None:
        """Fill `rsi` with the keys that published hooks and helper calls rely on."""
        scope = self.scope
        self.rsi = {
            "path": self.artifact.path,
            "bat_ext": self.os_info["bat_ext"],
            "os_info": self.os_info,
            "const": scope.const,
            "state": scope.state,
            "const_state": scope.const_state,
            "reuse_cached": False,
            "recursion": len(self.engine.chain) > 1,
            "recursion_spaces": self.spaces,
            "remembered_selections": self.engine.remembered,
            "tmp_file_run_state": "tmp-run-state.json",
            "tmp_file_run_env": "tmp-run-env.out",
            "tmp_file_state": "tmp-state.json",
            "tmp_file_run": "tmp-run",
            "local_env_keys": list(self.dialect.local_keys),
            "local_env_keys_from_meta": scope.meta.get("local_env_keys") or [],
            "posthook_deps": scope.deps("posthook_deps"),
            "add_deps_recursive": scope.adr,
            "found_script_tags": list(self.artifact.tags),
            "variation_tags_string": variation_tags(scope.variations),
            "found_cached": self.entry is not None,
            "debug_script_tags": self.inputs.get("debug_script_tags", ""),
            "verbose": self.options.verbose,
            "meta": scope.meta,
            "env": scope.env,
            "run_state": self.run_state,
            "ignore_script_error": self.options.ignore_script_error,
        }


def variation_tags(variations: list[str]) -> str:
    """Variations as a tag string: `_a,_b,-_c`."""
    return ",".join(map(variation_tag, variations))
