"""What a run leaves in the cache: the folder it is built in, and all that a later hit needs."""

from __future__ import annotations

import os
import time

from cm_script import identity
from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry, CacheRequest, Outcome, Reservation

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.inheritance import Inherited
    from cm_script.run import RecipeRun


def reserve(
    run: RecipeRun, request: CacheRequest, refresh: CacheEntry | None
) -> Reservation | CacheEntry:
    """The folder to run in; or the entry that another process finished meanwhile."""
    run.asked_env = dict(run.env)
    key = {
        **request.key,
        "recipe": run.name,
        "digest": identity.digest(run),
        "env": identity.own_inputs(run, run.asked_env),
    }
    request = request._replace(key=key)
    got = run.engine.executor.reserve(run, request, refresh)
    if got is not None:
        return got
    from cmcore.naming import new_uid

    uid = new_uid()
    path = os.path.join(run.ctx.paths.home, "uncached", uid)
    try:
        os.makedirs(path)
    except OSError as error:
        raise StorageError(
            f"cannot make a folder to run in: {error.strerror}", where=path
        ) from None
    run.console.warn(
        f"no cache plugin is installed: {run.name} runs in {path} and will run again next time; "
        "pip install cm-plugin-cache"
    )
    return Reservation(uid, path, False, None)


def publish(
    run: RecipeRun, inherited: Inherited, new_env: dict[str, Any], new_state: dict[str, Any]
) -> None:
    """Make the reserved entry visible with everything a later hit needs."""
    assert run.reservation is not None
    if run.reservation.token is None:
        return
    meta: dict[str, Any] = {
        run.dialect.script_link_key: run.name,
        run.dialect.script_link_key + "_uid": run.artifact.uid,
    }
    depends = run.text("GET_DEPENDENT_CACHED_PATH")
    if depends and os.path.exists(depends) and not _same(depends, run.reservation.path):
        meta["dependent_cached_path"] = depends
    own_env, own_state, seams = inherited.made(new_env, new_state)
    # Lists grow: what others have put in before says nothing of what this recipe looks at.
    lists = {key for key, value in new_env.items() if isinstance(value, list)}
    run.exports = frozenset({*own_env, *lists})
    meta["inputs"] = identity.inputs(run, run.asked_env)
    # What it was made from holds for those who do not say it again.
    looked = identity.looked_at(run, new_env) - set(own_env) - lists
    seams["env"]["given"] = given = sorted(looked.intersection(new_env))
    own_env.update({key: new_env[key] for key in given})
    meta["recipe_files"] = identity.look(run.artifact.path)
    meta["depends"] = identity.uses(run)
    if run.children and (below := _below(run)):
        meta["below"] = below
    if run.children:
        meta.update(_edited(run))
    meta["run"] = _origin(run.engine)
    if not run.scope.meta.get("cache_class") and _is_detected(run):
        meta["class"] = "detected"
    until = _expires_at(run.inputs.get("cache_expiration", run.scope.cache_expiration))
    if until is not None:
        meta["cache_expiration"] = until
    tags = [t for t in run.cache_tags if t != "tmp" and not t.startswith("-")]
    tags.append(f"{run.dialect.script_link_tag}{run.artifact.uid}")
    outcome = Outcome(
        tags=tuple(dict.fromkeys(tags)),
        version=run.text("DETECTED_VERSION") or run.text("VERSION"),
        state={
            "new_env": own_env,
            "new_state": own_state,
            "inherited": seams,
            "deps": list(run.ran_deps),
            "version": run.version,
            "version_info": run.run_state["version_info"][run.first_version :],
            **_data(run, own_env),
        },
        meta=meta,
    )
    run.entry = run.engine.executor.publish(run, run.reservation, outcome)


def _below(run: RecipeRun) -> list[dict[str, Any]]:
    from cm_script.below import recorded

    return recorded(run)


def _edited(run: RecipeRun) -> dict[str, Any]:
    from cm_script.edited import recorded

    return recorded(run)


def _is_detected(run: RecipeRun) -> bool:
    """Whether nothing was made, so that the result says what there is on this machine."""
    assert run.reservation is not None
    # The state is that of the entry's earlier result, when it is built again in its place.
    own = ("cm-cached-state.json", *(run.scope.meta.get("clean_files") or ()))
    with os.scandir(run.reservation.path) as listing:
        return all(one.name in own or one.name.startswith(("tmp-", ".cm-")) for one in listing)


def _data(run: RecipeRun, new_env: dict[str, Any]) -> dict[str, Any]:
    """What is no recipe's own word, and still is not on a later hit: see `provenance`.

    `literal` lists the variables that a person or a tool has filled, `pieces` says it of parts.
    """
    known = run.scope.data
    if known is None:
        return {}
    literal = sorted(known.literal_keys(new_env, run.artifact.meta_json))
    parts = known.parts({key: new_env[key] for key in new_env if key not in literal})
    return {"literal": literal, "pieces": parts}


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _expires_at(period: object) -> float | None:
    """Seconds since the epoch at which a `cache_expiration` of `30m`, `12h`, `7d` or `0` is over.

    None means never. So does a period that cannot be read: the entry is rebuilt too rarely
    rather than on every run.
    """
    text = "" if period is None or period is False else str(period).strip().lower()
    if text == "0":
        return time.time()
    unit = {"m": 60, "h": 3600, "d": 86400}.get(text[-1:], 0)
    if not unit or not text[:-1].isdecimal():
        return None
    return time.time() + int(text[:-1]) * unit


def _origin(engine: Engine) -> dict[str, Any]:
    """Which request made an entry: its command without secrets, and the name of its record."""
    from cm_script.records import plain_request
    from cmcore import grammar

    if engine.request is None:
        return {}
    request = engine.request._replace(flags=plain_request(engine.request.flags))
    return {"command": grammar.command_line(request), "record": engine.record}
