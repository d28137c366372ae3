"""`cm find|stop|prune container`: what `cm docker` has made and is still there."""

from __future__ import annotations

from cm_docker import homefolder, option_values
from cm_docker.owner import owner
from cmcore.errors import CmError, NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result, Table

if TYPE_CHECKING:
    from cm_docker.engine import Engine
    from cm_docker.records import Item
    from cmcore.context import Context
    from cmcore.types import Request

#: Folders of `<CM_HOME>/containers` that their owners clean themselves.
_KEPT = ("builds", "sif")
#: States of containers that have not ended, of all engines.
_ALIVE = ("running", "paused", "restarting", "stopping", "pausing", "initialized")


def search(ctx: Context, request: Request) -> Result:
    """Containers and images of this home, in all engines that answer."""
    found = [item for engine in _usable(ctx) for item in engine.items(owner(ctx))]
    wanted = request.artifacts
    if wanted:
        found = [item for item in found if any(_fits(item, word) for word in wanted)]
    rows = [(one.kind, one.name or one.id[:12], one.state, one.image, one.engine) for one in found]
    table = Table(("kind", "name", "state", "image", "engine"), rows, 1)
    data = {"containers": [item._asdict() for item in found]}
    return Result(data, view=table if rows else None)


def stop(ctx: Context, request: Request) -> Result:
    """Stop detached containers and remove them.

    Raises:
        UsageError: none is named.
        NotFoundError: no container of this home has that name.
    """
    if not request.artifacts:
        raise UsageError("which container?", hint="cm find container lists them")
    containers = [
        (engine, item)
        for engine in _usable(ctx)
        for item in engine.items(owner(ctx))
        if item.kind == "container"
    ]
    going = []
    for word in request.artifacts:
        fitting = [pair for pair in containers if _fits(pair[1], word)]
        if not fitting:
            names = ", ".join(item.name for _, item in containers) or "none"
            raise NotFoundError(f"there is no container {word}", hint=f"there are: {names}")
        going += fitting
    for engine, item in going:
        engine.stop(item.id)
    stopped = [item.name for _, item in going]
    return Result({"stopped": stopped}, view=f"stopped {', '.join(stopped)}")


def prune(ctx: Context, request: Request) -> Result:
    """Remove images made for this home, containers that have ended, layers and build folders.

    What runs stays, with its image. `--dry_run` only says what would go.
    """
    dry = option_values.switch(request.flags.get("dry_run")) is True
    removed: list[str] = []
    kept: list[str] = []
    for engine in _usable(ctx):
        items = engine.items(owner(ctx))
        if not dry:
            removed += engine.clean(owner(ctx))
        for item in items:
            _remove(engine, item, dry, removed, kept)
        if not dry:
            removed += engine.prune(owner(ctx))
    removed += _remove_folders(ctx, dry)
    data: dict[str, Any] = {"removed": removed, "kept": kept, "dry_run": dry}
    head = "would go: " if dry else "removed: "
    lines = [f"{head}{text}" for text in removed] or ["nothing to remove"]
    return Result(data, view="\n".join(lines), warnings=tuple(kept))


def _remove(engine: Engine, item: Item, dry: bool, removed: list[str], kept: list[str]) -> None:
    name = f"{item.kind} {item.name or item.id[:12]}"
    if item.kind == "container" and item.state in _ALIVE:
        kept.append(f"{name} is {item.state}: cm stop container {item.name}")
        return
    try:
        if not dry:
            if item.kind == "container":
                engine.remove_container(item.id)
            else:
                engine.remove_image(item.name or item.id)
    except CmError as error:
        kept.append(f"{name} stays: {error.message}")
        return
    removed.append(name)


def _remove_folders(ctx: Context, dry: bool) -> list[str]:
    """Remove build folders but those that are being built from."""
    from cm_docker.engines.building import in_use
    from cmcore.storage import remove_tree

    found = homefolder.names(homefolder.containers(ctx))
    names = [name for name in found if name not in _KEPT and not name.startswith(".")]
    if not names:
        return []
    busy = in_use(homefolder.containers(ctx, "builds"))
    paths = [homefolder.containers(ctx, name) for name in names]
    going = [path for path in paths if path not in busy]
    if not dry:
        with homefolder.build_folders(ctx):
            for one in going:
                remove_tree(one)
    return [f"folder {one}" for one in going]


def _usable(ctx: Context) -> list[Engine]:
    from cm_docker.engines.choose import engines

    return [engine for engine in engines(ctx) if engine.state().usable]


def _fits(item: Item, word: str) -> bool:
    from fnmatch import fnmatch

    return fnmatch(item.name, word) or (len(word) >= 4 and item.id.startswith(word))
