"""From the inputs of a run to one recipe: the index, the cache and a person are asked in turn."""

from __future__ import annotations

from cm_script import flags, select
from cm_script.dialects import for_form
from cm_script.query import Query, from_words
from cmcore.errors import NotFoundError
from cmcore.hints import TYPE_CHECKING, Any, Sequence

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cmcore.types import Artifact


def choose_recipe(engine: Engine, inputs: dict[str, Any]) -> tuple[Artifact, Query]:
    """The recipe that `inputs` ask for, and the query as it was understood.

    Raises:
        CmError: nothing fits (with what would), or the query contradicts itself.
    """
    words = [str(inputs["artifact"])] if inputs.get("artifact") else []
    words += [str(word) for word in inputs.get("artifacts") or []]
    query = from_words(words, inputs.get("tags") or "")
    try:
        found, query = select.find(engine.recipes, query)
    except NotFoundError:
        for problem in engine.ctx.index.warnings():
            engine.console.warn(problem)
        raise
    if words and not query.name:
        # Hooks look for what was asked in `tags`, however it was written.
        inputs["tags"] = query.text()
        for key in ("artifact", "artifacts"):
            inputs.pop(key, None)
    fitting = select.candidates(_of_dialect(found, inputs, query), query)
    if len(fitting) == 1:
        engine.executor.chosen(select.Choice(fitting[0], "", select.ONLY))
        return fitting[0], query
    forget = flags.is_on(inputs.get("skip_remembered_selections"))
    choice = select.choose(
        fitting,
        query,
        collections=[c.name for c in engine.ctx.collections.all()],
        parent_form=str((inputs.get("run_state") or {}).get("parent_form") or ""),
        remembered=None if forget else engine.remembered,
        cached=None if _ignores_cache(inputs) else lambda left: _with_entry(engine, left, query),
        ask=_asker(engine, inputs),
    )
    engine.executor.chosen(choice)
    return choice.artifact, query


def _of_dialect(
    found: Sequence[Artifact], inputs: dict[str, Any], query: Query
) -> Sequence[Artifact]:
    wanted = inputs.get("dialect")
    if not wanted:
        return found
    left = [artifact for artifact in found if artifact.form == wanted]
    if left:
        return left
    forms = sorted({artifact.form for artifact in found})
    raise NotFoundError(
        f"'{query.told()}' fits no recipe of dialect '{wanted}'",
        hint=f"there is one of dialect {' and '.join(forms)}",
    )


def _ignores_cache(inputs: dict[str, Any]) -> bool:
    return any(flags.is_on(inputs.get(name)) for name in ("skip_cache", "fake_run"))


def _asker(engine: Engine, inputs: dict[str, Any]) -> select.Ask | None:
    quiet = flags.is_on(inputs.get("quiet")) or engine.quiet
    if quiet or not engine.console.interactive:
        return None

    def ask(question: str, options: Sequence[str]) -> int:
        return engine.console.ask(question, list(options), 0) or 0

    return ask


def _with_entry(engine: Engine, left: Sequence[Artifact], query: Query) -> set[str]:
    """Paths of those recipes that have a finished cache entry for the query."""
    from cmcore.types import CacheRequest

    tags = (*query.tags, *("_" + name for name in query.variations))
    excluded = (*query.excluded, *("_" + name for name in query.excluded_variations))
    paths = set()
    for artifact in left:
        dialect = for_form(artifact.form).name
        request = CacheRequest(artifact.uid, artifact.alias, dialect, tags, excluded, (), {})
        if engine.executor.entries(request):
            paths.add(artifact.path)
    return paths
