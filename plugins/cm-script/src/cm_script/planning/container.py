"""What a container for a request is made from: the part of a plan that `container` adds."""

from __future__ import annotations

from cm_script import containermeta
from cm_script.planning import node, prefetch, programs
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.planning.inside import InsideEngine
    from cmcore.context import Context
    from cmcore.types import Artifact, Collection

#: Flags that say how a plan is made or shown, not what is run.
_ASIDE = frozenset(
    ("artifact", "artifacts", "unparsed_cmd", "cmd", "container", "format", "depth", "out")
)


def describe(ctx: Context, engine: InsideEngine, inputs: dict[str, Any]) -> dict[str, Any]:
    """The key `container` of a plan; its fields are documented in `docs/recipes.md`.

    Args:
        ctx: services.
        engine: has made the plan.
        inputs: flags of the run as they were before the plan was made.

    Raises:
        CmError: the recipe itself could not be composed.
    """
    planner = engine.planner
    root = planner.root
    noted = planner.notes.get(root.step) if root is not None else None
    if root is None or root.run is None or noted is None:
        raise root.error if root is not None and root.error else CmError("nothing was planned")
    run = root.run
    mapping = containermeta.input_mapping(run, noted.docker)
    env, secrets = containermeta.without_secrets(noted.env)
    flags, secret_flags = containermeta.without_secrets(_replayed(inputs))
    own = prefetch.own_of(run, inputs, mapping)
    return {
        "settings": noted.docker,
        "dialect": run.dialect.name,
        "prefix": run.dialect.prefix.rstrip("_"),
        "env": env,
        "secrets": secrets,
        "input_mapping": mapping,
        "path_keys": containermeta.path_keys(run),
        "command": {
            "tags": root.asked,
            "artifacts": _artifacts(inputs),
            "flags": flags,
            "secret_flags": secret_flags,
        },
        "recipe": _recipe(ctx, run.artifact),
        "recipes": _recipes(ctx, engine),
        "prefetch": prefetch.requests(ctx, engine, own),
        "programs": programs.of_plan(planner),
        "system_packages": programs.system_packages(planner),
    }


def _replayed(inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in inputs.items()
        if key not in _ASIDE and key != "docker" and not key.startswith("docker_")
    }


def _artifacts(inputs: dict[str, Any]) -> list[str]:
    first = inputs.get("artifact")
    return [str(word) for word in (*([first] if first else []), *(inputs.get("artifacts") or ()))]


def _recipes(ctx: Context, engine: InsideEngine) -> list[dict[str, Any]]:
    """Recipes that the run may need, surely or not, by their name."""
    found: dict[str, Artifact] = {}
    root = engine.planner.root
    for one in root.walk() if root is not None else ():
        if one.recipe is not None and one.outcome != node.SKIPPED:
            found.setdefault(one.recipe.path, one.recipe)
    rows = [_recipe(ctx, artifact) for artifact in found.values()]
    return sorted(rows, key=lambda row: (row["alias"], row["uid"], row["path"]))


def _recipe(ctx: Context, artifact: Artifact) -> dict[str, Any]:
    collection = collection_row(ctx, artifact.collection)
    own = bool(artifact.meta.get("private"))
    return {
        "uid": artifact.uid,
        "alias": artifact.alias,
        "path": artifact.path,
        "collection": collection,
        "private": own or collection["private"],
    }


def collection_row(ctx: Context, collection: Collection) -> dict[str, Any]:
    """A collection: `name`, `uid`, `path`, `kind`, `distribution`, `private`."""
    return {
        "name": collection.name,
        "uid": collection.uid,
        "path": collection.path,
        "kind": collection.kind,
        "distribution": collection.distribution,
        "private": is_private(ctx, collection),
    }


def is_private(ctx: Context, collection: Collection) -> bool:
    """Whether a collection is marked private: in its meta, or as the package that carries it.

    A package says so with a classifier that begins with `Private ::`, as package indexes know it.
    """
    from cmcore.collection_meta import Memo

    memo = Memo(ctx.paths.collection_memo)
    if memo.facts(collection.path).data.get("private"):
        return True
    name = collection.distribution.partition(" ")[0]
    return bool(name) and private_distribution(name)


def private_distribution(name: str) -> bool:
    """Whether an installed distribution is marked private."""
    from importlib import metadata

    try:
        found = metadata.metadata(name).get_all("Classifier") or []
    except metadata.PackageNotFoundError:
        return False
    return any(str(classifier).startswith("Private ::") for classifier in found)
