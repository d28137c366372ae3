"""Which artifacts an action is about, and what to say when there are none or too many."""

from __future__ import annotations

import os

from cmcore.errors import AmbiguousError, NotFoundError, StorageError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Sequence
from cmcore.naming import parse_tags, split_tags, suggestion
from cmcore.types import Artifact, Collection, Request

if TYPE_CHECKING:
    from cmcore.context import Context

_MOST_LISTED = 10


def selected(ctx: Context, request: Request, tags_flag: str = "tags") -> list[Artifact]:
    """Artifacts that fit any of the request's names and all of its tags, each once.

    A word with spaces that is no name is read as tags: `"detect os"`.
    """
    tags = split_tags(request.flags.get(tags_flag))
    found: dict[str, Artifact] = {}
    for word in request.artifacts or ("",):
        some: list[Artifact] = []
        # A comma or a second colon in it would be a mistake in a name, not in tags.
        if " " not in word or "," not in word:
            some = ctx.index.search(request.automation, word, tags)
        if not some and " " in word:
            words = split_tags(word.replace(" ", ","))
            some = ctx.index.search(request.automation, "", [*words, *tags])
        found.update((artifact.path, artifact) for artifact in some)
    return list(found.values())


def says_which(request: Request, tags_flag: str = "tags") -> bool:
    """Whether a request that changes things really names some.

    An empty word or `:` fits everything, and is what an unset variable of a shell leaves.
    """
    if any(parse_tags(request.flags.get(tags_flag))):
        return True
    words = request.artifacts
    return bool(words) and all(word.strip(" :,") for word in words)


def one(ctx: Context, request: Request, tags_flag: str = "tags") -> Artifact:
    """Exactly one artifact.

    Raises:
        NotFoundError: none fits; names what is near.
        AmbiguousError: several fit; lists them.
    """
    found = selected(ctx, request, tags_flag)
    if not found:
        raise not_found(ctx, request, tags_flag)
    if len(found) > 1:
        raise ambiguous(request, found)
    return found[0]


def not_found(ctx: Context, request: Request, tags_flag: str = "tags") -> NotFoundError:
    """The error for "nothing fits", with the nearest tags and names."""
    wanted, _ = parse_tags(request.flags.get(tags_flag))
    names = [word.rpartition(":")[2].partition(",")[0] for word in request.artifacts]
    asked = [part for word in (*names, *wanted) for part in word.split()]
    hidden = ctx.index.warnings()
    parts = [f"named {' or '.join(repr(w) for w in request.artifacts)}" if names else ""]
    parts.append(f"with tags '{','.join(split_tags(request.flags.get(tags_flag)))}'" * bool(wanted))
    text = " ".join(part for part in parts if part)
    near = suggestion(ctx.index.nearest(request.automation, asked))
    hidden.sort(key=lambda problem: not any(f"{os.sep}{n}{os.sep}" in problem for n in names if n))
    broken = f"hidden because of an error: {hidden[0]}" if hidden else ""
    return NotFoundError(
        f"no {request.automation} {text}".rstrip(),
        hint="; ".join(part for part in (near, broken) if part),
    )


def ambiguous(request: Request, found: Sequence[Artifact]) -> AmbiguousError:
    """The error for several artifacts where one is needed."""
    listed = ", ".join(f"{a.collection.name}:{a.name}" for a in found[:_MOST_LISTED])
    more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    return AmbiguousError(
        f"{len(found)} of {request.automation} fit, one is needed: {listed}{more}",
        hint="name one of them as collection:alias or by its UID",
    )


def confirmed(
    ctx: Context, request: Request, found: Sequence[Artifact], verb: str
) -> list[Artifact]:
    """Those that a person agrees to; all of them with `--force`.

    Raises:
        AmbiguousError: several, no `--force`, and nobody to ask.
    """
    if flag(request, "force") or flag(request, "f"):
        return list(found)
    if not ctx.console.interactive:
        listed = ", ".join(a.path for a in found[:_MOST_LISTED])
        raise AmbiguousError(
            f"to {verb} {len(found)} of {request.automation} needs a yes, and nobody can be"
            f" asked: {listed}",
            hint="add --force to agree beforehand",
        )
    return [a for a in found if ctx.console.confirm(f"{verb} {a.name} in {a.path}?")]


def require_writable(collection: Collection) -> None:
    """Refuse to change a read-only collection.

    Raises:
        StorageError: it belongs to a package, or its folder cannot be written.
    """
    if collection.kind == "package":
        raise StorageError(
            f"collection '{collection.name}' is read-only: it belongs to the package"
            f" {collection.distribution}",
            where=collection.root,
            hint="copy the artifact first: cm copy AUTOMATION NAME local:",
        )
    if not collection.writable:
        raise StorageError(f"collection '{collection.name}' is read-only", where=collection.root)


def flag(request: Request, name: str) -> bool:
    """Whether `--name` is set; `--name=no` is not."""
    value = request.flags.get(name, False)
    return value is True or str(value).lower() in ("true", "yes", "on", "1")


def mapping(request: Request, name: str) -> dict[str, Any]:
    """`--name.key=value` as a mapping, equal to its JSON form.

    Raises:
        UsageError: it is something else.
    """
    from cmcore.artifacts import json_form

    value = request.flags.get(name) or {}
    if not isinstance(value, dict):
        raise UsageError(f"--{name} needs a key: --{name}.KEY=VALUE")
    found: dict[str, Any] = json_form(value, f"--{name}")
    return found


def describe(artifact: Artifact) -> dict[str, Any]:
    """An artifact as plain data, without its meta."""
    return {
        "alias": artifact.alias,
        "uid": artifact.uid,
        "automation": artifact.automation,
        "tags": list(artifact.tags),
        "path": artifact.path,
        "form": artifact.form,
        "collection": artifact.collection.name,
    }
