"""The start of a run: its inputs, its recipe, its effective meta.

Flags become variables, the query becomes one recipe, and the recipe's meta, variations, versions
and overrides are composed into the scope that the rest of the story works on.
"""

from __future__ import annotations

import os

from cm_script import flags, metakeys, placeholders
from cm_script.choose import choose_recipe
from cm_script.compose import compose
from cm_script.dialects import Dialect, for_form
from cm_script.merge import merge, merge_edits
from cm_script.osinfo import os_info
from cm_script.provenance import Provenance
from cm_script.run import RecipeRun, variation_tags
from cm_script.scope import Scope
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.query import Query
    from cmcore.types import Artifact

#: How often one and the same request may stand in a chain of dependencies. A recipe may depend
#: on itself with other variations or another environment, so the first repetition proves nothing.
_MAX_REPEATS = 5


def shared(inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The environment and state of the run tree, made when this run is its root."""
    for key in ("env", "state", "const", "const_state"):
        value = inputs.get(key)
        if not isinstance(value, dict):
            if value:
                raise UsageError(
                    f"--{key} takes names and values", hint=f"write --{key}.NAME=VALUE"
                )
            inputs[key] = {}
    return inputs["env"], inputs["state"]


def begin(engine: Engine, inputs: dict[str, Any]) -> RecipeRun:
    """Choose the recipe for `inputs` and compose its effective meta.

    Raises:
        CmError: nothing fits, several fit and exactly one is needed, the request contradicts
            itself, or an unknown flag was given on the command line.
    """
    top = not engine.chain
    artifact, query, dialect = _select(engine, inputs)
    meta = artifact.meta  # parsed at each access
    if top:
        _refuse_unknown_flags(inputs, artifact, meta)
        if not flags.is_on(inputs.get("skip_write_test")):
            engine.executor.check_folder()
    scope = Scope(
        env=inputs["env"],
        state=inputs["state"],
        const=inputs["const"],
        const_state=inputs["const_state"],
        adr=_overrides(inputs, dialect),
        meta=meta,
    )
    scope.data = Provenance(engine)
    for key in ("env", "state", "const", "const_state"):
        local = inputs.get("local_" + key)
        if local:
            merge(getattr(scope, key), local, dialect)
    options = flags.read(inputs, scope.env, dialect)
    if top:
        _note_user_values(engine, inputs, meta, dialect, options)
    info = os_info(dialect)
    scope.env.update(info.get("env") or {})
    flags.to_environment(inputs, options, scope.env, dialect, engine.host_values(dialect))
    if dialect.run_dir_key:
        where = scope.const.setdefault(dialect.run_dir_key, os.getcwd())
        scope.env[dialect.run_dir_key] = where
    placeholders.fill(scope.env, data=scope.data)
    collection = artifact.collection
    scope.env[dialect.key("TMP_CURRENT_SCRIPT_REPO_PATH")] = collection.path
    scope.env[dialect.key("TMP_CURRENT_SCRIPT_REPO_PATH_WITH_PREFIX")] = collection.root
    compose(scope, recipe=artifact, query=query, inputs=inputs, dialect=dialect)
    metakeys.warn(engine, artifact, scope, inputs)
    run = RecipeRun(engine, artifact, dialect, query, scope, inputs, options, info)
    _start_state(run)
    if len(scope.version_request) > 1:
        from cm_script.conflicts import refuse

        refuse(run)
    _refuse_cycle(run)
    if not options.silent:
        _announce(run)
    return run


def _select(engine: Engine, inputs: dict[str, Any]) -> tuple[Artifact, Query, Dialect]:
    artifact, query = choose_recipe(engine, inputs)
    return artifact, query, for_form(artifact.form)


def _overrides(inputs: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """`--adr` and `add_deps_recursive`, the dictionary that a whole tree shares.

    A dependency entry with an `adr` of its own gets a dictionary of its own: what it says, and
    what its dependencies add, does not reach the recipes beside it.
    """
    shared_edits = inputs.get("add_deps_recursive")
    if not isinstance(shared_edits, dict):
        shared_edits = {}
    given = inputs.get("adr")
    if not isinstance(given, dict) or not given:
        return shared_edits
    own: dict[str, Any] = {}
    merge_edits(own, given, dialect)
    merge_edits(own, shared_edits, dialect)
    return own


def _refuse_unknown_flags(inputs: dict[str, Any], artifact: Artifact, meta: dict[str, Any]) -> None:
    strange, names = flags.unknown(inputs, meta, artifact.path)
    if not strange:
        return
    from cmcore.naming import did_you_mean

    near = did_you_mean(strange[0], sorted(names))
    hint = "did you mean " + " or ".join(f"--{n}" for n in near) + "?" if near else ""
    raise UsageError(
        f"recipe {artifact.alias or artifact.uid} has no flag --{strange[0]}",
        hint=hint or f'see cm help script "{" ".join(artifact.tags)}"',
    )


def _note_user_values(
    engine: Engine,
    inputs: dict[str, Any],
    meta: dict[str, Any],
    dialect: Dialect,
    options: flags.Options,
) -> None:
    """Remember which variables hold text a person typed: it reaches steps literally."""
    engine.quiet, engine.silent = options.quiet, options.silent
    engine.verbose = options.verbose
    engine.timed = options.time
    engine.cache = flags.cache_wishes(inputs, engine.ctx.settings.get("script.cache_reuse", "key"))
    engine.call_prefix = str(inputs.get("script_call_prefix") or "").strip() or engine.call_prefix
    engine.literal.update(str(k) for k in inputs["env"])
    engine.literal.update(str(k) for k in inputs["const"])
    for name, key in (meta.get("input_mapping") or {}).items():
        if name in inputs:
            engine.literal.add(str(key))
    for name in dialect.flag_env:
        if name in inputs:
            engine.literal.add(dialect.key(name.upper()))


def _start_state(run: RecipeRun) -> None:
    given = run.inputs.get("run_state")
    state: dict[str, Any] = given if isinstance(given, dict) else {}
    state.setdefault("parent", None)
    state.setdefault("deps", [])
    state.setdefault("version_info", [])
    run.first_version = len(state["version_info"])
    state["script_id"] = run.name
    state["script_tags"] = list(run.query.tags)
    state["script_variation_tags"] = list(run.hook_variations())
    state["script_repo_alias"] = run.artifact.collection.name
    state["script_repo_git"] = os.path.isdir(os.path.join(run.artifact.collection.path, ".git"))
    state["docker"] = run.scope.docker
    if run.options.fake_deps:
        state["fake_deps"] = True
    run.run_state = state


def _refuse_cycle(run: RecipeRun) -> None:
    own = ""
    if run.inputs.get("local_env"):
        from cmcore.jsontext import dumps

        own = dumps(run.inputs["local_env"], sort_keys=True, default=str)
    tags = sorted([*run.query.tags, *run.scope.explicit_variations])
    run.cycle_key = f"{run.artifact.path}\0{tags}\0{run.scope.version_request}\0{own}"
    if run.engine.keys.count(run.cycle_key) >= _MAX_REPEATS:
        path = [*run.engine.chain, run.name]
        first = path.index(run.name)
        raise CmError(
            f"recipe {run.name} depends on itself",
            where=" -> ".join(path[first : first + 4]),
            hint="break the cycle with a condition (enable_if_env, skip_if_env) in one of them",
        )


def _announce(run: RecipeRun) -> None:
    words = " ".join(run.query.tags) or run.artifact.alias
    chosen = variation_tags(run.scope.explicit_variations).replace(",", " ")
    asked = " ".join(w for w in (words, chosen) if w)
    run.console.log(f'{run.spaces}* {run.engine.call_prefix} "{asked}"')
