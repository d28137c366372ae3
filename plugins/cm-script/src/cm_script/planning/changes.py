"""What a recipe may change that its texts do not say for sure.

A run is only refused when it would fail whatever the code of its recipes does. So each doubt about
that code ends in "anything" here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping

from cm_script.planning.source import Source
from cmcore.hints import Any, NamedTuple

#: Every variable.
ANYTHING = ("*",)

#: What code does with the environment, and with what it is handed over in, that can be followed:
#: it takes the environment out, and reads or sets a variable by its name.
_PLAIN = re.compile(
    r"""\benv\s*=\s*i\s*\[\s*['"]env['"]\s*\](?!\s*[.\[])|\bdef\s+\w+\(\s*i\s*\)"""
    r"""|(?:\bi\s*\[\s*['"]env['"]\s*\]|\benv)(?:\s*\[\s*['"]\+?\w+['"]\s*\]|\.get\()"""
    r"""|\bi(?:\s*\[|\.get\()\s*['"](?!(?:env|input|run_script_input)['"])\w+['"]"""
    r"""|\bin\s+env\b(?!\s*[.\[(])|\bi\s*\[\s*['"]run_script_input['"]\s*\]\s*\[\s*['"]path['"]\s*\]"""
)
_NAMED = re.compile(r"""\benv['"]?\s*\]?\s*\[\s*['"]\+?(\w+)['"]\s*\]""")
_LEFT = re.compile(r"\b(?:env|i)\b|\brun_script_input\b|\bexec\b|\beval\b|\blocals\b|\bglobals\b")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_IMPORT = re.compile(r"^\s*(?:from|import)\s+\.?(\w+)", re.MULTILINE)
#: Words of code that leaves its recipe out or changes its lists of dependencies.
_BENDS = re.compile(r"""['"]skip['"]|\bskip\s*=|deps['"]|\bexec\b|\beval\b|\brun_script_input\b""")
_PLACEHOLDER = re.compile(r"<<<(.*?)>>>")
#: Keys whose entries change dependencies elsewhere in the tree.
_EDITS = ("adr", "add_deps_recursive")


def of_code(source: Source) -> Iterable[str]:
    """Patterns of variables that the hooks may set or remove."""
    code = _COMMENT.sub("", source.code)
    if _imports_own(source, code) or re.search(r"\bi\s*=(?!=)|\bdel\b.*\benv\s*$", code):
        return ANYTHING
    if _LEFT.search(_PLAIN.sub(" ", code)):
        return ANYTHING
    return set(_NAMED.findall(code)) | source.assigned


def may_bend(source: Source) -> bool:
    """Whether the hooks may leave their recipe out, or change what it depends on."""
    return bool(_BENDS.search(source.code)) or _imports_own(source, source.code)


def _imports_own(source: Source, code: str) -> bool:
    """Whether code of the recipe lies in other files as well."""
    there = [os.path.join(source.folder, name) for name in _IMPORT.findall(code)]
    return any(os.path.isfile(path + ".py") or os.path.isdir(path) for path in there)


class Meta(NamedTuple):
    """What a recipe, in any form of it, does to others.

    Attributes:
        exports: patterns of the variables that it exports.
        edits: whether it changes dependencies elsewhere in the tree.
        blocks: whether parts of it apply on conditions (`update_meta_if_env`).
        made_from: variables whose values are made from others: name -> names in placeholders.
    """

    exports: frozenset[str]
    edits: bool
    blocks: bool
    made_from: dict[str, set[str]]


def of_meta(meta: object) -> Meta:
    """Read the meta of a recipe, or a block of it."""
    exports: set[str] = set()
    made_from: dict[str, set[str]] = {}
    edits = blocks = False
    for key, value in _pairs(meta):
        if key == "new_env_keys" and isinstance(value, list):
            exports.update(map(str, value))
        elif isinstance(value, str) and "<<<" in value:
            made_from.setdefault(key, set()).update(_PLACEHOLDER.findall(value))
        elif value and key in _EDITS:
            edits = True
        blocks = blocks or key == "update_meta_if_env"
    if any("<<<" in pattern for pattern in exports):
        exports = set(ANYTHING)
    return Meta(frozenset(exports), edits, blocks, made_from)


def _pairs(value: object) -> Iterator[tuple[str, Any]]:
    """Keys and values of dictionaries at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key), item
            yield from _pairs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _pairs(item)
