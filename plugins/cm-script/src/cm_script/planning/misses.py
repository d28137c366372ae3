"""Why the cache does not answer a step, and what it would answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cm_script import cacheuse
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.run import RecipeRun
    from cmcore.types import CacheRequest


def not_asked(run: RecipeRun) -> str:
    """Why the cache is not asked at all."""
    if run.options.skip_cache:
        return "the cache is not asked (--skip_cache)"
    if cacheuse.fake(run):
        return "the cache is not asked (fake run)"
    return "the recipe does not cache its result"


def reason(run: RecipeRun, request: CacheRequest, turned_down: Sequence[str]) -> str:
    """Why none of the entries answers a request."""
    if run.options.new:
        return "--new asks for another entry"
    if turned_down:
        return "; ".join(turned_down)
    entries = _entries_of(run)
    if not entries:
        return "no entry of this recipe"
    now = time.time()
    best = min(entries, key=lambda meta: len(_missing(meta, request)))
    missing = _missing(best, request)
    if not missing:
        return _in_the_way(run, best, request, now)
    which = f"entry {best.get('uid', '')}"
    versions = [tag for tag in missing if tag.startswith("version-")]
    if versions == missing:
        there = [str(tag) for tag in best.get("tags") or () if str(tag).startswith("version-")]
        has = f"is of {there[0].replace('-', ' ', 1)}" if there else "is of no known version"
        return f"{which} {has}, not {versions[0].replace('-', ' ', 1)}"
    return f"{which} lacks {' '.join(missing)}"


def _missing(meta: dict[str, Any], request: CacheRequest) -> list[str]:
    tags = meta.get("tags") or ()
    return [tag for tag in request.tags if tag not in tags]


def _in_the_way(run: RecipeRun, meta: dict[str, Any], request: CacheRequest, now: float) -> str:
    which = f"entry {meta.get('uid', '')}"
    limit = meta.get("cache_expiration")
    if isinstance(limit, (int, float)) and 0 < limit <= now:
        return f"{which} expired on {when(float(limit))}"
    excluded = [tag for tag in request.excluded if tag in (meta.get("tags") or ())]
    if excluded:
        return f"{which} has {' '.join(excluded)}, which is excluded"
    if meta.get("dialect") not in (None, request.dialect):
        return f"{which} is of another dialect"
    if meta.get("outdated"):
        return f"{which}: {meta['outdated']}"
    call = {"action": "verify", "automation": "cache", "artifact": meta.get("uid")}
    checked = (run.ctx.access(call).get("list") or [{}])[0]
    problems = checked.get("problems") or ["the cache does not give it"]
    return f"{which}: {problems[0]}"


def when(seconds: float) -> str:
    """A point in time as people read it, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _entries_of(run: RecipeRun) -> list[dict[str, Any]]:
    tag = f"{run.dialect.script_link_tag}{run.artifact.uid}"
    answer = run.ctx.access({"action": "search", "automation": "cache", "tags": tag})
    found = answer.get("list") if answer.get("return") == 0 else None
    rows = found if isinstance(found, list) else []
    return [
        {**(row.get("meta") or {}), "outdated": row.get("outdated")}
        for row in rows
        if isinstance(row, dict)
    ]
