"""Which results of a plan can be made before the plan is run, each by a request of its own.

An image keeps them, so that a run in it finds them. A request is only worth that when the run's own
look-up takes what it has made, and nothing but that look-up was to be answered by it: each one is
planned alone and compared with what the whole plan has in its place.
"""

from __future__ import annotations

from cm_script import containermeta, edited, identity
from cm_script.flags import is_on
from cm_script.planning import node, reach
from cm_script.planning.certainty import fits
from cm_script.planning.inside import Asked, InsideEngine
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Iterable, NamedTuple

if TYPE_CHECKING:
    from cm_script.planning.node import Node
    from cm_script.run import RecipeRun
    from cmcore.context import Context
    from cmcore.types import CacheEntry


class Own(NamedTuple):
    """What belongs to the request itself, so that no result of it is made ahead.

    Attributes:
        names: variables that its flags set.
        places: beginnings of paths that only this host has.
    """

    names: frozenset[str]
    places: tuple[str, ...]


class _Made(NamedTuple):
    """A request for one result, and the entry that it would make."""

    flags: dict[str, Any]
    asked: Asked
    entry: CacheEntry


def requests(ctx: Context, engine: InsideEngine, own: Own) -> list[dict[str, Any]]:
    """The requests, in the order in which they are to be run: what others need comes first.

    Each has `tags`, and as far as needed `version`, `version_min`, `version_max`, `env`, `adr`,
    `extra_cache_tags`, `dialect`, all of them flags of `cm run script`; and `label`, `recipes` (the
    folders of those that it may need) and `open` (whether their code may call for others).
    """
    planner = engine.planner
    looked_up = sorted(planner.asked.values(), key=lambda one: one.node.step)
    # A step ends after those below it, and what is below is made before what needs it.
    order = {id(one): place for place, one in enumerate(_ended(planner.root))}
    kept: list[_Made] = []
    for asked in sorted(looked_up, key=lambda one: order.get(id(one.node), 0)):
        if not _may_be_made(engine, asked):
            continue
        made = _made(ctx, engine, asked, own)
        if made is not None and not _answers_another(made, looked_up):
            kept.append(made)
    found: list[dict[str, Any]] = []
    for made in kept:
        if made.flags not in found:
            found.append(made.flags)
    return found


def _ended(root: Node | None) -> list[Node]:
    if root is None:
        return []
    return [*(one for child in root.children for one in _ended(child)), root]


def _may_be_made(engine: InsideEngine, asked: Asked) -> bool:
    here = asked.node
    if not asked.above or here.outcome != node.RUN or not here.recipe or here.run is None:
        return False
    if not all(one.sure and one.outcome == node.RUN for one in (here, *asked.above)):
        return False
    scope = here.run.scope
    if scope.cache_expiration or scope.meta.get("cache_class") == "measured":
        return False
    below = here.walk()
    if any("gpu" in one.needs or one.outcome == node.FAILS for one in below):
        return False
    for one in below:
        noted = engine.planner.notes.get(one.step)
        settings = noted.docker if noted else {}
        if not all(is_on(settings.get(key, True)) for key in ("run", "real_run")):
            return False
    secret = {name for name, value in asked.env.items() if containermeta.holds_secret(name, value)}
    return not secret & identity.names_of(here.run)


def _made(ctx: Context, engine: InsideEngine, asked: Asked, own: Own) -> _Made | None:
    flags = _flags(engine, asked)
    more: dict[str, Any] | None = {}
    for _ in range(3):
        flags |= more or {}
        alone = InsideEngine(ctx)
        alone.request = engine.request._replace(flags=flags) if engine.request else None
        try:
            alone.run({**_copy(flags), "quiet": True, "skip_write_test": True})
        except CmError:
            return None
        more = _missing(alone, asked, own, flags)
        if more is None:
            return None
        if not more:
            break
    else:
        return None
    step = alone.planner.root
    later = alone.planner.made(step.step) if step is not None else None
    if step is None or later is None or not _same(asked.node, step):
        return None
    entry = later.compared()
    if not set(asked.request.tags) <= set(entry.tags) or _differs(asked, entry):
        return None
    recipes, more_recipes = reach.of(alone)
    about = {"label": asked.node.label, "recipes": [one.path for one in recipes]}
    return _Made({**flags, **about, "open": more_recipes}, asked, entry)


def _copy(flags: dict[str, Any]) -> dict[str, Any]:
    from cm_script.merge import copied

    return {key: copied(value) for key, value in flags.items()}


def _flags(engine: InsideEngine, asked: Asked) -> dict[str, Any]:
    run = asked.node.run
    assert run is not None
    flags: dict[str, Any] = {"tags": asked.node.asked}
    for name in ("version", "version_min", "version_max"):
        value = run.scope.version_request.get(name)
        if value:
            flags[name] = value
    names: set[str] = set()
    for one in asked.node.walk()[1:]:
        given = one.run.inputs.get("names") if one.run else None
        names.update([given] if isinstance(given, str) else map(str, given or ()))
    typed = edited.typed(engine)
    edits = {name: dict(typed[name]) for name in sorted(names & set(typed))}
    return {**flags, **({"adr": edits} if edits else {})}


def _missing(
    alone: InsideEngine, asked: Asked, own: Own, flags: dict[str, Any]
) -> dict[str, Any] | None:
    """Flags that the request still lacks; None when it cannot be made like the one in the plan."""
    root, wanted = alone.planner.root, asked.node.recipe
    if root is None or root.recipe is None or wanted is None:
        return None
    if root.recipe.path != wanted.path:
        return None if "dialect" in flags else {"dialect": wanted.form}
    later = alone.planner.made(root.step)
    if later is None:
        return None
    entry = later.compared()
    tags = [tag for tag in asked.request.tags if tag not in entry.tags]
    if any("<<<" in tag or tag.startswith("_") for tag in tags):
        return None
    env = _other_values(alone, asked, own, entry)
    if env is None or (env and "env" in flags) or (tags and "extra_cache_tags" in flags):
        return None
    more: dict[str, Any] = {"env": env} if env else {}
    return {**more, **({"extra_cache_tags": ",".join(tags)} if tags else {})}


def _other_values(
    alone: InsideEngine, asked: Asked, own: Own, entry: CacheEntry
) -> dict[str, str] | None:
    """Variables that the plan gives the recipe other values of; None when that cannot be done."""
    recorded = entry.meta.get("inputs") or {}
    told = _told_below(alone)
    env: dict[str, str] = {}
    for name, then in recorded.items():
        if any(fits(name, pattern) for pattern in told):
            continue  # what runs below sets it, so that a run does not compare it
        now = asked.env.get(name)
        if asked.knowledge.who_sets(name) or name in own.names:
            return None
        if now is None and then is None:
            continue
        if now is not None and then in (now, identity.as_recorded(now)):
            continue
        if now is None or not _may_be_told(name, now, own):
            return None
        env[name] = str(now)
    return env


def _may_be_told(name: str, value: object, own: Own) -> bool:
    if isinstance(value, (list, dict)) or containermeta.holds_secret(name, value):
        return False
    text = str(value)
    return "<<<" not in text and not any(place in text for place in own.places)


def _told_below(alone: InsideEngine) -> list[str]:
    root = alone.planner.root
    found: list[str] = []
    for one in root.walk() if root is not None else ():
        if one.run is not None and one.outcome == node.RUN:
            found += alone.planner.exported(one.run)
    return found


def _same(one: Node, other: Node) -> bool:
    """Whether two steps come to the same, with all that is below them."""
    if not _alike(one, other):
        return False
    ends = (node.CACHED, node.REUSED)
    if one.outcome in ends or other.outcome in ends:
        return {one.outcome, other.outcome} <= {*ends, node.RUN}
    if one.outcome != other.outcome or len(one.children) != len(other.children):
        return False
    return all(map(_same, one.children, other.children))


def _alike(one: Node, other: Node) -> bool:
    if one.run is None or other.run is None:
        return one.run is other.run and one.outcome == other.outcome
    return (
        one.run.artifact.path == other.run.artifact.path
        and set(one.run.scope.variations) == set(other.run.scope.variations)
        and one.run.scope.version_request == other.run.scope.version_request
    )


def _differs(asked: Asked, entry: CacheEntry) -> str:
    """Why the run would not be served an entry."""
    run = asked.node.run
    assert run is not None
    known, run.scope.env = run.scope.env, asked.env
    try:
        return identity.difference(run, entry)
    finally:
        run.scope.env = known


def _answers_another(made: _Made, looked_up: Iterable[Asked]) -> bool:
    """Whether an earlier look-up, which finds nothing on a new machine, would take the entry."""
    for other in looked_up:
        if other.node.step >= made.asked.node.step:
            return False
        same_recipe = other.request.recipe_uid == made.asked.request.recipe_uid
        fitting = set(other.request.tags) <= set(made.entry.tags)
        ruled_out = set(other.request.excluded) & set(made.entry.tags)
        if same_recipe and fitting and not ruled_out and not _differs(other, made.entry):
            return True
    return False


def own_of(run: RecipeRun, flags: dict[str, Any], mapping: dict[str, str]) -> Own:
    """What of a request is its own: the variables its flags set, and the folders it stands in."""
    import os

    names = {mapping[flag] for flag in flags if flag in mapping}
    for key in ("env", "const"):
        names.update(flags.get(key) or ())
    paths = run.ctx.paths
    places = {os.getcwd(), os.path.expanduser("~"), paths.home, run.artifact.collection.path}
    return Own(frozenset(names), tuple(sorted(p for p in places if p not in ("", "/"))))
