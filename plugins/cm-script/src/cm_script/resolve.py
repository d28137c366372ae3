"""A recipe's own plan: what would run for a request, one level deep, without running anything.

Only meta and flags are known here. What dependencies would export is not, so conditions that look
at such variables are judged as if nothing had been exported yet.
"""

from __future__ import annotations

from cm_script import conditions, deptags, placeholders, select
from cm_script.compose import compose, take_default_version
from cm_script.dialects import Dialect, for_form
from cm_script.merge import copied, merge_edits
from cm_script.query import from_words
from cm_script.results import exported
from cm_script.scope import Dep, Env, Scope
from cmcore.hints import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:
    from cm_script.select import Search
    from cmcore.types import Artifact


class PlannedDep(NamedTuple):
    """One dependency: its list, its tags, its entry, and why it is skipped ("" when it runs)."""

    kind: str
    tags: str
    entry: dict[str, Any]
    skipped: str


class Plan(NamedTuple):
    """What would run.

    Attributes:
        artifact: the recipe.
        note: a sentence when the choice of the recipe was not forced.
        scope: the composed run; its `env` is as it is when the recipe's own work would begin.
        version: the version in effect, or "".
        deps: dependencies and pre-hook dependencies in order.
        new_env, new_state: what the recipe would give back of what is known.
    """

    artifact: Artifact
    note: str
    scope: Scope
    version: str
    deps: list[PlannedDep]
    new_env: dict[str, Any]
    new_state: dict[str, Any]


#: `(inputs, env, dialect)`: writes into `env` how recipes see flags and the host.
Environment = Callable[[Mapping[str, Any], dict[str, Any], Dialect], None]


def plan_shallow(
    search: Search,
    inputs: Mapping[str, Any],
    *,
    words: Sequence[str] = (),
    environment: Environment | None = None,
    collections: Sequence[str] = (),
    keep_hidden: bool = True,
) -> Plan:
    """Plan one recipe.

    Args:
        search: finds recipes by name and script tags.
        inputs: flags, nested as the command line makes them (`env`, `adr`, `version`, ...).
        words: bare words of the command line.
        environment: adds what recipes see of flags and host; None adds nothing.
        collections: names of collections in search order.
        keep_hidden: True shows what a run does; dependencies give hidden variables back, and
            constants hold again after each. False does neither, as the reference engines do when
            dependencies are switched off; for comparing with what they recorded.

    Raises:
        CmError: nothing fits, or the request contradicts itself or the meta.
    """
    query = from_words(words, inputs.get("tags") or "")
    found, query = select.find(search, query)
    choice = select.choose(select.candidates(found, query), query, collections=collections)
    dialect = for_form(choice.artifact.form)
    scope = _fresh_scope(choice.artifact, inputs, dialect)
    if environment is not None:
        environment(inputs, scope.env, dialect)
    placeholders.fill(scope.env)
    compose(scope, recipe=choice.artifact, query=query, inputs=inputs, dialect=dialect)
    version = take_default_version(scope, dialect, inputs)
    scope.env[dialect.key("TMP_CURRENT_SCRIPT_PATH")] = choice.artifact.path
    placeholders.fill(scope.env)
    deps = []
    for kind in ("deps", "prehook_deps"):
        lost: Env | None = None if keep_hidden else {}
        entries = [dep for dep in scope.deps(kind) if dep.get("tags")]
        deps += [_planned(kind, dep, scope, dialect, lost) for dep in entries]
        placeholders.fill(scope.env)
        scope.env.update(scope.const)
        if kind == "deps":
            # Hooks and pre-hook dependencies see constants with their placeholders filled in.
            placeholders.fill(scope.env)
    return Plan(
        choice.artifact,
        choice.note,
        scope,
        version,
        deps,
        exported(scope.env, scope.new_env_keys, scope.env),
        exported(scope.state, scope.new_state_keys, scope.env),
    )


def _fresh_scope(artifact: Artifact, inputs: Mapping[str, Any], dialect: Dialect) -> Scope:
    edits: dict[str, Any] = {}
    for key in ("adr", "add_deps_recursive"):
        merge_edits(edits, inputs.get(key) or {}, dialect)
    return Scope(
        env=copied(dict(inputs.get("env") or {})),
        state=copied(dict(inputs.get("state") or {})),
        const=copied(dict(inputs.get("const") or {})),
        const_state=copied(dict(inputs.get("const_state") or {})),
        adr=edits,
        meta=artifact.meta,
    )


def _planned(kind: str, dep: Dep, scope: Scope, dialect: Dialect, lost: Env | None) -> PlannedDep:
    reason = conditions.skip_reason(dep, scope.env, dialect)
    if reason:
        return PlannedDep(kind, str(dep["tags"]), dep, reason)
    if isinstance(dep.get("env"), dict):
        placeholders.fill(dep["env"], scope.env)
    prefixes = deptags.prefixed(dep, scope.env)
    local = scope.meta.get("local_env_keys") or []
    aside = deptags.put_aside(scope.env, [*dialect.local_keys, *map(str, local)])
    if lost is not None:
        lost.update(aside)
    deptags.show_again(scope.env, aside if lost is None else lost, dep, dialect)
    tags = deptags.joined(dep, prefixes, scope, dialect)
    if lost is None:
        scope.env.update(aside)
        placeholders.fill(scope.env)
        scope.env.update(scope.const)
    return PlannedDep(kind, tags, dep, "")
