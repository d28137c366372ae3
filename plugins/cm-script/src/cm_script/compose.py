"""Composing a run: defaults, meta, flags, variations, version and edits, in the dialect's order.

CM: defaults < meta < variations < version < mapped flags. MLCFlow: defaults < meta < mapped flags
< version < variations. What the user gives as a constant beats all of it in both.

Constants that a dependency entry or a flag sets hold from the first one on, for this run and what
it runs. A default version that limits have moved takes the block of the version it became.
"""

from __future__ import annotations

from cm_script import depedit, placeholders, versions
from cm_script.blocks import apply_block, edits_of, map_inputs, with_suffix
from cm_script.merge import copied, merge, merge_env
from cm_script.scope import DEP_KINDS
from cm_script.variations import resolve
from cm_script.varnames import application_order
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.query import Query
    from cm_script.scope import Scope
    from cmcore.types import Artifact


def compose(
    scope: Scope,
    *,
    recipe: Artifact,
    query: Query,
    inputs: Mapping[str, Any],
    dialect: Dialect,
) -> None:
    """Bring a fresh scope to the point where the cache can be asked.

    Args:
        scope: with the tree's environment and this run's own copy of the recipe's meta.
        recipe: for error messages.
        query: what was asked for; its variations are resolved here.
        inputs: flags of the run; for a dependency, its entry in the parent's list.
        dialect: the recipe's.

    Raises:
        CmError: variations, edits or variables that cannot be; `where` names the recipe.
    """
    try:
        _compose(scope, query, inputs, dialect)
    except CmError as error:
        error.where = error.where or f"recipe {recipe.name}"
        raise


def _compose(scope: Scope, query: Query, inputs: Mapping[str, Any], dialect: Dialect) -> None:
    _begin(scope, inputs, dialect)
    if dialect.base_is_block:
        # The list entries of the base meta are in their lists already.
        base = {key: value for key, value in scope.meta.items() if key not in _ALREADY_TAKEN}
        apply_block(scope, base, inputs, dialect, with_deps=False)
    if dialect.versions_first:
        _apply_requested_version(scope, inputs, dialect)
        _apply_variations(scope, query, inputs, dialect)
    else:
        _apply_variations(scope, query, inputs, dialect)
        _apply_requested_version(scope, inputs, dialect)
    _edit_dependencies(scope, inputs, dialect)
    placeholders.fill(scope.env, data=scope.data)


#: What `Scope` takes from the meta when it is made.
_ALREADY_TAKEN = frozenset({*DEP_KINDS, "new_env_keys", "new_state_keys", "versions", "variations"})


def _begin(scope: Scope, inputs: Mapping[str, Any], dialect: Dialect) -> None:
    meta = scope.meta
    for key, value in _mapping(meta, "default_env").items():
        scope.env.setdefault(key, copied(value))
    scope.default_version = versions.text(meta.get("default_version"))
    if not dialect.base_is_block:
        merge_env(scope.env, _mapping(meta, "env"), dialect)
        merge(scope.state, _mapping(meta, "state"), dialect)
        scope.docker = copied(_mapping(meta, "docker"))
    if dialect.docker_in_state:
        scope.state["docker"] = scope.docker
    map_inputs(scope.env, meta, inputs, scope.env.get(dialect.run_dir_key))
    if dialect.mapped_flags_are_const:
        map_inputs(scope.const, meta, inputs)
    scope.env.update(copied(scope.const))
    merge(scope.state, scope.const_state, dialect)


