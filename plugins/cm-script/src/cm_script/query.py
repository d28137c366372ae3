"""What a request asks for: a recipe by name or by tags, with variations.

`detect,os` are tags that a recipe must have, `-x` is one it must not have; `_x` switches a
variation on, `-_x` and `_-x` rule one out. Words of a command line may be separated by blanks.
"""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.hints import NamedTuple, Sequence

_HEX = frozenset("0123456789abcdefABCDEF")


class Query(NamedTuple):
    """A parsed query.

    Attributes:
        tags: tags that the recipe must have.
        excluded: tags that it must not have.
        variations: variations to switch on, in the order asked, without `_`.
        excluded_variations: variations that must stay off.
        explicit: both in the order asked and in the engine's notation, `x` on and `-x` off.
        name: alias, UID, `alias,UID` or `collection:alias` of the recipe, or "".
    """

    tags: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    excluded_variations: tuple[str, ...] = ()
    explicit: tuple[str, ...] = ()
    name: str = ""

    @property
    def script_tags(self) -> str:
        """The part that selects recipes, as the index takes it."""
        return ",".join([*self.tags, *("-" + tag for tag in self.excluded)])

    def text(self) -> str:
        """The query as one tag string: tags, then variations."""
        parts = [*self.tags, *("-" + tag for tag in self.excluded)]
        parts += map(variation_tag, self.explicit)
        return ",".join(parts)

    def told(self) -> str:
        """The query as people write it, for messages."""
        return " ".join(part for part in (self.name, self.text().replace(",", " ")) if part)


def parse_query(tags: str | Sequence[str], name: str = "") -> Query:
    """Parse a tag string or a list of tags.

    Args:
        tags: tags and variations; may be empty when the recipe is named.
        name: the recipe's name, if it is asked for by name.

    Raises:
        UsageError: there is nothing to look for, a variation without a name, or something both
            wanted and excluded.
    """
    words = tags.split(",") if isinstance(tags, str) else [p for t in tags for p in t.split(",")]
    wanted: list[str] = []
    excluded: list[str] = []
    explicit: list[str] = []
    for word in filter(None, (w.strip() for w in words)):
        if word.startswith(("-_", "_-")):
            _add(explicit, "-" + word[2:] if word[2:] else "", word)
        elif word.startswith("_"):
            _add(explicit, word[1:], word)
        elif word.startswith("-"):
            _add(excluded, word[1:], word)
        else:
            _add(wanted, word, word)
    query = Query(
        tuple(wanted),
        tuple(excluded),
        tuple(v for v in explicit if not v.startswith("-")),
        tuple(v[1:] for v in explicit if v.startswith("-")),
        tuple(explicit),
        name,
    )
    _refuse_contradictions(query)
    if not (query.tags or query.name):
        raise UsageError(
            "no recipe is asked for" + (f" in '{query.text()}'" if query.text() else ""),
            hint='name one or give tags: cm run script "detect os"',
        )
    return query


def _add(names: list[str], name: str, word: str) -> None:
    if not name:
        raise UsageError(f"'{word}' names neither a tag nor a variation")
    if name not in names:
        names.append(name)


def _refuse_contradictions(query: Query) -> None:
    pairs = (
        ("tag", query.tags, query.excluded),
        ("variation", query.variations, query.excluded_variations),
    )
    for what, wanted, excluded in pairs:
        both = [name for name in wanted if name in excluded]
        if both:
            raise UsageError(f"{what} '{both[0]}' is both asked for and excluded")


def variation_tag(name: str) -> str:
    """A variation in the engine's notation (`x`, `-x`) as it stands among tags (`_x`, `-_x`)."""
    return "-_" + name[1:] if name.startswith("-") else "_" + name


def from_words(words: Sequence[str], tags: str | Sequence[str] = "") -> Query:
    """The query of a command line: its bare words and its `--tags`.

    A first word with a blank is a tag query and takes the place of `--tags`; otherwise it names
    a recipe. Further words add tags or variations.

    Raises:
        UsageError: as `parse_query`.
    """
    given = tags.split(",") if isinstance(tags, str) else list(tags)
    name = ""
    if words:
        if _is_name(words[0]):
            name = words[0].strip()
        else:
            given = _split(words[0])
    for word in words[1:]:
        given += _split(word)
    return parse_query(given, name)


def _split(word: str) -> list[str]:
    return word.replace(" ", ",").split(",")


def _is_name(word: str) -> bool:
    word = word.strip()
    if " " in word or word.startswith(("_", "-")):
        return False
    alias, comma, uid = word.rpartition(",")
    return not comma or (bool(alias) and "," not in alias and is_uid(uid.strip()))


def is_uid(word: str) -> bool:
    """Whether a word looks like an artifact's identifier: 16 hexadecimal characters."""
    return len(word) == 16 and _HEX.issuperset(word)


def as_tags(query: Query) -> Query | None:
    """A query by a name that no recipe has, read as a tag instead; None when it cannot be one."""
    name = query.name
    if not name or ":" in name or "," in name or "*" in name or "?" in name or is_uid(name):
        return None
    return parse_query([name, *query.text().split(",")])
