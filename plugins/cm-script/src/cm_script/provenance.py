"""Which parts of a value are data and which are a recipe's own words.

What a user types, a tool prints or a cache entry gives back is data: a step gets it letter by
letter. What a recipe writes may refer to variables (`$NAME`). A placeholder puts the one into the
other (`--path=<<<USER_PATH>>> --home=$HOME`), so a value can be both.

The notes lie in `engine.imported`, which every part of a request shares and which survives the way
to another process as JSON: `NAME` holds a whole text that is data, `NAME=text` the pieces of a
text that is partly data, a recipe's words first and then by turns. A note counts as long as the
variable has that very text; whoever changes the value makes it a recipe's.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Iterable, Iterator, Mapping

if TYPE_CHECKING:
    from cm_script.protocols import EngineLike

#: Without one of these a text means the same either way.
_ACTING = ("$", "\\")


class Provenance:
    """What is known of the values of one request.

    Args:
        engine: keeps the notes.
    """

    __slots__ = ("_engine", "_typed")

    def __init__(self, engine: EngineLike) -> None:
        self._engine = engine
        self._typed: frozenset[str] | None = None

    def is_data(self, key: str, value: object) -> bool:
        """Whether the whole value of a variable is data."""
        engine = self._engine
        if key in engine.literal:
            return True
        noted = engine.imported.get(key)
        return noted is not None and noted == value

    def pieces(self, key: str, text: str) -> list[str]:
        """A text, a recipe's words and data by turns, beginning with a recipe's words."""
        if self.is_data(key, text):
            return ["", text]
        noted = self._engine.imported.get(f"{key}={text}")
        return list(noted) if isinstance(noted, list) else [text]

    def note(self, key: str, pieces: list[str]) -> None:
        """Remember that a variable's text is put together like this."""
        text = "".join(pieces)
        if len(pieces) > 1 and _acts(text) and not self.is_data(key, text):
            self._engine.imported[f"{key}={text}"] = pieces

    def copied(self, before: Mapping[str, Any], env: Mapping[str, Any]) -> None:
        """A hook has run: a variable that now holds the text of one that is data is data, too.

        What a hook puts together from data and words of its own is its own business.
        """
        changed = {
            key: value
            for key, value in env.items()
            if isinstance(value, str) and _acts(value) and before.get(key) != value
        }
        if not changed:
            return
        known = {
            value
            for old in (before, env)
            for key, value in old.items()
            if isinstance(value, str) and _acts(value) and self.is_data(key, value)
        }
        for key, value in changed.items():
            if value in known:
                self._engine.imported[key] = value

    def literal_keys(self, env: Mapping[str, Any], own_words: str = "") -> set[str]:
        """The variables of `env` whose whole value is data.

        Among them those that hold exactly what a person typed anywhere in the request, say as a
        mapped flag or in an edit of a dependency.

        Args:
            env: variables.
            own_words: the text of the recipe; what it says itself is a recipe's word.
        """
        said = self._said()
        typed, noted = self._engine.literal, self._engine.imported
        return {
            key
            for key, value in env.items()
            if key in typed
            or (key in noted and noted[key] is not None and noted[key] == value)
            or (said and isinstance(value, str) and value in said and value not in own_words)
        }

    def parts(self, env: Mapping[str, Any]) -> dict[str, list[str]]:
        """Variables of `env` whose text is partly data -> its pieces."""
        found = {}
        for key, value in env.items():
            if isinstance(value, str):
                noted = self._engine.imported.get(f"{key}={value}")
                if isinstance(noted, list):
                    found[key] = list(noted)
        return found

    def note_suffix(self, block: Mapping[str, Any], suffix: str) -> None:
        """Remember where a dynamic variation (`_name.SUFFIX`) has put its suffix in place of `#`.

        Args:
            block: the variation as the recipe writes it.
            suffix: data, if a person typed it or a variable that is data has brought it here.
        """
        if not _acts(suffix) or not self._is_from_outside(suffix):
            return
        for name in ("default_env", "env", "const"):
            values = block.get(name)
            for key, value in values.items() if isinstance(values, Mapping) else ():
                if isinstance(value, str) and "#" in value:
                    self.note(str(key), replaced([value], "#", ["", suffix]))

    def _is_from_outside(self, text: str) -> bool:
        known = [*self._said(), *self._engine.imported.values()]
        return any(isinstance(value, str) and text in value for value in known)

    def _said(self) -> frozenset[str]:
        if self._typed is None:
            request = getattr(self._engine, "request", None)
            words = [request.flags, request.artifacts] if request is not None else []
            self._typed = frozenset(filter(_acts, _leaves(words)))
        return self._typed


def replaced(pieces: list[str], token: str, inserted: list[str]) -> list[str]:
    """`pieces` with every occurrence of `token` in the whole text replaced by other pieces."""
    text, kinds = _joined(pieces)
    new_text, new_kinds = _joined(inserted)
    texts, marks, start = [], [], 0
    while (found := text.find(token, start)) >= 0:
        texts += [text[start:found], new_text]
        marks += [kinds[start:found], new_kinds]
        start = found + len(token)
    whole = "".join([*texts, text[start:]])
    marked = b"".join([*marks, kinds[start:]])
    out: list[str] = []
    start = 0
    while start < len(marked):
        kind = marked[start : start + 1]
        end = len(marked) - len(marked[start:].lstrip(kind))
        if len(out) % 2 != kind[0]:
            out.append("")
        out.append(whole[start:end])
        start = end
    return out or [""]


def _joined(pieces: list[str]) -> tuple[str, bytes]:
    """The text and one byte per character: 0 a recipe's word, 1 data."""
    kinds = b"".join(bytes([n % 2]) * len(piece) for n, piece in enumerate(pieces))
    return "".join(pieces), kinds


def _acts(text: str) -> bool:
    return any(char in text for char in _ACTING)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, Iterable):
        for item in value:
            yield from _leaves(item)
