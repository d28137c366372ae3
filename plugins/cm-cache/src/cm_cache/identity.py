"""What makes two requests the same: for sharing a build, and for trusting a result.

Two answers, because they serve two purposes. The *slot* says which requests would build the same
entry as users know it (recipe, dialect, tags): those take over each other's unfinished folders.
The *key digest* covers every field that the outcome depends on and is recorded with the entry;
requests equal in both take turns, so that one builds and the others find its result.
"""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.hints import TYPE_CHECKING, Any, Iterable

if TYPE_CHECKING:
    from cmcore.types import CacheRequest


def filed_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """`tags` as an entry carries them: no `tmp`, no exclusions (`-x`), none twice."""
    kept = (t for t in tags if t and t != "tmp" and not t.startswith("-"))
    return tuple(dict.fromkeys(kept))


def canonical(data: object, what: str) -> str:
    """`data` as the one JSON text that equal data always gives.

    Raises:
        UsageError: `data` holds something that JSON cannot.
    """
    import json

    def refuse(value: object) -> Any:
        raise UsageError(f"{what} holds a value of type {type(value).__name__}, which JSON cannot")

    try:
        return json.dumps(data, sort_keys=True, separators=(",", ":"), default=refuse)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} cannot be written as JSON: {error}") from error


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def key_digest(request: CacheRequest) -> str:
    """SHA-256, as 64 hexadecimal characters, of recipe, dialect and the whole key.

    Raises:
        UsageError: the key holds something that JSON cannot.
    """
    what = f"the cache key of recipe '{request.recipe_alias or request.recipe_uid}'"
    data = {"dialect": request.dialect, "key": dict(request.key), "recipe": request.recipe_uid}
    return _sha256(canonical(data, what))


def slot(request: CacheRequest) -> str:
    """32 hexadecimal characters, equal for requests that would build the same entry."""
    data = [request.recipe_uid, request.dialect, sorted(filed_tags(request.entry_tags))]
    return _sha256(canonical(data, "a cache request"))[:32]


def turn(slot: str, digest: str) -> str:
    """32 hexadecimal characters, equal for requests of which only one has to build."""
    return _sha256(slot + digest)[:32]
