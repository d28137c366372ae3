"""Turning a recipe's environment into the export lines that its native script begins with.

Values are data. The one thing that a shell may still interpret is what recipes rely on: a
reference `$NAME` or `${NAME}` in a value that a recipe wrote, which sees the real environment and
the variables exported before it (lines are sorted by name). Nothing else is special, so a value
with `$(...)`, backticks, quotes or newlines arrives as it is.
"""

from __future__ import annotations

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Collection, Mapping

if TYPE_CHECKING:
    from cm_script.dialects import Dialect

_DIGITS = "0123456789"
#: Characters of variables' names.
_IN_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + _DIGITS)
#: Characters that act within double quotes.
_ESCAPES = {ord(char): f"\\{char}" for char in '\\"$`'}
#: bash refuses to assign these; the attempt would only print an error.
_READ_ONLY = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})


def render(
    env: Mapping[str, Any],
    dialect: Dialect,
    os_info: Mapping[str, Any],
    literal: Collection[str] = frozenset(),
    pieces: Callable[[str, str], list[str]] | None = None,
) -> str:
    """The lines that set `env` in a shell script, sorted by variable, each with a newline.

    Args:
        env: values are text, numbers, booleans, None or lists. A key `+NAME` holds a list that is
            put before the old value of NAME, joined by `:`; in `+,NAME` the character after the
            plus joins instead.
        dialect: decides how a plain list is written.
        os_info: see `osinfo.os_info`; decides between bash and the Windows command line.
        literal: keys whose values are not the recipe's own: `$NAME` in them is text, too.
        pieces: gives the parts of the text of any other key, the recipe's words first and what
            is not the recipe's own by turns; see `provenance.Provenance.pieces`.

    Raises:
        CmError: a value holds a NUL character, which no process environment can carry.
    """
    windows = os_info["platform"] == "windows"
    separator = str(os_info["env_separator"])
    lines = []
    for key in sorted(env, key=str):
        if not windows and _is_text(key, env[key]):
            value = env[key]
            if key in literal:
                if "'" not in value:
                    lines.append(f"export {key}='{value}'\n")
                    continue
            elif not ("$" in value or "\\" in value or '"' in value or "`" in value):
                lines.append(f'export {key}="{value}"\n')
                continue
        name, joiner = _split_key(str(key), separator)
        if not (name.isascii() and name.isidentifier()) or name in _READ_ONLY:
            lines.append(_comment(f"{key!r} cannot be a shell variable", windows))
            continue
        items = _items(env[key], joiner, dialect)
        for item in items:
            if "\0" in item:
                raise CmError(
                    f"variable {name} holds a NUL character",
                    where=repr(item[:60]),
                    hint="no process can receive such a value; remove the character",
                )
        literally = key in literal
        if windows:
            lines.append(_windows_line(name, items, joiner))
            continue
        if literally and not joiner and "'" not in items[0]:
            lines.append(f"export {name}='{items[0]}'\n")
            continue
        parts = [["", i] if literally else pieces(str(key), i) if pieces else [i] for i in items]
        quoted = ["".join(_quoted(t, n % 2 == 1) for n, t in enumerate(part)) for part in parts]
        if joiner:
            words = "".join(item + _escaped(joiner) for item in quoted)
            lines.append(f'export {name}="{words}${{{name}}}"\n')
        else:
            lines.append(f'export {name}="{quoted[0]}"\n')
    return "".join(lines)


def _is_text(key: object, value: object) -> bool:
    """Whether a variable can be told to a shell and holds a text, as most of them."""
    return (
        type(key) is str
        and key.isidentifier()
        and key.isascii()
        and key not in _READ_ONLY
        and type(value) is str
        and "\0" not in value
    )


def _split_key(key: str, separator: str) -> tuple[str, str]:
    """`+NAME` -> (NAME, separator), `+,NAME` -> (NAME, ","), `NAME` -> (NAME, "")."""
    if not key.startswith("+"):
        return key, ""
    name = key[1:]
    if name and not name[0].isalnum():
        return name[1:], name[0]
    return name, separator


def _items(value: object, joiner: str, dialect: Dialect) -> list[str]:
    """The texts to export: one, or for a list that is put before an old value, each item."""
    if isinstance(value, (list, tuple)):
        if joiner:
            return [str(item) for item in value]
        if dialect.plain_list_joiner:
            return [dialect.plain_list_joiner.join(str(item) for item in value)]
    return [str(value)]


def _quoted(text: str, literally: bool) -> str:
    """`text` for the inside of double quotes, where references stay references."""
    if literally or ("$" not in text and "\\" not in text):
        return _escaped(text)
    parts, done, at = [], 0, 0
    while at < len(text):
        word, end = _special(text, at)
        if word:
            parts += [_escaped(text[done:at]), word]
            done = end
        at = end
    parts.append(_escaped(text[done:]))
    return "".join(parts)


def _special(text: str, at: int) -> tuple[str, int]:
    """What stands at a place with a meaning that stays, and where to go on.

    That is an escaped character or a reference, `$NAME` or `${NAME}`; "" for anything else.
    """
    char, following = text[at], text[at + 1 : at + 2]
    if char == "\\" and following in ('"', "$", "`"):
        return char + following, at + 2
    if char == "$":
        start = at + 2 if following == "{" else at + 1
        end = start
        while end < len(text) and text[end] in _IN_NAME:
            end += 1
        closed = following != "{" or text.startswith("}", end)
        if end > start and text[start] not in _DIGITS and closed:
            return f"${{{text[start:end]}}}", end + (following == "{")
    return "", at + 1


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _comment(text: str, windows: bool) -> str:
    return f"{'rem' if windows else '#'} left out: {text}\n"


def _windows_line(name: str, items: list[str], joiner: str) -> str:
    """`set NAME=...`; values with characters that the command line acts on are quoted."""
    words = [
        f'"{item}"' if '"' not in item and any(c in item for c in "|&<>") else item
        for item in items
    ]
    value = joiner.join([*words, f"%{name}%"]) if joiner else words[0]
    return f"set {name}={value}\n"
