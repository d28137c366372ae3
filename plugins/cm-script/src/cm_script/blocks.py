"""Applying one block of meta: a variation, a combination of them, a version, or the base meta.

All blocks have the same keys and the same order of effects. What a block puts into dependency
lists are its own dictionaries, so `scope.meta` must be a copy that belongs to this run.

Conditional entries (`update_meta_if_env`) belong to the recipe that wrote them: they are not
handed down to its dependencies. The first `const_state` counts like every later one.
"""

from __future__ import annotations

import os

from cm_script import conditions, depedit, placeholders
from cm_script.merge import copied, merge, merge_edits, merge_env
from cm_script.scope import DEP_KINDS
from cmcore.hints import TYPE_CHECKING, Any, Mapping, Sequence

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.scope import Scope

_PATH_KEYS = ("file_path_env_keys", "folder_path_env_keys")


def apply_block(
    scope: Scope,
    block: Mapping[str, Any],
    inputs: Mapping[str, Any],
    dialect: Dialect,
    *,
    with_deps: bool = True,
) -> None:
    """Apply a block to a run.

    Args:
        scope: changed in place.
        block: the meta block.
        inputs: flags of the run, for the block's `input_mapping` and edits of container deps.
        dialect: rules to follow.
        with_deps: False when the block's dependency lists are the run's own lists already.

    Raises:
        CmError: an edit names no dependency, or a `+LIST` variable holds no list.
    """
    _apply_cache_settings(scope, block)
    for key, value in _mapping(block, "default_env").items():
        scope.env.setdefault(key, copied(value))
    merge_env(scope.env, _mapping(block, "env"), dialect)
    edits = _apply_conditionals_with(scope, block, dialect)
    _apply_constants_and_state(scope, block, dialect)
    if with_deps:
        for kind in DEP_KINDS:
            depedit.append(scope.deps(kind), _list(block, kind))
    own_edits = edits_of(block, "ad", dialect)
    merge_edits(own_edits, edits, dialect)
    if own_edits:
        depedit.edit_or_fail([scope.deps(k) for k in DEP_KINDS], own_edits, scope.env, dialect)
    map_inputs(scope.env, block, inputs, scope.env.get(dialect.run_dir_key))
    placeholders.fill(scope.env, data=scope.data)
    _apply_docker(scope, block, own_edits, inputs, dialect)
    _extend_key_lists(scope, block)
    merge_edits(scope.adr, edits_of(block, "adr", dialect), dialect)


def edits_of(source: Mapping[str, Any], short: str, dialect: Dialect) -> dict[str, Any]:
    """The dependency edits in `ad` or `adr` and under the key's long name, merged."""
    merged: dict[str, Any] = {}
    for key in (short, {"ad": "add_deps", "adr": "add_deps_recursive"}[short]):
        merge_edits(merged, _mapping(source, key), dialect)
    return merged


def apply_conditionals(
    scope: Scope, entries: Sequence[Mapping[str, Any]], dialect: Dialect
) -> dict[str, Any]:
    """Merge those `update_meta_if_env` entries whose conditions hold now.

    Returns:
        Edits of dependencies (`ad`) that the entries ask for.
    """
    edits: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or conditions.skip_reason(entry, scope.env, dialect):
            continue
        allowed = {key: entry[key] for key in entry if key in dialect.conditional_keys}
        merge(defaults, _mapping(allowed, "default_env"), dialect)
        merge(scope.env, _mapping(allowed, "env"), dialect)
        merge(scope.const, _mapping(allowed, "const"), dialect)
        merge(scope.state, _mapping(allowed, "state"), dialect)
        merge(scope.const_state, _mapping(allowed, "const_state"), dialect)
        merge(scope.docker, _mapping(allowed, "docker"), dialect)
        merge_edits(edits, edits_of(allowed, "ad", dialect), dialect)
        merge_edits(scope.adr, edits_of(allowed, "adr", dialect), dialect)
        for group, name in _mapping(allowed, "default_variations").items():
            scope.conditional_defaults.setdefault(group, str(name))
    for key, value in defaults.items():
        scope.env.setdefault(key, value)
    return edits


