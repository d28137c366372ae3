"""The common actions that make artifacts: `add` and `copy`.

A new artifact is built in a hidden folder beside its place and renamed into it, so that it is
there as a whole or not at all.
"""

from __future__ import annotations

import os
import time

from cmcore.action_names import describe, flag, mapping, one, require_writable
from cmcore.errors import ExistsError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Callable
from cmcore.naming import HERE, Name, check_alias, is_uid, new_uid, parse_tags, split, split_tags
from cmcore.storage import HIDDEN
from cmcore.types import Artifact, Collection, Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.locking import Lock

#: Remains of processes that were killed while they built an artifact are deleted after this time.
_REMAINS_SECONDS = 86_400


def add(ctx: Context, request: Request) -> Result:
    """`cm add NOUN [collection:][name][,UID] [--tags=a,b] [--meta.KEY=VALUE]`.

    Without a collection it goes to the local one, without a name it is called like its UID.

    Raises:
        UsageError: not a name for a new artifact.
        ExistsError: the alias exists in that collection, or the UID anywhere.
        StorageError: the collection is read-only or cannot be written.
    """
    if len(request.artifacts) > 1:
        raise UsageError(f"one name is needed, not {len(request.artifacts)}")
    place, name = split(request.artifacts[0] if request.artifacts else "")
    collection = target_collection(ctx, place)
    given = mapping(request, "meta")
    name = Name(
        name.alias or str(given.get("alias") or ""), name.uid or str(given.get("uid") or "")
    )
    tags, _ = parse_tags([*_tags(request, "tags"), *_tags(request, "new_tags")])
    form = _form(ctx, request, collection)
    noun = ctx.registry.automation(request.automation)
    with writing(ctx):
        alias, uid = _free_name(ctx, request.automation, collection, name)
        meta = {
            "alias": alias,
            "uid": uid,
            "automation_alias": request.automation,
            "automation_uid": noun.uid if noun else "",
            **({"tags": list(tags)} if tags else {}),
            **{k: v for k, v in given.items() if k not in ("alias", "uid")},
        }
        meta = {k: v for k, v in meta.items() if v != "" or k in given}

        def fill(folder: str) -> None:
            from cmcore.artifacts import write_meta

            write_meta(folder, meta, form, json=flag(request, "json"))

        path = build(collection, request.automation, alias or uid, fill)
    ctx.index.changed()
    return Result(
        {"path": path, "alias": alias, "uid": uid, "meta": meta, "collection": collection.name},
        f"added {request.automation} {Name(alias, uid).text} in {path}",
    )


def copy(ctx: Context, request: Request) -> Result:
    """`cm cp NOUN NAME [collection:][name]`: a copy with its own UID.

    Raises:
        NotFoundError, AmbiguousError: not exactly one artifact fits.
        ExistsError, UsageError, StorageError: see `add`.
    """
    source, place, name = source_and_target(ctx, request)
    collection = target_collection(ctx, place, source.collection if place is None else None)
    tags, _ = parse_tags(_tags(request, "new_tags"))
    with writing(ctx):
        wanted = Name(name.alias or source.alias, name.uid)
        alias, uid = _free_name(ctx, request.automation, collection, wanted)

        def fill(folder: str) -> None:
            from cmcore.artifacts import read_meta, rewrite_meta

            copy_files(source.path, folder)
            data = dict(read_meta(folder).data)
            data.update({"uid": uid, **({"alias": alias} if alias else {})})
            if tags:
                data["tags"] = list(tags)
            rewrite_meta(folder, data)

        path = build(collection, request.automation, alias or uid, fill)
    ctx.index.changed()
    data = {"path": path, "alias": alias, "uid": uid, "collection": collection.name}
    view = f"copied {request.automation} {source.name} to {path}"
    return Result({**data, "source": describe(source)}, view)


def source_and_target(ctx: Context, request: Request) -> tuple[Artifact, Name | None, Name]:
    """For `copy` and `move`: the artifact, the collection to go to (None: stay), the new name.

    Raises:
        UsageError: not two names, or a pattern as new name.
        NotFoundError, AmbiguousError: not exactly one artifact fits.
    """
    words = request.artifacts
    if len(words) != 2 and not (len(words) == 1 and request.flags.get("tags")):
        raise UsageError(
            f"'{request.action}' needs an artifact and a target",
            hint=f"cm {request.action} {request.automation} NAME [COLLECTION:][NEW_NAME]",
        )
    source = one(ctx, request._replace(artifacts=words[:-1]))
    place, name = split(words[-1])
    if name.wild:
        raise UsageError(f"'{name.alias}' cannot be the name of an artifact: it is a pattern")
    return source, place, name


