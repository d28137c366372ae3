"""What a person changed about dependencies (`--adr.NAME...`, `--ad.NAME...`) decides, too.

A cached result was made with the dependencies that it had then. Who asks for another compiler is
not served what the usual one built; who asks for the one it was built with, in whatever words, is.
Edits that recipes make to each other are their own business, as their files are compared.
"""

from __future__ import annotations

from cm_script import identity, versions
from cm_script.merge import split_tags
from cm_script.records import is_secret
from cmcore.hints import TYPE_CHECKING, Any, Iterator, Mapping

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.run import RecipeRun
    from cmcore.types import CacheEntry

#: Keys of an entry's meta: the dependencies that have names, and what a person said about them.
NAMED, EDITS = "named", "edits"


def typed(engine: Engine) -> dict[str, dict[str, Any]]:
    """What the request says about dependencies: name -> key -> value."""
    found: dict[str, dict[str, Any]] = {}
    flags = engine.request.flags if engine.request is not None else {}
    for kind in ("adr", "ad", "add_deps_recursive", "add_deps"):
        edits = flags.get(kind)
        for name, change in edits.items() if isinstance(edits, Mapping) else ():
            if isinstance(change, Mapping):
                found.setdefault(str(name), {}).update(change)
    return found


def recorded(run: RecipeRun) -> dict[str, Any]:
    """What belongs into the meta of the entry that a run is about to publish."""
    named: list[dict[str, Any]] = []
    for one in _named(run):
        if one not in named:
            named.append(one)
    names = {name for one in named for name in one["names"]}
    edits = {name: _plain(change) for name, change in typed(run.engine).items() if name in names}
    return {key: value for key, value in ((NAMED, named), (EDITS, edits)) if value}


def difference(run: RecipeRun, entry: CacheEntry) -> str:
    """Which edit of a dependency an entry was made with or without, in words; "" when none is."""
    named, then = entry.meta.get(NAMED), entry.meta.get(EDITS)
    now = typed(run.engine)
    if not isinstance(named, list) or not (now or then):
        return ""
    then = then if isinstance(then, Mapping) else {}
    for one in named:
        for name in one.get("names") or () if isinstance(one, Mapping) else ():
            was, wanted = then.get(name) or {}, _plain(now.get(name) or {})
            why = _clash(run, one, was, wanted) if was != wanted else ""
            if why:
                return f"--adr.{name}.{why}"
    return ""


def _clash(
    run: RecipeRun, one: Mapping[str, Any], was: Mapping[str, Any], wanted: Mapping[str, Any]
) -> str:
    for key in dict.fromkeys([*was, *wanted]):
        then, now = was.get(key), wanted.get(key)
        if then == now or (key == "tags" and _has(one, then, now)):
            continue
        if key in ("version", "version_min", "version_max"):
            made = str(one.get("version") or "")
            if now is None or (made and versions.fits(made, {key: str(now)}, run.dialect)):
                continue
        return f"{key}: {identity.against(then, now)}"
    return ""


def _has(one: Mapping[str, Any], then: object, now: object) -> bool:
    """Whether a dependency carries all tags that are asked for, and was not given others."""
    old, new = set(split_tags(then)), set(split_tags(now))
    there = {*(one.get("tags") or ()), *(f"_{name}" for name in one.get("variations") or ())}
    return old <= new and all(
        (tag[1:] not in there) if tag.startswith("-") else tag in there for tag in new - old
    )


def _named(run: RecipeRun) -> Iterator[dict[str, Any]]:
    for child in run.children:
        names = child.inputs.get("names")
        names = [names] if isinstance(names, str) else names
        if names and isinstance(names, list):
            entry = child.entry
            yield {
                "names": sorted(map(str, names)),
                "tags": sorted(child.artifact.tags),
                "variations": sorted(child.scope.variations),
                "version": child.version or (entry.version if entry is not None else ""),
            }
        kept = child.entry.meta.get(NAMED) if child.entry is not None else None
        if isinstance(kept, list):
            yield from kept
        else:
            yield from _named(child)


def _plain(change: Mapping[str, Any]) -> dict[str, Any]:
    """An edit as an entry records it, less what says how to run and what is secret."""
    kept: dict[str, Any] = {}
    for key, value in change.items():
        if key != "env" or not isinstance(value, Mapping):
            kept[str(key)] = value
            continue
        prefixes = ("CM_", "MLC_")
        for name, text in value.items():
            aside = any(identity.is_aside(str(name), prefix) for prefix in prefixes)
            if not aside and not is_secret(str(name)):
                kept[f"env.{name}"] = identity.as_recorded(text)
    return kept
