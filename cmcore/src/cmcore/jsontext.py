"""JSON without the module `json`, which imports `re`: a third of what a look-up used to cost.

Reading and writing is done by the C code that `json` itself is made of. Whatever is unusual (an
error to explain, a byte order mark, an indented text, an interpreter without that C code) is left
to `json`, so the answers are the same; a test compares them.
"""

from __future__ import annotations

import sys

from cmcore.hints import Any, Callable

_c: Any = None
# A debug build ends the process where the C code cannot import the error that it wants to raise.
if not hasattr(sys, "gettotalrefcount"):
    try:
        import _json as _c
    except ImportError:  # an interpreter that is built in another way
        pass

_SPACE = " \t\n\r"


class _Reading:
    """What `json.loads` sets by default."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {
        "-Infinity": float("-inf"),
        "Infinity": float("inf"),
        "NaN": float("nan"),
    }.__getitem__


_scan = _c.make_scanner(_Reading) if _c else None


def loads(text: str | bytes) -> Any:
    """The same as `json.loads`.

    Raises:
        ValueError: it is not JSON (`json.JSONDecodeError`), or not text.
        RecursionError: it is nested too deeply.
    """
    if _scan is not None:
        plain = _decoded(text) if isinstance(text, bytes) else text
        start = len(plain) - len(plain.lstrip(_SPACE))
        try:
            value, end = _scan(plain, start)
        except (StopIteration, ValueError, SystemError):
            end = -1  # `json` says what is wrong; here the error may even fail to be made
        if end >= 0 and (end == len(plain) or not plain[end:].strip(_SPACE)):
            return value
    import json

    return json.loads(text)


def _decoded(text: bytes) -> str:
    """The text of bytes in UTF-8; "" where `json` has to find out what they are."""
    if b"\0" in text[:4] or text[:1] in (b"\xef", b"\xfe", b"\xff"):
        return ""
    return text.decode("utf-8", "surrogatepass")


def dumps(
    value: Any,
    *,
    sort_keys: bool = False,
    separators: tuple[str, str] = (", ", ": "),
    ensure_ascii: bool = True,
    default: Callable[[Any], Any] | None = None,
    indent: int | None = None,
) -> str:
    """The same as `json.dumps`.

    Raises:
        TypeError: it holds what JSON has not, and there is no `default`.
        ValueError: it contains itself.
    """
    if _c and indent is not None:
        leaf = _Leaf(sort_keys, ensure_ascii, default)
        try:
            return _indented(value, "\n", " " * indent, leaf)
        except RecursionError:
            pass  # `json` says whether it contains itself
    elif _c:
        quote = _c.encode_basestring_ascii if ensure_ascii else _c.encode_basestring
        comma, colon = separators
        try:
            encode = _c.make_encoder(
                {}, default or _refuse, quote, None, colon, comma, sort_keys, False, True
            )
        except TypeError:  # a later Python, whose encoder wants something else
            encode = None
        if encode is not None:
            return "".join(encode(value, 0))
    import json

    return json.dumps(
        value,
        sort_keys=sort_keys,
        separators=separators,
        ensure_ascii=ensure_ascii,
        default=default,
        indent=indent,
    )


class _Leaf:
    """How `dumps` shall write what holds nothing else."""

    def __init__(
        self, sort_keys: bool, ensure_ascii: bool, default: Callable[[Any], Any] | None
    ) -> None:
        self.sort_keys = sort_keys
        self.default = default or _refuse
        self.ensure_ascii = ensure_ascii

    def __call__(self, value: Any) -> str:
        return dumps(value, ensure_ascii=self.ensure_ascii)


def _indented(value: Any, line: str, step: str, leaf: _Leaf) -> str:
    """`value` over several lines; `line` begins one at its depth."""
    deeper = line + step
    if isinstance(value, dict) and value:
        parts = [
            f"{leaf({key: 0})[1:-4]}: {_indented(item, deeper, step, leaf)}"
            for key, item in (sorted(value.items()) if leaf.sort_keys else value.items())
        ]
        return "{" + deeper + f",{deeper}".join(parts) + line + "}"
    if isinstance(value, (list, tuple)) and value:
        parts = [_indented(item, deeper, step, leaf) for item in value]
        return "[" + deeper + f",{deeper}".join(parts) + line + "]"
    if value is None or isinstance(value, (str, int, float, dict, list, tuple)):
        return leaf(value)
    return _indented(leaf.default(value), line, step, leaf)


def _refuse(value: object) -> Any:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