def target_collection(
    ctx: Context, place: Name | None, default: Collection | None = None
) -> Collection:
    """The writable collection that is meant; the local one, created if needed, by default.

    Raises:
        NotFoundError, AmbiguousError: there is not exactly one of that name.
        StorageError: it is read-only.
    """
    collection = default or ctx.collections.local()
    if place is not None and place.text:
        collection = ctx.collections.get(HERE if place.alias == HERE else place)
    require_writable(collection)
    return ctx.collections.ensure_local() if collection.kind == "local" else collection


def writing(ctx: Context) -> Lock:
    """Context manager: one process at a time changes the artifacts of this home."""
    from cmcore.storage import lock

    return lock(
        os.path.join(ctx.paths.locks, "artifacts.lock"),
        what="the artifacts",
        timeout=float(ctx.settings.get("core.lock_timeout")),
        on_wait=ctx.console.log,
    )


def build(collection: Collection, automation: str, folder: str, fill: Callable[[str], None]) -> str:
    """Make an artifact's folder: `fill` writes into a hidden one, which then takes its place.

    Returns:
        Its path.

    Raises:
        ExistsError: there is a folder of that name with something in it.
        StorageError: it cannot be written.
    """
    import shutil

    from cmcore.storage import make_dir, rename

    parent = os.path.join(collection.root, automation)
    make_dir(parent)
    _delete_remains(parent)
    hidden = os.path.join(parent, f"{HIDDEN}new-{os.getpid()}-{os.urandom(4).hex()}")
    final = os.path.join(parent, folder)
    try:
        make_dir(hidden)
        fill(hidden)
        rename(hidden, final)
    except BaseException as error:
        shutil.rmtree(hidden, ignore_errors=True)
        if isinstance(error, FileExistsError):
            raise ExistsError(f"the folder of '{folder}' exists already", where=final) from error
        raise
    return final


def copy_files(source: str, target: str) -> None:
    """Copy all files of a folder into another one; links stay links.

    Raises:
        StorageError: something cannot be read or written.
    """
    import shutil

    from cmcore.errors import StorageError
    from cmcore.storage import storage_error

    try:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    except shutil.Error as error:
        failed = error.args[0][0]
        raise StorageError(f"cannot copy: {failed[2]}", where=str(failed[0])) from error
    except OSError as error:
        raise storage_error(error, source, f"copy to {target}") from error


def _free_name(
    ctx: Context, automation: str, collection: Collection, name: Name
) -> tuple[str, str]:
    if name.alias:
        check_alias(name.alias)
        for old in ctx.index.search(automation, name.alias):
            if old.collection == collection and old.alias.lower() == name.alias.lower():
                raise ExistsError(
                    f"{automation} '{old.alias}' exists in collection '{collection.name}'",
                    where=old.path,
                )
    if name.uid:
        if not is_uid(name.uid):
            raise UsageError(f"'{name.uid}' is not a UID", hint="use 16 hexadecimal digits")
        for old in ctx.index.search(automation, name.uid):
            raise ExistsError(f"{automation} with UID {name.uid} exists", where=old.path)
    return name.alias, name.uid or new_uid()


def _form(ctx: Context, request: Request, collection: Collection) -> str:
    form = request.flags.get("form")
    if form is None:
        used = collection.form if collection.kind != "local" else ""
        return used or str(ctx.settings.get("core.form"))
    if form not in ("cm", "mlc"):
        raise UsageError(f"--form={form} is unknown", hint="it can be cm or mlc")
    return str(form)


def _tags(request: Request, name: str) -> list[Any]:
    return split_tags(request.flags.get(name) or None)


def _delete_remains(parent: str) -> None:
    import shutil

    old = time.time() - _REMAINS_SECONDS
    try:
        with os.scandir(parent) as entries:
            remains = [
                e.path
                for e in entries
                if e.name.startswith(HIDDEN) and e.stat(follow_symlinks=False).st_mtime < old
            ]
    except OSError:
        return
    for path in remains:
        shutil.rmtree(path, ignore_errors=True)
