"""How a run uses the cache: what it asks for, which hit is good.

The cache itself belongs to whichever plugin implements the `cm_cache_*` hooks. Without one a
cacheable recipe runs in a fresh folder of its own and is not found again.
"""

from __future__ import annotations

import os
import time

from cm_script import versions
from cm_script.flags import is_on
from cm_script.query import variation_tag
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Any, Mapping, Sequence
from cmcore.types import CacheEntry, CacheRequest

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
    from cm_script.identity import mapped_inputs

    asked, filed = tags_of(run)
    run.cache_tags = [t for t in filed if not t.startswith("-")]
    scope = run.scope
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
            "inputs": mapped_inputs(run),
            "class": str(scope.meta.get("cache_class") or ""),
        },
        name=run.text("NAME"),
    )


def look_up(run: RecipeRun, request: CacheRequest) -> CacheEntry | None:
    """The finished entry that answers `request`, or None.

    Raises:
        NotFoundError: none fits and `--only_execute_from_cache` forbids to run.
    """
    if run.options.new:
        _explain(run, request, None, {})
        return None
    found = run.engine.executor.entries(request)
    flaws: dict[str, str] = {}
    remembered = _remembered(run, request, found, flaws)
    good = [remembered] if remembered else [e for e in found if not _flaw(run, e, flaws)]
    if found and not good:
        # A cache that stands behind the local one is not asked as long as something is here.
        seen = tuple(entry.uid for entry in found)
        more = run.engine.executor.entries(request._replace(unfit=seen))
        good = [e for e in more if e.uid not in seen and not _flaw(run, e, flaws)]
    entry = _choose(run, request, good) if good else None
    _explain(run, request, entry, flaws)
    if not good and run.options.only_from_cache:
        why = "; ".join(f"entry {uid}: {flaw}" for uid, flaw in flaws.items())
        raise NotFoundError(
            f"nothing in the cache fits recipe {run.name}" + (f" ({why})" if why else ""),
            where=",".join(request.tags),
            hint="leave out --only_execute_from_cache to run it",
        )
    return entry


def explain_aside(run: RecipeRun) -> None:
    """Say to those who ask why the cache has no part in this run."""
    if run.engine.cache.explain:
        from cm_script.planning.misses import not_asked

        run.console.log(f"{run.spaces}  {not_asked(run)}")


def _explain(
    run: RecipeRun, request: CacheRequest, entry: CacheEntry | None, flaws: Mapping[str, str]
) -> None:
    """Say what the cache answered: to those who ask, and when work is done again for a reason
    that is not plain from the request."""
    if run.engine.cache.explain:
        from cm_script.planning.misses import reason, when

        if entry is not None:
            made = entry.meta.get("run")
            by = made.get("command") if isinstance(made, Mapping) else ""
            told = f"hit: entry {entry.uid}, since {when(entry.created)}"
            told += f", made by: {by}" if by else ""
            told += "; --renew builds it again" if run.options.renew else ""
        else:
            turned_down = [f"entry {uid}: {flaw}" for uid, flaw in flaws.items()]
            told = f"miss: {reason(run, request, turned_down)}"
        run.console.log(f"{run.spaces}  cache {told}")
    elif entry is None and not run.options.silent:
        for uid, flaw in flaws.items():
            if not flaw.startswith(("variations:", "version")):
                run.console.log(f"{run.spaces}  cached entry {uid} is not used: {flaw}")


def _flaw(run: RecipeRun, entry: CacheEntry, flaws: dict[str, str]) -> str:
    """Why an entry that carries the right tags is not served; kept in `flaws`."""
    from cm_script.identity import difference

    flaw = _path_flaw(entry) or _expiry_flaw(entry) or _version_flaw(run, entry)
    flaw = flaw or difference(run, entry)
    if not flaw:
        flaw = run.engine.executor.own_check(run, entry)
    if flaw:
        flaws[entry.uid] = flaw
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
    run: RecipeRun, request: CacheRequest, found: Sequence[CacheEntry], flaws: dict[str, str]
) -> CacheEntry | None:
    if len(found) < 2 or run.options.skip_remembered:
        return None
    for choice in run.engine.remembered:
        if choice["type"] == "cache" and choice["tags"] == frozenset(request.tags):
            for entry in found:
                if entry.uid == choice["uid"] and not _flaw(run, entry, flaws):
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


def state_of(run: RecipeRun, entry: CacheEntry) -> dict[str, Any] | None:
    """What a hit gives back, or None (with a warning) when the entry is damaged."""
    try:
        state = run.engine.executor.published(entry)
    except CmError as error:
        run.console.warn(f"a cached result of {run.name} is not used: {error}")
        return None
    if state is None or not isinstance(state.get("new_env"), dict):
        return None
    new_env = moved(state["new_env"], entry.path)
    for key in state.get("literal") or []:
        run.engine.imported[key] = new_env.get(key)
    for key, pieces in (state.get("pieces") or {}).items():
        parts = moved(pieces, entry.path)
        run.engine.imported[f"{key}={''.join(parts)}"] = parts
    return {
        "new_env": new_env,
        "new_state": state.get("new_state") or {},
        "inherited": state.get("inherited"),
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
