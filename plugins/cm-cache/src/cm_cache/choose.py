"""Which entries a command means: by UID, by tags, finished or not."""

from __future__ import annotations

from cm_cache import records
from cmcore.errors import NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping, NamedTuple
from cmcore.naming import did_you_mean, is_uid, parse_tags, suggestion
from cmcore.naming import fits as name_fits

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cm_cache.shelf import Shelf
    from cmcore.types import Request


class Wish(NamedTuple):
    """What the words and flags of a command ask for; all empty: every entry.

    Attributes:
        names: UIDs or patterns of them; one of them has to fit.
        wanted, excluded: tags an entry must and must not carry; `tmp` stands for unfinished.
    """

    names: tuple[str, ...]
    wanted: tuple[str, ...]
    excluded: tuple[str, ...]

    @property
    def text(self) -> str:
        """For messages."""
        tags = ",".join([*self.wanted, *(f"-{tag}" for tag in self.excluded)])
        return " ".join([*self.names, *([f"--tags={tags}"] if tags else [])])


def wish_of(request: Request) -> Wish:
    """What `request` asks for.

    Entries have no alias, so a word that is neither a UID nor a pattern is a tag, and one with
    blanks is a list of tags: `cm find cache "get python"`.

    Raises:
        UsageError: `--tags` is neither text nor a list.
    """
    names: list[str] = []
    words: list[str] = []
    for artifact in request.artifacts:
        for word in artifact.rpartition(":")[2].replace(",", " ").split():
            (names if is_uid(word) or "*" in word or "?" in word else words).append(word)
    given = request.flags.get("tags") or ""
    if not isinstance(given, (str, list)):
        raise UsageError("--tags needs tags separated by commas", where=f"--tags={given}")
    wanted, excluded = parse_tags(given)
    more_wanted, more_excluded = parse_tags(words)
    return Wish(tuple(names), (*wanted, *more_wanted), (*excluded, *more_excluded))


def finished(shelf: Shelf, wish: Wish) -> list[Record]:
    """Finished entries that fit; unfinished ones only when the tag `tmp` is asked for."""
    if "tmp" in wish.wanted:
        found = shelf.unfinished(wish.wanted, wish.excluded)
    elif wish.names and all(is_uid(name) for name in wish.names):
        got = (shelf.get(name.lower()) for name in dict.fromkeys(wish.names))
        found = [r for r in got if r and r.kind == records.FINISHED and _tags_fit(r, wish)]
    else:
        found = shelf.finished(wish.wanted, wish.excluded)
    return [record for record in found if _name_fits(record, wish)]


def all_kinds(shelf: Shelf, wish: Wish) -> list[Record]:
    """Entries that fit, unfinished ones too; damaged ones only when no tags are asked for."""
    if wish.wanted:
        tags = wish.wanted, wish.excluded
        found = shelf.finished(*tags) + shelf.unfinished(*tags)
    elif wish.names and all(is_uid(name) for name in wish.names):
        got = (shelf.get(name.lower()) for name in dict.fromkeys(wish.names))
        found = [record for record in got if record]
    else:
        found = shelf.everything()
    return [record for record in found if _name_fits(record, wish) and _tags_fit(record, wish)]


def nothing_fits(shelf: Shelf, wish: Wish) -> NotFoundError:
    """The error for a command that found nothing, with words of entries that are alike."""
    if not wish.text:
        return NotFoundError("the cache is empty")
    entries = shelf.everything()
    tags = {tag for record in entries for tag in record.tags}
    near: list[str] = []
    for word in (*wish.names, *wish.wanted):
        begun = [r.uid for r in entries if len(word) > 3 and r.uid.startswith(word)]
        near += [] if word in tags else begun[:3] or did_you_mean(word, tags)
    hint = suggestion(near[:3]) or "`cm find cache` lists all entries"
    return NotFoundError(f"no cache entry fits {wish.text}", hint=hint)


def _name_fits(record: Record, wish: Wish) -> bool:
    return not wish.names or any(name_fits(name, record.uid) for name in wish.names)


def _tags_fit(record: Record, wish: Wish) -> bool:
    return set(wish.wanted) <= set(record.tags) and set(wish.excluded).isdisjoint(record.tags)


def is_on(flags: Mapping[str, Any], *names: str) -> bool:
    """Whether one of the flags is set; recipes write True, "True", "yes" or "1"."""
    return any(
        str(flags.get(name, "")).strip().lower() in ("true", "yes", "on", "1") for name in names
    )


def split_tags(tags: Iterable[str]) -> list[str]:
    """Tags for a listing: plain ones sorted, then variations (`_x`) sorted."""
    return sorted(tags, key=lambda tag: (tag.startswith("_"), tag))


def told_tags(tags: Iterable[str]) -> str:
    """Tags for people: without those that only name the recipe's UID, which take a line's room."""
    kept = [t for t in tags if not t.startswith(("script-artifact-", "script-item-"))]
    return ",".join(split_tags(kept))
