"""What a run gives back: the exported part of environment and state, and the restored rest.

A recipe exports by pattern (`new_env_keys`), not by difference: an inherited value that matches a
pattern is part of the result even when the recipe did not touch it.
"""

from __future__ import annotations

from cm_script.merge import copied, merge
from cmcore.hints import TYPE_CHECKING, Any, Iterable

if TYPE_CHECKING:
    from cm_script.run import RecipeRun


#: Kinds of values that cannot change: most environments hold nothing else.
_PLAIN = frozenset((str, int, float, bool, type(None)))


def snapshot(data: dict[str, Any]) -> dict[str, Any]:
    """A copy of environment or state that later changes do not reach."""
    if _PLAIN.issuperset(map(type, data.values())):
        return dict(data)
    return {key: value if type(value) is str else copied(value) for key, value in data.items()}


def exported(data: dict[str, Any], patterns: Iterable[str], env: dict[str, Any]) -> dict[str, Any]:
    """The entries of `data` whose key matches a pattern.

    A pattern is a name, a glob with `*` or `?`, or `<<<KEY>>>`: the name that variable KEY holds.
    """
    found: dict[str, Any] = {}
    for pattern in patterns:
        name = str(pattern)
        if name.startswith("<<<") and name.endswith(">>>"):
            name = str(env.get(name[3:-3], ""))
        if "*" in name or "?" in name:
            from cm_script.globs import fitting

            found.update({k: data[k] for k in filter(fitting((name,)), data)})
        elif name in data:
            found[name] = data[name]
    return found


def patterns(run: RecipeRun) -> tuple[list[str], list[str]]:
    """What a run exports of its environment and of its state."""
    scope, inputs = run.scope, run.inputs
    return (
        inputs.get("force_new_env_keys") or scope.new_env_keys,
        inputs.get("force_new_state_keys") or scope.new_state_keys,
    )


def collect(run: RecipeRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """The new environment and the new state of a finished run, as copies."""
    scope = run.scope
    env_keys, state_keys = patterns(run)
    return (
        snapshot(exported(scope.env, env_keys, scope.env)),
        snapshot(exported(scope.state, state_keys, scope.env)),
    )


def restore(
    live: dict[str, Any], saved: dict[str, Any], new: dict[str, Any], run: RecipeRun
) -> None:
    """Put `live` back to what it was before the run, plus what the run exports.

    `live` is changed in place: recipes and parents hold references to it.
    """
    merged = snapshot(saved)
    merge(merged, new, run.dialect)  # which copies
    live.clear()
    live.update(merged)


def reset(live: dict[str, Any], saved: dict[str, Any]) -> None:
    """Put `live` back to what it was before a run that exports nothing."""
    live.clear()
    live.update(snapshot(saved))
