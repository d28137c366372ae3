"""Names of artifacts and collections, and lists of tags.

An artifact is named by its alias, by its UID, or by both (`alias,UID` or `UID,alias`); a
collection may stand in front: `collection:artifact`. The searching side may use `*` and `?`.
"""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.hints import Iterable, Mapping, NamedTuple, Sequence

_UID_LENGTH = 16
_UID_CHARS = frozenset("0123456789abcdef.")

#: The name that means "the one I stand in".
HERE = "."


class Name(NamedTuple):
    """Alias and UID; either may be empty, both empty means "any"."""

    alias: str = ""
    uid: str = ""

    @property
    def text(self) -> str:
        """As `parse_name` reads it: `alias,UID` or the one that is there."""
        return ",".join(part for part in self if part)

    @property
    def wild(self) -> bool:
        """True when the alias is a pattern."""
        return "*" in self.alias or "?" in self.alias


def is_uid(text: str) -> bool:
    """Whether `text` has the form of a UID: 16 characters of `0-9a-f` and `.`, any case."""
    return len(text) == _UID_LENGTH and _UID_CHARS.issuperset(text.lower())


def new_uid() -> str:
    """A random UID of 16 hexadecimal digits."""
    import os

    return os.urandom(_UID_LENGTH // 2).hex()


def parse_name(text: str) -> Name:
    """Read `alias`, `UID`, `alias,UID` or `UID,alias`.

    When both halves look like a UID the second one is taken as such.

    Raises:
        UsageError: more than two parts, or two of which none is a UID.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1:
        return Name("", parts[0].lower()) if is_uid(parts[0]) else Name(parts[0], "")
    if len(parts) == 2:
        first, second = parts
        if is_uid(second):
            return Name(first, second.lower())
        if is_uid(first):
            return Name(second, first.lower())
        if not second or not first:
            return Name(first or second, "")
    words = " ".join(part for part in parts if part)
    raise UsageError(
        f"'{text}' is not a name: of 'alias,UID' one part must be a UID (16 hexadecimal digits)",
        hint=f'to search by tags write --tags={",".join(words.split())} or "{words}"',
    )


def split(text: str) -> tuple[Name | None, Name]:
    """Read `collection:artifact` or `artifact`; the collection is None when none is named.

    Raises:
        UsageError: more than one colon, or a half that is not a name.
    """
    head, colon, tail = text.partition(":")
    if not colon:
        return None, parse_name(text.strip())
    if ":" in tail:
        raise UsageError(f"'{text}' has more than one ':'", hint="write collection:artifact")
    return parse_name(head.strip()), parse_name(tail.strip())


def matches(pattern: Name, alias: str, uid: str) -> bool:
    """Whether the thing called `alias`, `uid` is meant by `pattern`.

    Two UIDs decide alone, because aliases may change. Otherwise aliases are compared without
    regard to case; an empty alias in the pattern fits everything.
    """
    if pattern.uid and uid:
        return pattern.uid.lower() == uid.lower()
    if pattern.uid and not pattern.alias:
        return False
    return fits(pattern.alias, alias)


def fits(pattern: str, text: str) -> bool:
    """Whether `text` fits `pattern` with `*` and `?`, without regard to case; "" fits all."""
    if not pattern:
        return True
    pattern, text = pattern.lower(), text.lower()
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    at_pattern = at_text = 0
    star, resume = -1, 0
    while at_text < len(text):
        char = pattern[at_pattern] if at_pattern < len(pattern) else ""
        if char == "*":
            star, resume = at_pattern, at_text
            at_pattern += 1
        elif char and char in ("?", text[at_text]):
            at_pattern += 1
            at_text += 1
        elif star >= 0:
            # Let the last star swallow one character more and try again from there.
            at_pattern, resume = star + 1, resume + 1
            at_text = resume
        else:
            return False
    return not pattern[at_pattern:].strip("*")


def parse_tags(tags: str | Iterable[object] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read `"a, b,-c"` or a list of such texts: (wanted, excluded), each once, in order."""
    wanted: dict[str, None] = {}
    excluded: dict[str, None] = {}
    for tag in split_tags(tags):
        if not tag.startswith("-"):
            wanted[tag] = None
        elif len(tag) > 1:
            excluded[tag[1:]] = None
    return tuple(wanted), tuple(excluded)


def split_tags(tags: str | Iterable[object] | None) -> list[str]:
    """The single tags of a comma-separated text or of a list, stripped, without empty ones."""
    if tags is None:
        return []
    if isinstance(tags, (bool, bytes, Mapping)) or not isinstance(tags, Iterable):
        raise UsageError(f"tags are text or a list, not {tags!r}", hint="write --tags=a,b")
    texts = [tags] if isinstance(tags, str) else [tag_text(tag) for tag in tags]
    return [tag for text in texts for part in text.split(",") if (tag := part.strip())]


def tag_text(tag: object) -> str:
    """One tag as text; meta files hold numbers and booleans where a tag was meant."""
    if isinstance(tag, bool):
        return "true" if tag else "false"
    return "" if tag is None else str(tag)


def check_alias(alias: str) -> None:
    """Refuse what could not be found again, or could not be a folder, as a new alias.

    Raises:
        UsageError: it is empty, hidden, has separators, wildcards or control characters, or looks
            like a UID.
    """
    problem = ""
    if not alias:
        problem = "an alias must not be empty"
    elif alias.startswith((".", "-")):
        problem = f"alias '{alias}' begins with '{alias[0]}'"
    elif is_uid(alias):
        problem = f"alias '{alias}' looks like a UID"
    elif len(os_bytes(alias)) > 200:
        problem = f"alias '{alias[:20]}...' is longer than 200 bytes"
    else:
        bad = sorted({char for char in alias if char in '/\\:,*?"<>|' or not char.isprintable()})
        if bad:
            problem = f"alias {alias!r} holds {', '.join(repr(char) for char in bad)}"
        elif alias != alias.strip():
            problem = f"alias {alias!r} begins or ends with a space"
    if problem:
        raise UsageError(problem, hint="use letters, digits, '.', '_', '-' and '@'")


def os_bytes(text: str) -> bytes:
    """Text as the file system sees it."""
    return text.encode("utf-8", "surrogatepass")


def is_text(name: str) -> bool:
    """Whether a name is text at all: on Linux a word or a file name may be any bytes."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def did_you_mean(word: str, words: Iterable[str], n: int = 3) -> list[str]:
    """The at most `n` members of `words` nearest to `word`, best first."""
    import difflib

    known: dict[str, str] = {}
    for candidate in words:
        known.setdefault(candidate.lower(), candidate)
    near = difflib.get_close_matches(word.lower(), list(known), n=n, cutoff=0.6)
    return [known[name] for name in near]


def suggestion(near: Sequence[str]) -> str:
    """`did you mean 'a' or 'b'?`, or "" when there is nothing to suggest."""
    if not near:
        return ""
    quoted = [f"'{word}'" for word in near]
    *most, last = quoted
    return f"did you mean {', '.join(most)} or {last}?" if most else f"did you mean {last}?"
