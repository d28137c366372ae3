"""The common actions that change artifacts: `update`, `remove`, `move`."""

from __future__ import annotations

import errno
import os

from cmcore.action_add import (
    add,
    build,
    copy_files,
    source_and_target,
    target_collection,
    writing,
)
from cmcore.action_names import (
    ambiguous,
    confirmed,
    describe,
    flag,
    mapping,
    not_found,
    require_writable,
    says_which,
    selected,
)
from cmcore.artifacts import IDENTITY_KEYS, merge, read_meta, rewrite_meta
from cmcore.errors import AmbiguousError, CmError, ExistsError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.naming import check_alias, parse_tags, split
from cmcore.types import Artifact, Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context


def update(ctx: Context, request: Request) -> Result:
    """`cm update NOUN NAME... [--search_tags=...] [--meta.KEY=VALUE] [--tags=...]`.

    Mappings are merged key by key, lists grow by the items they have not got; YAML stays YAML and
    keeps its comments. One name that nothing fits is added.

    Raises:
        NotFoundError: nothing fits, and there is no name to add.
        AmbiguousError: several fit, without `--force` and nobody to ask.
        UsageError: neither name nor tags; alias or UID were to change.
        StorageError: the collection is read-only, or a file cannot be changed.
    """
    if not says_which(request, "search_tags"):
        raise UsageError(
            "nothing says what to update",
            hint=f"cm update {request.automation} NAME, or --search_tags=TAGS",
        )
    found = selected(ctx, request, "search_tags")
    if not found:
        if len(request.artifacts) == 1 and _can_be_added(request):
            return add(ctx, request)
        raise not_found(ctx, request, "search_tags")
    for artifact in found:
        require_writable(artifact.collection)
    if len(found) > 1:
        if not flag(request, "force") and not flag(request, "f") and not ctx.console.interactive:
            raise AmbiguousError(
                str(ambiguous(request, found).message), hint="add --force to update them all"
            )
        found = confirmed(ctx, request, found, "update")
    changes = mapping(request, "meta")
    tags, _ = parse_tags(request.flags.get("tags"))
    updated = []
    with writing(ctx):
        for artifact in found:
            data = _changed(request, artifact, changes, tags)
            rewrite_meta(artifact.path, data)
            updated.append({**describe(artifact), "meta": data})
    ctx.index.changed()
    view = "\n".join(f"updated {request.automation} {a.name} in {a.path}" for a in found)
    answer: dict[str, Any] = {"updated": updated}
    if len(updated) == 1:
        answer.update({key: updated[0][key] for key in ("path", "meta", "alias", "uid")})
    return Result(answer, view or "nothing was updated")


def remove(ctx: Context, request: Request) -> Result:
    """`cm rm NOUN NAME... [--tags=...] [--force]`: delete artifacts with their files.

    On a terminal every one is asked for.

    Raises:
        UsageError: neither name nor tags.
        NotFoundError: nothing fits.
        AmbiguousError: no `--force` and nobody to ask; nothing is deleted then.
        StorageError: read-only, or it cannot be deleted.
    """
    from cmcore.storage import remove_tree

    if not says_which(request):
        raise UsageError(
            "nothing says what to delete", hint=f"cm rm {request.automation} NAME, or --tags=TAGS"
        )
    found = selected(ctx, request)
    if not found:
        raise not_found(ctx, request)
    for artifact in found:
        require_writable(artifact.collection)
    agreed = confirmed(ctx, request, found, "delete")
    with writing(ctx):
        for artifact in agreed:
            remove_tree(artifact.path)
    ctx.index.changed()
    view = "\n".join(f"deleted {request.automation} {a.name} in {a.path}" for a in agreed)
    removed = [describe(artifact) for artifact in agreed]
    return Result({"removed": removed, "deleted_list": removed}, view or "nothing was deleted")


def move(ctx: Context, request: Request) -> Result:
    """`cm mv NOUN NAME [collection:][name]`: rename, or move to another collection, or both.

    Raises:
        NotFoundError, AmbiguousError: not exactly one artifact fits.
        ExistsError: the new place is taken.
        UsageError: not a name, or another UID.
        StorageError: one of the collections is read-only, or cannot be written.
    """
    source, place, name = source_and_target(ctx, request)
    require_writable(source.collection)
    collection = target_collection(ctx, place, source.collection if place is None else None)
    if name.uid and name.uid != source.uid:
        raise UsageError("the UID of an artifact does not change", hint="copy it instead")
    alias = name.alias or source.alias
    base = alias or source.uid or os.path.basename(source.path)
    if name.alias:
        check_alias(name.alias)
    for old in ctx.index.search(request.automation, alias) if alias else []:
        if old.collection == collection and old.path != source.path:
            raise ExistsError(
                f"{request.automation} '{alias}' exists in '{collection.name}'", where=old.path
            )
    path = os.path.join(collection.root, request.automation, base)
    with writing(ctx):
        if path != source.path and os.path.lexists(path) and not _same(path, source.path):
            raise ExistsError("the new folder exists already", where=path)
        own = read_meta(source.path).data
        # First, because an artifact in a folder of another name is still whole.
        rewrite_meta(source.path, own if alias == source.alias else {**own, "alias": alias})
        try:
            if path != source.path:
                _relocate(source, collection.root, path)
        except CmError:
            rewrite_meta(source.path, own)
            raise
    ctx.index.changed()
    data = {"path": path, "alias": alias, "uid": source.uid, "collection": collection.name}
    view = f"moved {request.automation} {source.name} to {path}"
    return Result({**data, "source": describe(source)}, view)


def _same(first: str, second: str) -> bool:
    """Whether two paths lead to one folder, as on file systems that ignore case."""
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False


def _relocate(source: Artifact, root: str, path: str) -> None:
    from cmcore.storage import make_dir, remove_tree, storage_error, sync_folder

    make_dir(os.path.dirname(path))
    try:
        os.rename(source.path, path)
        sync_folder(os.path.dirname(path))
        return
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise ExistsError("the new folder exists already", where=path) from error
        if error.errno != errno.EXDEV:
            raise storage_error(error, source.path, f"move to {path}") from error
    # Another file system: for a moment both are there, which is better than none.
    target = source.collection._replace(root=root)
    build(
        target,
        source.automation,
        os.path.basename(path),
        lambda hidden: copy_files(source.path, hidden),
    )
    remove_tree(source.path)


def _changed(
    request: Request, artifact: Artifact, changes: dict[str, Any], tags: tuple[str, ...]
) -> dict[str, Any]:
    """The artifact's own meta after the update."""
    old = read_meta(artifact.path).data
    for key in ("alias", "uid"):
        if key in changes and str(changes[key]) != getattr(artifact, key):
            raise UsageError(
                f"the {key} of an artifact is not changed by an update",
                hint="rename it with cm move" if key == "alias" else "copy it to get a new UID",
            )
    if flag(request, "replace"):
        data = {key: old[key] for key in IDENTITY_KEYS if key in old} | changes
    else:
        data = dict(old)
        merge(data, changes, lists="replace" if flag(request, "replace_lists") else "union")
    if tags:
        data["tags"] = list(tags)
    return data


def _can_be_added(request: Request) -> bool:
    if request.flags.get("search_tags"):
        return False
    word = request.artifacts[0]
    if " " in word:
        return False
    _, name = split(word)
    return bool(name.text) and not name.wild and name.alias != "."


__all__ = ["move", "remove", "update"]
