"""`cm find|stop|prune container`: what `cm docker` has made and is still there."""

from __future__ import annotations

import os

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
    found = [item for engine in _usable(ctx) for item in _items(ctx, engine)]
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
        for item in _items(ctx, engine)
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
    dry = str(request.flags.get("dry_run", False)).lower() in ("true", "yes", "on", "1")
    removed: list[str] = []
    kept: list[str] = []
    for engine in _usable(ctx):
        items = _items(ctx, engine)
        if not dry:
            removed += engine.clean(_owner(ctx))
        for item in items:
            _remove(engine, item, dry, removed, kept)
        if not dry:
            removed += engine.prune(_owner(ctx))
    folder = os.path.join(ctx.paths.home, "containers")
    removed += _remove_folders(ctx, folder, dry)
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


def _remove_folders(ctx: Context, folder: str, dry: bool) -> list[str]:
    """Remove build folders but those that are being built from."""
    from cmcore.storage import lock, remove_tree

    names = _folders(folder)
    if not names:
        return []
    from cm_docker.engines.building import in_use

    busy = in_use(os.path.join(folder, "builds"))
    going = [path for name in names if (path := os.path.join(folder, name)) not in busy]
    if not dry:
        # Writers of build folders hold the same lock.
        path = os.path.join(ctx.paths.locks, "container-folders.lock")
        with lock(path, what="the build folders"):
            for one in going:
                remove_tree(one)
    return [f"folder {one}" for one in going]


def _usable(ctx: Context) -> list[Engine]:
    from cm_docker.engines.choose import engines

    return [engine for engine in engines(ctx) if engine.state().usable]


def _items(ctx: Context, engine: Engine) -> list[Item]:
    return engine.items(_owner(ctx))


def _owner(ctx: Context) -> str:
    from cm_docker.owner import owner

    return owner(ctx)


def _fits(item: Item, word: str) -> bool:
    from fnmatch import fnmatch

    return fnmatch(item.name, word) or (len(word) >= 4 and item.id.startswith(word))


def _folders(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if name not in _KEPT and not name.startswith(".")]
