"""BERT's way to cut text: words and punctuation, then the longest pieces that a vocabulary has."""

from __future__ import annotations

import unicodedata

#: Longer words are not cut into pieces.
LONGEST = 200
UNKNOWN = "[UNK]"


def words(text: str) -> list[str]:
    """Lower-case words without accents; each punctuation mark is a word of its own."""
    found: list[str] = []
    for word in _spaced(text).split():
        plain = unicodedata.normalize("NFD", word.lower())
        current = ""
        for char in plain:
            if unicodedata.category(char) == "Mn":
                continue
            if is_punctuation(char):
                found += [current, char] if current else [char]
                current = ""
            else:
                current += char
        if current:
            found.append(current)
    return found


def pieces(word: str, vocabulary: dict[str, int]) -> list[str]:
    """A word as the longest pieces from its start on; all but the first begin with ##."""
    if len(word) > LONGEST:
        return [UNKNOWN]
    found: list[str] = []
    start = 0
    while start < len(word):
        end = len(word)
        while end > start:
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                break
            end -= 1
        if end == start:
            return [UNKNOWN]
        found.append(piece)
        start = end
    return found


def tokens(text: str, vocabulary: dict[str, int]) -> list[str]:
    """All pieces of a text."""
    return [piece for word in words(text) for piece in pieces(word, vocabulary)]


def is_punctuation(char: str) -> bool:
    """ASCII that is no letter, digit or space counts, and what Unicode calls punctuation."""
    code = ord(char)
    if 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126:
        return True
    return unicodedata.category(char).startswith("P")


def _spaced(text: str) -> str:
    """Without control characters, and with spaces around ideographs."""
    made = []
    for char in text:
        code = ord(char)
        if code in (0, 0xFFFD) or (
            unicodedata.category(char) in ("Cc", "Cf") and char not in "\t\n\r"
        ):
            continue
        if _is_ideograph(code):
            made.append(f" {char} ")
        else:
            made.append(" " if char.isspace() else char)
    return "".join(made)


def _is_ideograph(code: int) -> bool:
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )
