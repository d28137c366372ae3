"""Which steps of a plan could be built while those before them run, and why the others not.

A forecast, made from a plan: what each step and what is below it looks at, may export, builds in
the cache and does to the host. It decides what is worth starting early. Whether the result may be
used is decided by `adopt`, from what really happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cm_script import cacheuse, reads
from cm_script.jobs import effects
from cm_script.planning import node
from cm_script.planning.planner import Planner
from cm_script.reads import Reads, RecipeReads
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.planning.node import Node
    from cm_script.run import RecipeRun
    from cmcore.types import Artifact, CacheEntry


class Forecast(NamedTuple):
    """What is foreseen of one step and everything below it.

    Attributes:
        label: what people call it.
        acts: whether anything happens at all; a skipped step is no hindrance.
        alone: why it cannot be built ahead whatever comes before it, or "".
        blocks: why nothing behind it can be built ahead, or "".
        reads: what it looks at.
        env, state: patterns of what it may export.
        builds: results that it would put into the cache, by recipe and tags.
    """

    label: str
    acts: bool
    alone: str
    blocks: str
    reads: RecipeReads
    env: tuple[str, ...]
    state: tuple[str, ...]
    builds: frozenset[tuple[str, str]]


class Foreseeing(Planner):
    """A planner that also notes what `forecast` needs.

    Attributes:
        shared: step -> what its recipe seems to change for everybody, "" for nothing.
        served: step -> variables that its cached result sets.
        exports: step -> patterns of what it exports, and the text of variables that name some.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.shared: dict[int, str] = {}
        self.served: dict[int, list[str]] = {}
        self.exports: dict[int, tuple[list[str], dict[str, Any]]] = {}

    def load_code(self, run: RecipeRun) -> None:
        """As in a plan; and what its texts say about the host."""
        super().load_code(run)
        self.shared[self.stack[-1].step] = effects.shared(run, self.source(run))

    def native_step(self, run: RecipeRun) -> dict[str, Any]:
        """As in a plan; and what it exports, while its environment is there."""
        answer = super().native_step(run)
        texts = {key: run.env.get(key) for key in reads_of(run.artifact).env.indirect}
        self.exports[self.stack[-1].step] = (self.exported(run), texts)
        return answer

    def published(self, entry: CacheEntry) -> Mapping[str, Any] | None:
        """As in a plan; and which variables it sets."""
        state = super().published(entry)
        if state is not None:
            self.served[self.stack[-1].step] = list(state["new_env"])
        return state


_memo: dict[str, RecipeReads] = {}


def reads_of(recipe: Artifact) -> RecipeReads:
    """What a recipe looks at; its files are read once per process."""
    if recipe.path not in _memo:
        _memo[recipe.path] = reads.of_recipe(recipe.path, recipe.meta)
    return _memo[recipe.path]


def forecast(here: Node, planner: Foreseeing) -> Forecast:
    """What is foreseen of a step of a plan that was walked through."""
    label = here.label
    nothing = Forecast(label, False, "it does not run", "", RecipeReads(), (), (), frozenset())
    if here.outcome in (node.SKIPPED, node.LISTED, node.LEFT_OUT):
        return nothing
    if here.outcome == node.MAYBE:
        keys = here.recipe.meta.get("new_env_keys") if here.recipe else ["*"]
        env = tuple(str(key) for key in keys or ())
        return nothing._replace(acts=True, alone="whether it runs is not known yet", env=env)
    if here.outcome == node.FAILS or here.run is None:
        return nothing._replace(acts=True, alone="it may fail", blocks="it may fail")
    alone, blocks = _hindrances(here, planner)
    env, state = _exports(here, planner)
    return Forecast(label, True, alone, blocks, _reads(here, planner), env, state, _builds(here))


def _hindrances(here: Node, planner: Foreseeing) -> tuple[str, str]:
    """Why it cannot be built ahead, and why what is behind it cannot."""
    if here.outcome in (node.CACHED, node.REUSED):
        return "its result is in the cache", ""
    own, blocks = _effects(here, planner)
    if not here.sure:
        return "whether it runs is not known yet", blocks
    assert here.run is not None
    if not cacheuse.wanted(here.run):
        return "its result is not cached", blocks
    if here.turned_down or here.run.options.renew:
        return "an older result is built again", blocks
    return own, blocks


def _effects(here: Node, planner: Foreseeing) -> tuple[str, str]:
    own = ""
    for below in here.walk():
        who = "" if below is here else f"{below.label}: "
        what = planner.shared.get(below.step, "") if below.step else ""
        if effects.reaches_others(what):
            return f"{who}it may change {what}", f"{who}it may change {what}"
        if below.run is not None and planner.source(below.run).runs_recipes:
            text = f"the hooks of {below.label} may run further recipes"
            return text, text
        if what:
            own = own or f"{who}it has to do with {what}"
    return own, ""


def _reads(here: Node, planner: Foreseeing) -> RecipeReads:
    found = RecipeReads()
    for below in here.walk():
        if below.recipe is not None and below.outcome != node.MAYBE:
            _, texts = planner.exports.get(below.step, ([], {}))
            own = reads_of(below.recipe)
            found = found.joined(own._replace(env=own.env.resolved(texts)))
    return found


def _exports(here: Node, planner: Foreseeing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    run = here.run
    assert run is not None
    keys, _ = planner.exports.get(here.step) or (planner.exported(run), {})
    if here.outcome in (node.CACHED, node.REUSED):
        keys = planner.served.get(here.step, keys)
    state = run.inputs.get("force_new_state_keys") or run.scope.new_state_keys
    return tuple(keys), tuple(map(str, state))


def _builds(here: Node) -> frozenset[tuple[str, str]]:
    return frozenset(
        (below.run.artifact.alias, ",".join(sorted(below.run.cache_tags)))
        for below in here.walk()
        if below.run is not None and _is_made(below)
    )


def _is_made(below: Node) -> bool:
    """Whether a result comes into the cache by this plan, here or in an earlier step of it."""
    if below.outcome == node.REUSED:
        return True
    return below.outcome == node.RUN and below.run is not None and cacheuse.wanted(below.run)


def obstacle(late: Forecast, before: Sequence[Forecast]) -> str:
    """Why a step cannot be built while the steps before it run; "" when it can."""
    if late.alone:
        return late.alone
    for one in before:
        if one.acts:
            why = one.blocks or _in_common(one, late)
            if why:
                return f"{one.label} runs before it: {why}"
    return ""


def _in_common(one: Forecast, late: Forecast) -> str:
    key = _first(late.reads.env, one.env)
    if key:
        return f"it may set {key}, which {late.label} may look at"
    key = _first(late.reads.state, one.state)
    if key:
        return f"it may set {key} in the state, which {late.label} may look at"
    both = one.builds & late.builds
    return f"both build {min(both)[0]} in the cache" if both else ""


def _first(looked_at: Reads, patterns: Iterable[str]) -> str:
    return next((pattern for pattern in patterns if looked_at.meets(pattern)), "")
