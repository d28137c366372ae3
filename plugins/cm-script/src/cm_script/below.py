"""Uncached recipes that ran as part of a cached one: when they change, its result is another.

What a cached recipe below does is that one's own business: its entry has a key of its own. A recipe
that is not cached runs each time anew, in the place of whoever needs it, so that its files count
like those of the recipe itself. Recipes that only tell facts about the host are no part of this, as
those facts are no part of any identity (`cm_script.identity`).
"""

from __future__ import annotations

from cm_script import identity
from cmcore.hints import TYPE_CHECKING, Any, Iterator, Mapping

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.run import RecipeRun
    from cmcore.types import CacheEntry

#: Key of an entry's meta that holds what `difference` compares.
BELOW = "below"


def recorded(run: RecipeRun) -> list[dict[str, Any]]:
    """What belongs under `BELOW`: of each recipe its UID, name, digest, folder and files."""
    found: dict[str, dict[str, Any]] = {}
    for one in _uncached(run):
        uid = one.artifact.uid
        if uid not in found and one.artifact.path != run.artifact.path:
            found[uid] = {
                "uid": uid,
                "name": one.artifact.alias or uid,
                "digest": identity.digest(one),
                "path": one.artifact.path,
                "files": identity.look(one.artifact.path),
            }
    return list(found.values())


def difference(engine: Engine, entry: CacheEntry) -> str:
    """Which of the recipes below an entry is another one now, in words; "" when none is."""
    kept = entry.meta.get(BELOW)
    for one in kept if isinstance(kept, list) else ():
        if not isinstance(one, Mapping) or not isinstance(one.get("path"), str):
            continue
        if identity.look(one["path"]) != one.get("files") and _digest(engine, one) != one["digest"]:
            return f"recipe {one.get('name')}, which it ran: changed since"
    return ""


def _digest(engine: Engine, one: Mapping[str, Any]) -> str:
    """The digest of a recipe as it is now; "" when there is none of this UID any more."""
    found = engine.recipes(str(one.get("uid")), "")
    at = [artifact for artifact in found if artifact.path == one["path"]]
    artifact = next(iter(at or found), None)
    return identity.digest_of(artifact) if artifact is not None else ""


def _uncached(run: RecipeRun) -> Iterator[RecipeRun]:
    for child in run.children:
        if child.entry is None:
            if not _tells_facts(child):
                yield child
            yield from _uncached(child)


def _tells_facts(run: RecipeRun) -> bool:
    prefix = run.dialect.prefix
    return bool(run.exports) and all(identity.is_aside(name, prefix) for name in run.exports)
