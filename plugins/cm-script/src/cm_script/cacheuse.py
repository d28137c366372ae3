"""How a run uses the cache: what it asks for, which hit is good, what it leaves behind.

The cache itself belongs to whichever plugin implements the `cm_cache_*` hooks. Without one a
cacheable recipe runs in a fresh folder of its own and is not found again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from cm_script import versions
from cm_script.flags import is_on
from cm_script.query import variation_tag
from cmcore.errors import CmError, NotFoundError, StorageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry, CacheRequest, Outcome, Reservation

if TYPE_CHECKING:
    from cm_script.run import RecipeRun


def wanted(run: RecipeRun) -> bool:
    """Whether the outcome of this run is looked up in, and written to, a cache."""
    options, scope = run.options, run.scope
    if options.skip_cache or fake(run):
        return False
    forced = options.force_cache and is_on(scope.meta.get("can_force_cache"))
    return is_on(scope.cache) or forced


def fake(run: RecipeRun) -> bool:
    """Whether hooks and native steps are left out."""
    return run.options.fake_run or run.run_state.get("fake_run") is True


def tags_of(run: RecipeRun) -> tuple[list[str], list[str]]:
    """Tags a hit must carry (`-x`: must not), and tags a new entry gets, before the run."""
    scope, dialect = run.scope, run.dialect
    common = list(dict.fromkeys([*run.query.tags, *run.artifact.tags]))
    asked = list(common) + [variation_tag(v) for v in scope.explicit_variations]
    filed = list(common) + [variation_tag(v) for v in scope.explicit_variations]
    if dialect.resolved_variations_in_hooks:
        filed += [variation_tag(v) for v in scope.variations]
    later = versions.cache_tags(scope.version_request.get("version", ""), dialect)
    later += _extra_tags(run) + env_tags(run)
    return list(dict.fromkeys(asked + later)), list(dict.fromkeys(filed + later))


def _extra_tags(run: RecipeRun) -> list[str]:
    from cm_script.placeholders import resolved

    given = [str(run.env.get(run.key("EXTRA_CACHE_TAGS")) or "")]
    own = run.inputs.get("extra_cache_tags") or ""
    given.append(",".join(map(str, own)) if isinstance(own, list) else str(own))
    tags = [resolved(t.strip(), run.env) for text in given for t in text.split(",") if t.strip()]
    name = run.text("NAME").strip().lower()
    return [*tags, *(["name-" + name] if name else [])]


def env_tags(run: RecipeRun) -> list[str]:
    """`deps-<prefix><value>` for each part of the variables in `extra_cache_tags_from_env`."""
    tags = []
    for rule in run.scope.meta.get("extra_cache_tags_from_env") or []:
        value = str(run.env.get(rule.get("env"), "") or "").strip()
        tags += [f"deps-{rule.get('prefix', '')}{part}" for part in value.split(",") if part]
    return tags


def request_for(run: RecipeRun) -> CacheRequest:
    """What this run asks the cache for, with every field that its outcome depends on."""
    asked, filed = tags_of(run)
    run.cache_tags = [t for t in filed if not t.startswith("-")]
    scope = run.scope
    mapped = {
        name: run.inputs[name]
        for name in scope.meta.get("input_mapping") or {}
        if isinstance(name, str) and name in run.inputs
    }
    return CacheRequest(
        recipe_uid=run.artifact.uid,
        recipe_alias=run.artifact.alias,
        dialect=run.dialect.name,
        tags=tuple(t for t in asked if not t.startswith("-")),
        excluded=tuple(t[1:] for t in asked if t.startswith("-")),
        entry_tags=tuple(run.cache_tags),
        key={
            "variations": list(scope.variations),
            "version": dict(scope.version_request),
            "inputs": mapped,
            "recipe": run.artifact.path,
        },
        name=run.text("NAME"),
    )


def look_up(run: RecipeRun, request: CacheRequest) -> CacheEntry | None:
    """The finished entry that answers `request`, or None.

    Raises:
        NotFoundError: none fits and `--only_execute_from_cache` forbids to run.
    """
    if run.options.new:
        return None
    found = run.engine.executor.entries(request)
    remembered = _remembered(run, request, found)
    good = [remembered] if remembered else [e for e in found if not _flaw(run, e)]
    if good:
        return _choose(run, request, good)
    if run.options.only_from_cache:
        raise NotFoundError(
            f"nothing in the cache fits recipe {run.name}",
            where=",".join(request.tags),
            hint="leave out --only_execute_from_cache to run it",
        )
    return None


def _flaw(run: RecipeRun, entry: CacheEntry) -> str:
    """Why an entry that carries the right tags is not served; said to those who ask."""
    flaw = _path_flaw(entry) or _expiry_flaw(entry) or _version_flaw(run, entry)
    if not flaw:
        flaw = run.engine.executor.own_check(run, entry)
    if flaw:
        run.engine.executor.turned_down(run, entry, flaw)
    return flaw


def _path_flaw(entry: CacheEntry) -> str:
    paths = [str(entry.meta.get("dependent_cached_path") or "")]
    several = entry.meta.get("dependent_cached_paths")
    if isinstance(several, str):
        paths += several.split(":")
    gone = [p for p in paths if p and not os.path.exists(p)]
    return f"{gone[0]} is gone" if gone else ""


def _expiry_flaw(entry: CacheEntry) -> str:
    limit = entry.meta.get("cache_expiration")
    if isinstance(limit, (int, float)) and 0 < limit < time.time():
        return "it has expired"
    return ""


def _version_flaw(run: RecipeRun, entry: CacheEntry) -> str:
    asked = run.scope.version_request
    limits = {key: asked[key] for key in ("version_min", "version_max") if asked.get(key)}
    if not entry.version or versions.fits(entry.version, limits, run.dialect):
        return ""
    return f"version {entry.version} does not satisfy {limits}"


def _remembered(
    run: RecipeRun, request: CacheRequest, found: Sequence[CacheEntry]
) -> CacheEntry | None:
    if len(found) < 2 or run.options.skip_remembered:
        return None
    for choice in run.engine.remembered:
        if choice["type"] == "cache" and choice["tags"] == frozenset(request.tags):
            for entry in found:
                if entry.uid == choice["uid"] and not _flaw(run, entry):
                    return entry
    return None


def _choose(run: RecipeRun, request: CacheRequest, good: list[CacheEntry]) -> CacheEntry | None:
    if len(good) == 1:
        return good[0]
    index: int | None = 0
    if not run.options.quiet and run.console.interactive:
        lines = [f"{','.join(e.tags)}  {e.path}" for e in good]
        question = f"Several cached results fit {run.name}; which one (-1 to run again)?"
        index = run.console.ask(question, [*lines, "none: run again"], 0)
    if index is None or index >= len(good):
        return None
    entry = good[index]
    run.engine.explain(f"  {len(good)} cached entries fit; {entry.uid} is used")
    run.engine.remembered.append(
        {"type": "cache", "tags": frozenset(request.tags), "uid": entry.uid}
    )
    return entry


def reserve(
    run: RecipeRun, request: CacheRequest, refresh: CacheEntry | None
) -> Reservation | CacheEntry:
    """The folder to run in; or the entry that another process finished meanwhile."""
    request = request._replace(key={**request.key, "digest": recipe_digest(run.artifact.path)})
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


def recipe_digest(folder: str) -> str:
    """SHA-256 over names and contents of the files of a recipe, subfolders included."""
    import hashlib

    digest = hashlib.sha256()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(names):
            path = os.path.join(parent, name)
            digest.update(os.path.relpath(path, folder).encode(errors="surrogateescape") + b"\0")
            try:
                with open(path, "rb") as file:
                    digest.update(hashlib.sha256(file.read()).digest())
            except OSError:
                digest.update(b"unreadable")
    return digest.hexdigest()


def state_of(run: RecipeRun, entry: CacheEntry) -> dict[str, Any] | None:
    """What a hit gives back, or None (with a warning) when the entry is damaged."""
    try:
        state = run.engine.executor.published(entry)
    except CmError as error:
        run.console.warn(f"cached entry {entry.uid} is damaged and is not used: {error}")
        return None
    if state is None or not isinstance(state.get("new_env"), dict):
        return None
    new_env = moved(state["new_env"], entry.path)
    for key in state.get("literal") or []:
        run.engine.imported[key] = new_env.get(key)
    return {
        "new_env": new_env,
        "new_state": state.get("new_state") or {},
        "version": str(state.get("version") or ""),
        "version_info": state.get("version_info") or [],
    }


def moved(value: Any, entry_path: str) -> Any:
    """`value` with paths into a cache folder that has since moved pointing to where it is now."""
    cache, uid = os.path.split(entry_path)

    def follow(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: follow(item) for key, item in value.items()}
        if isinstance(value, list):
            return [follow(item) for item in value]
        if isinstance(value, str) and uid in value and cache not in value:
            head, _, tail = value.partition(os.sep + uid)
            if tail[:1] in ("", os.sep) and os.path.isabs(head):
                return entry_path + tail
        return value

    return follow(value)


def publish(run: RecipeRun, new_env: dict[str, Any], new_state: dict[str, Any]) -> None:
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
    until = _expires_at(run.inputs.get("cache_expiration", run.scope.cache_expiration))
    if until is not None:
        meta["cache_expiration"] = until
    tags = [t for t in run.cache_tags if t != "tmp" and not t.startswith("-")]
    tags.append(f"{run.dialect.script_link_tag}{run.artifact.uid}")
    outcome = Outcome(
        tags=tuple(dict.fromkeys(tags)),
        version=run.text("DETECTED_VERSION") or run.text("VERSION"),
        state={
            "new_env": new_env,
            "new_state": new_state,
            "deps": list(run.ran_deps),
            "version": run.version,
            "version_info": run.run_state["version_info"][run.first_version :],
            "literal": _literal_keys(run, new_env),
        },
        meta=meta,
    )
    run.entry = run.engine.executor.publish(run, run.reservation, outcome)


def _literal_keys(run: RecipeRun, new_env: dict[str, Any]) -> list[str]:
    """Variables whose text a tool printed: still data, not a recipe's words, on a later hit."""
    imported = run.engine.imported
    return [key for key, value in new_env.items() if key in imported and imported[key] == value]


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
