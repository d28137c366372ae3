"""Which recipes a request to document means: by name, tags, folder, or whole collections."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cm_script import privacy, select
from cm_script.documenting.facts import is_private
from cm_script.query import from_words
from cmcore.errors import CmError, NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple
from cmcore.types import Artifact, Collection, Request

if TYPE_CHECKING:
    from cmcore.context import Context


class Target(NamedTuple):
    """Recipes of one collection; `whole` when all of it is meant, its catalogue included."""

    collection: Collection
    artifacts: list[Artifact]
    whole: bool


def targets(ctx: Context, request: Request) -> list[Target]:
    """What is meant, by collection in the order of the request; each recipe once.

    Raises:
        UsageError: nothing is named, outside of a collection.
        CmError: a word means nothing; the hint tells what is near.
    """
    found: dict[str, Target] = {}
    tags = request.flags.get("tags") or ""
    words = list(request.artifacts) or ([""] if tags else ["."])
    for word in words:
        collection = None if tags else _collection(ctx, word, explicit=bool(request.artifacts))
        if collection is not None:
            some = ctx.search("script", artifact=f"{collection.uid or collection.name}:")
            some = [a for a in some if a.collection.path == collection.path]
            found[collection.path] = Target(collection, some, True)
            continue
        for artifact in _recipes(ctx, word, tags):
            place = artifact.collection
            known = found.setdefault(place.path, Target(place, [], False))
            if artifact not in known.artifacts:
                known.artifacts.append(artifact)
    return list(found.values())


def is_private_collection(collection: Collection) -> bool:
    """Whether a collection's own meta says `private: true`.

    Raises:
        StorageError: the meta cannot be read.
    """
    return is_private(privacy.collection_meta(collection.path))


def _collection(ctx: Context, word: str, *, explicit: bool) -> Collection | None:
    """The collection that a word means, None when it means recipes."""
    if word == ".":
        return _here(ctx, explicit=explicit)
    if os.sep in word and os.path.isdir(word):
        around = ctx.collections.containing(word)
        if around is None:
            raise NotFoundError(
                "the folder is in no registered collection",
                where=os.path.abspath(word),
                hint=f"'cm add collection {word}' registers it",
            )
        return None if around.folder else around.collection
    if word.endswith(":") and word.count(":") == 1:
        return ctx.collections.get(word[:-1])
    if not word or " " in word or ":" in word or "*" in word or "?" in word:
        return None
    named = ctx.collections.find(word)
    if len(named) != 1 or ctx.search("script", artifact=word):
        return None
    return named[0]


def _here(ctx: Context, *, explicit: bool) -> Collection | None:
    around = ctx.collections.containing(os.getcwd())
    if around is None:
        names = ", ".join(collection.name for collection in ctx.collections.all())
        what = "'.' is" if explicit else "no recipe or collection is named, and the folder is"
        raise UsageError(
            f"{what} in no collection",
            where=os.getcwd(),
            hint=f"name a recipe, tags or a collection ({names})",
        )
    return None if around.folder and around.automation == "script" else around.collection


def _recipes(ctx: Context, word: str, tags: Any) -> Sequence[Artifact]:
    if os.sep in word and os.path.isdir(word):
        around = ctx.collections.containing(word)
        artifact = ctx.index.get(around.folder) if around else None
        if artifact is None or artifact.automation != "script":
            raise NotFoundError("the folder is in no recipe", where=os.path.abspath(word))
        return [artifact]
    if word == ".":
        return ctx.search("script", artifact=".")

    def search(name: str, wanted: str) -> Sequence[Artifact]:
        return ctx.search("script", artifact=name, tags=wanted)

    try:
        found, query = select.find(search, from_words([word] if word else [], tags))
        return select.candidates(found, query)
    except NotFoundError as error:
        raise _with_collections(ctx, word, error) from None


def _with_collections(ctx: Context, word: str, error: NotFoundError) -> CmError:
    """The error, with collections of a similar name."""
    from cmcore.naming import did_you_mean

    names = [collection.name for collection in ctx.collections.all()]
    near = did_you_mean(word, names) if word and " " not in word else []
    if near:
        listed = " or ".join(f"'{name}'" for name in near)
        error.hint = f"{error.hint} or the collection {listed}?".lstrip()
    return error