def _apply_conditionals_with(
    scope: Scope, block: Mapping[str, Any], dialect: Dialect
) -> dict[str, Any]:
    new = _list(block, "update_meta_if_env")
    if dialect.newest_condition_first:
        scope.conditionals = new + scope.conditionals
    else:
        scope.conditionals = scope.conditionals + new
    return apply_conditionals(scope, scope.conditionals, dialect)


def map_inputs(
    target: dict[str, Any],
    block: Mapping[str, Any],
    inputs: Mapping[str, Any],
    run_dir: object = None,
) -> None:
    """Write flags into the variables that `input_mapping` names.

    A flag that `input_description` calls a path is made absolute, from `run_dir` if that is set.
    A mapped name with dashes is also met by its spelling with underscores, which is what a command
    line makes of it.
    """
    described = _mapping(block, "input_description")
    for flag, variable in _mapping(block, "input_mapping").items():
        given = flag if flag in inputs else flag.replace("-", "_")
        if given not in inputs:
            continue
        value = inputs[given]
        description = described.get(flag)
        if (
            isinstance(value, str)
            and isinstance(description, Mapping)
            and conditions.truthy(description.get("is_path", ""))
        ):
            value = os.path.expanduser(value)
            if run_dir:
                value = os.path.abspath(os.path.join(str(run_dir), value))
        target[str(variable)] = value


def with_suffix(block: Any, suffix: str) -> Any:
    """A copy of a dynamic variation's block with `suffix` in place of every `#`."""
    if isinstance(block, str):
        return block.replace("#", suffix)
    if isinstance(block, list):
        return [with_suffix(item, suffix) for item in block]
    if isinstance(block, dict):
        return {key: with_suffix(value, suffix) for key, value in block.items()}
    return block


def _apply_cache_settings(scope: Scope, block: Mapping[str, Any]) -> None:
    if block.get("cache", "") not in ("", None):
        scope.cache = block["cache"]
    if block.get("cache_expiration", "") not in ("", None):
        scope.cache_expiration = block["cache_expiration"]


def _apply_constants_and_state(scope: Scope, block: Mapping[str, Any], dialect: Dialect) -> None:
    constants = _mapping(block, "const")
    if constants:
        scope.const.update(copied(constants))
        scope.env.update(copied(scope.const))
    merge(scope.state, _mapping(block, "state"), dialect)
    merge(scope.const_state, _mapping(block, "const_state"), dialect)
    merge(scope.state, scope.const_state, dialect)


def _apply_docker(
    scope: Scope,
    block: Mapping[str, Any],
    own_edits: dict[str, Any],
    inputs: Mapping[str, Any],
    dialect: Dialect,
) -> None:
    merge(scope.docker, _mapping(block, "docker"), dialect)
    deps = scope.docker.get("deps")
    if isinstance(deps, list):
        edits = own_edits or edits_of(inputs, "ad", dialect) or edits_of(inputs, "adr", dialect)
        depedit.edit([deps], edits, scope.env, dialect)


def _extend_key_lists(scope: Scope, block: Mapping[str, Any]) -> None:
    scope.new_env_keys += [str(key) for key in _list(block, "new_env_keys")]
    scope.new_state_keys += [str(key) for key in _list(block, "new_state_keys")]
    for name in _PATH_KEYS:
        keys = [str(key) for key in _list(block, name)]
        if keys:
            scope.path_env_keys.setdefault(name, []).extend(keys)


def _mapping(block: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = block.get(key)
    return value if isinstance(value, dict) else {}


def _list(block: Mapping[str, Any], key: str) -> list[Any]:
    value = block.get(key)
    return value if isinstance(value, list) else []