def _apply_variations(
    scope: Scope, query: Query, inputs: Mapping[str, Any], dialect: Dialect
) -> None:
    scope.explicit_variations = list(query.explicit)
    table = _mapping(scope.meta, "variations")
    if dialect.version_variation:
        scope.explicit_variations += _version_variation(scope, table)
    resolved = resolve(
        scope.explicit_variations, scope.meta, dialect, _outer_defaults(scope, dialect)
    )
    scope.variations, scope.groups = resolved.variations, resolved.groups
    disk: dict[str, float] = {}
    for key, suffix in application_order(scope.variations, table, dialect):
        block = table.get(key)
        if not isinstance(block, dict):
            continue
        if suffix:
            if scope.data is not None:
                scope.data.note_suffix(block, suffix)
            block = with_suffix(block, suffix)
        apply_block(scope, block, inputs, dialect)
        _take_run_settings(scope, key, block, disk)
    if disk:
        scope.disk_mb = sum(disk.values())
        scope.warnings.append(f"Required disk space: {scope.disk_mb:g} MB")


def _version_variation(scope: Scope, table: Mapping[str, Any]) -> list[str]:
    version = scope.version_request.get("version", "")
    name = f"version.{version}"
    known = name in table or "version.#" in table
    return [name] if version and known and name not in scope.explicit_variations else []


def _outer_defaults(scope: Scope, dialect: Dialect) -> list[dict[str, str]]:
    if not dialect.recipe_default_variations:
        return []
    version = _mapping(scope.meta, "versions").get(scope.version_request.get("version", ""))
    return [
        scope.conditional_defaults,
        _mapping(scope.meta, "default_variations"),
        _mapping(version if isinstance(version, dict) else {}, "default_variations"),
    ]


def _take_run_settings(
    scope: Scope, key: str, block: Mapping[str, Any], disk: dict[str, float]
) -> None:
    """Keys that say something about the run rather than its environment."""
    if "script_name" in block:
        scope.script_name = scope.meta["script_name"] = str(block["script_name"] or "")
    if "default_version" in block:
        scope.default_version = versions.text(block["default_version"])
    if isinstance(block.get("required_disk_space"), (int, float)):
        disk[key] = float(block["required_disk_space"])
    warning = block.get("warning")
    if warning and str(warning) not in scope.warnings:
        scope.warnings.append(str(warning))


def _apply_requested_version(scope: Scope, inputs: Mapping[str, Any], dialect: Dialect) -> None:
    scope.version_request = versions.requested(inputs, scope.env, scope.meta, dialect)
    for name, value in scope.version_request.items():
        scope.env[dialect.key(name.upper())] = value
    _apply_version(scope, scope.version_request.get("version", ""), inputs, dialect)


def _apply_version(scope: Scope, version: str, inputs: Mapping[str, Any], dialect: Dialect) -> None:
    block = _mapping(scope.meta, "versions").get(version)
    if version and isinstance(block, dict):
        apply_block(scope, block, inputs, dialect)


def take_default_version(
    scope: Scope, dialect: Dialect, inputs: Mapping[str, Any] | None = None
) -> str:
    """Choose the default version when none was requested and nothing was cached.

    A default that limits have moved takes the block of the version it became; a version without a
    block, that of the default, which holds what the recipe cannot work without (a URL, a branch).
    The block's edits of dependencies (`adr`) are for the dependencies' own dependencies: variations
    that were chosen on purpose have edited this recipe's lists already.

    Returns:
        The version that is now in effect, or "" when there is none.
    """
    version = scope.version_request.get("version", "")
    if version or not scope.default_version:
        return version
    version = versions.clamped(scope.default_version, scope.version_request, dialect)
    scope.env[dialect.key("VERSION")] = version
    placeholders.fill(scope.env, data=scope.data)
    known = version in _mapping(scope.meta, "versions")
    _apply_version(scope, version if known else scope.default_version, inputs or {}, dialect)
    return version


def _edit_dependencies(scope: Scope, inputs: Mapping[str, Any], dialect: Dialect) -> None:
    """Recursive edits of the tree, variations and version first; `ad` of this very request last."""
    lists = [scope.deps(kind) for kind in DEP_KINDS]
    depedit.edit(lists, scope.adr, scope.env, dialect)
    own = edits_of(inputs, "ad", dialect)
    if own:
        depedit.edit_or_fail(lists, own, scope.env, dialect)


def _mapping(block: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = block.get(key)
    return value if isinstance(value, dict) else {}
