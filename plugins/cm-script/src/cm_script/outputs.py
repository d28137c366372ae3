"""What a native step leaves for the engine: `tmp-run-env.out` and `tmp-run-state.json`."""

from __future__ import annotations

import os

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Iterator

if TYPE_CHECKING:
    from cm_script.dialects import Dialect

ENV_FILE = "tmp-run-env.out"
STATE_FILE = "tmp-run-state.json"


def present(names: Iterable[str]) -> Iterator[str]:
    """Those of the names that are files in the current folder, each looked at in its turn."""
    for name in names:
        # Most are not there, and `access` says so without raising anything.
        if os.access(name, os.F_OK) and os.path.isfile(name):
            yield name


def discard() -> None:
    """Delete both files in the current folder, so that no step inherits an older one's answer."""
    for name in present((ENV_FILE, STATE_FILE)):
        os.remove(name)


def parse_env(text: str, dialect: Dialect) -> dict[str, str]:
    """Variables from lines `NAME=value`.

    Blanks around both sides go, quotes stay, and everything after the first `=` is the value.
    A line without `=` sets its name to the empty text where the dialect says so.
    """
    found = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        name = name.strip()
        if name and (equals or dialect.lone_output_key_is_empty):
            found[name] = value.strip()
    return found


def import_env(env: dict[str, Any], dialect: Dialect) -> dict[str, str]:
    """Merge `tmp-run-env.out` of the current folder into `env`; what it held.

    Raises:
        CmError: the file cannot be read.
    """
    text = _read(ENV_FILE)
    found = parse_env(text, dialect) if text else {}
    env.update(found)
    return found


def import_state(state: dict[str, Any], dialect: Dialect) -> None:
    """Merge `tmp-run-state.json` of the current folder into `state`.

    Raises:
        CmError: the file cannot be read or holds no JSON object.
    """
    text = _read(STATE_FILE)
    if text is None:
        return
    import json

    from cm_script.merge import merge

    try:
        found = json.loads(text)
    except ValueError as error:
        raise CmError(
            f"the native step wrote a state file that is no JSON: {error}",
            where=os.path.abspath(STATE_FILE),
        ) from None
    if not isinstance(found, dict):
        raise CmError(
            "the native step wrote a state file that holds no JSON object",
            where=os.path.abspath(STATE_FILE),
        )
    merge(state, found, dialect)


def _read(name: str) -> str | None:
    try:
        # Bytes that are no UTF-8 survive the way through `env` and back into a script.
        with open(name, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CmError(
            f"the answer of the native step cannot be read: {error.strerror}",
            where=os.path.abspath(name),
        ) from None
