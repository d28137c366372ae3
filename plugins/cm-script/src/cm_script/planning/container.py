"""What a container for a request is made from: the part of a plan that `container` adds."""

from __future__ import annotations

from cm_script import containermeta, privacy
from cm_script.planning import node, prefetch, programs
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.planning.inside import InsideEngine
    from cmcore.context import Context
    from cmcore.types import Artifact

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
    env, secrets = _told(noted.env)
    flags, secret_flags = containermeta.without_secrets(_replayed(inputs), mapping)
    known: dict[str, bool] = {}
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
        "recipe": _recipe(run.artifact, known),
        "recipes": [_recipe(artifact, known) for artifact in needed(engine)],
        "prefetch": prefetch.requests(ctx, engine, own),
        "programs": programs.of_plan(planner),
        "system_packages": programs.system_packages(planner),
    }


def _told(found: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The environment less what is secret or has a secret in it, and the names of the former."""
    from cm_script.masking import STARS, without

    env, secrets = containermeta.without_secrets(found)
    texts = {text for name in secrets if len(text := str(found.get(name, ""))) > 5}
    plain = without(env, texts)
    return {name: value for name, value in env.items() if STARS not in str(plain[name])}, secrets


def _replayed(inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in inputs.items()
        if key not in _ASIDE and key != "docker" and not key.startswith("docker_")
    }


def _artifacts(inputs: dict[str, Any]) -> list[str]:
    first = inputs.get("artifact")
    return [str(word) for word in (*([first] if first else []), *(inputs.get("artifacts") or ()))]


def needed(engine: InsideEngine) -> list[Artifact]:
    """Recipes that the run may need, surely or not, by their name."""
    found: dict[str, Artifact] = {}
    root = engine.planner.root
    for one in root.walk() if root is not None else ():
        if one.recipe is not None and one.outcome != node.SKIPPED:
            found.setdefault(one.recipe.path, one.recipe)
    return sorted(found.values(), key=lambda one: (one.alias, one.uid, one.path))


def _recipe(artifact: Artifact, known: dict[str, bool]) -> dict[str, Any]:
    place = artifact.collection
    if place.path not in known:
        known[place.path] = privacy.collection(place)
    return {
        "uid": artifact.uid,
        "alias": artifact.alias,
        "path": artifact.path,
        "collection": {
            "name": place.name,
            "uid": place.uid,
            "path": place.path,
            "kind": place.kind,
            "distribution": place.distribution,
            "private": known[place.path],
        },
        "private": known[place.path] or bool(artifact.meta.get("private")),
    }
