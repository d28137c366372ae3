"""Turn a request back into the command line that makes it; the inverse of `grammar.parse`.

Beside `grammar` because nothing on the way of a request needs it.
"""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.grammar import OPTIONS, STRUCTURE, canonical_action
from cmcore.hints import Any, Mapping
from cmcore.types import Request

_RESERVED = frozenset(STRUCTURE + OPTIONS)


def unparse(request: Request) -> list[str]:
    """The words of a command line that `grammar.parse` reads as `request`.

    What a flag can say is said by a flag; any other value (a number, None, nested lists) takes the
    form `--key:=JSON`, any other key `--:={"key": value}`. Words with line breaks or other control
    characters also go through JSON, so that the command line stays one line. A request that is not
    for a console becomes one with `--out=json`.

    Raises:
        UsageError: a verb that is not canonical, a flag whose name is reserved, or a value that
            JSON cannot hold.
    """
    if request.action != canonical_action(request.action):
        raise UsageError(
            f"'{request.action}' is not a verb's own name",
            hint=f"use '{canonical_action(request.action)}'",
        )
    subject = [request.action, request.automation]
    line = [word if _bare(word) else "" for word in subject]
    while line and not request.artifacts and not line[-1]:
        line.pop()
    for key, word in zip(("action", "automation"), subject, strict=True):
        if not _bare(word):
            line.append(_word_flag(key, word))
    for word in request.artifacts:
        line.append(word if _bare(word) else _word_flag("artifact", word))
    for key, value in request.flags.items():
        if key in _RESERVED or (key in ("help", "h") and value is True):
            raise UsageError(f"'{key}' cannot be the name of a flag", hint="it has a fixed meaning")
        line.extend(_flag(key, value))
    if not request.console:
        line.append("--out=json")
    if request.command is not None:
        if all(_one_line(word) for word in request.command):
            return [*line, "--", *request.command]
        line.append(f"--unparsed_cmd:={_json(list(request.command))}")
    return line


def command_line(request: Request, program: str = "cm") -> str:
    """The same as one line of text for a POSIX shell."""
    from shlex import join

    return join([program, *unparse(request)])


def _bare(word: str) -> bool:
    return not word.startswith(("-", "@")) and _one_line(word)


def _one_line(word: str) -> bool:
    return not any(char < " " or char in "\x7f\x85\u2028\u2029" for char in word)


def _word_flag(key: str, word: str) -> str:
    return f"--{key}={word}" if _one_line(word) else f"--{key}:={_json(word)}"


def _flag(key: str, value: Any) -> list[str]:
    if not _plain_key(key) or "-" in key:
        return [f"--:={_json({key: value})}"]
    words = _spell(key, value)
    return [f"--{key}:={_json(value)}"] if words is None else words


def _spell(key: str, value: Any) -> list[str] | None:
    """Flags without JSON, or None when some part of the value has no such form."""
    if value is True:
        return [f"--{key}"]
    if value is False:
        return [f"--{key}-"]
    if isinstance(value, str):
        return [f"--{key}={value}"] if _one_line(value) else None
    if isinstance(value, list):
        plain = all(isinstance(v, str) and "," not in v and _one_line(v) for v in value)
        # One empty word and no word at all would look the same.
        return [f"--{key},={','.join(value)}"] if plain and value != [""] else None
    if not isinstance(value, Mapping) or not value:
        return None
    words: list[str] = []
    for sub, inner in value.items():
        spelled = _spell(f"{key}.{sub}", inner) if _plain_key(sub) else None
        if spelled is None:
            return None
        words += spelled
    return words


def _plain_key(key: Any) -> bool:
    return (
        isinstance(key, str)
        and bool(key)
        and not key.startswith("-")
        and not key.endswith(("-", ",", ":"))
        and "." not in key
        and "=" not in key
        and _one_line(key)
    )


def _json(value: Any) -> str:
    import json

    try:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise UsageError(f"a value has no place on a command line: {error}") from None
