"""The tests that a recipe declares: which requests they make, and why one is left out.

`tests.run_inputs` lists flags of requests; each is made once per entry of its
`variations_list`, or once without variations; tests without `run_inputs` are one request as it is.
`test-all-variations` stands for every variation that needs no company: none of a group, none that
takes a value, no combination. `test-all-groups` stands for every variation of a group, one at a
time, as the other groups have their defaults. Entries are numbered from 1, as in MLCFlow.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cm_script.flags import is_on
from cmcore.errors import UsageError

#: Where a token for private repositories is looked for.
TOKENS = ("CM_GH_TOKEN", "MLC_GH_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "PAT")

#: Keys of an entry that say which requests to make; the others are flags of them.
_OWN = ("variations_list", "test-all-variations", "test-all-groups", "id", "disable_run_script")

#: Flags with names and values: those of an entry and those of the command line go together.
_JOINED = ("env", "const", "state", "adr", "ad", "add_deps", "add_deps_recursive")


class Case(NamedTuple):
    """One request to make.

    Attributes:
        place: number of its entry in `run_inputs`, from 1.
        variations: as in a request: `_a,_b`; may be empty.
        flags: what else the request says.
        skip: why it is not made, or "".
    """

    place: int
    variations: str
    flags: Mapping[str, Any]
    skip: str = ""


def cases(meta: Mapping[str, Any], only: Sequence[int], extra: Mapping[str, Any]) -> list[Case]:
    """The requests that a recipe's tests make.

    Args:
        meta: the recipe's meta.
        only: numbers of entries, see `chosen`.
        extra: flags of the command line; they win over those of an entry.
    """
    tests = _mapping(meta.get("tests"))
    entries = _entries(tests)
    found = []
    for place in only:
        entry = entries[place - 1]
        own = {key: value for key, value in entry.items() if key not in _OWN}
        flags = {**own, **extra}
        for key in _JOINED:
            both = _mapping(own.get(key)), _mapping(extra.get(key))
            if all(both):
                flags[key] = _joined(*both)
        skip = _skip(tests, entry, flags)
        found += [Case(place, names, flags, skip) for names in _variations(entry, meta)]
    return found


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Both, mappings in them as well; the second wins."""
    result = dict(first)
    for key, value in second.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _joined(_mapping(old), value) if both else value
    return result


def chosen(meta: Mapping[str, Any], index: object, name: object) -> list[int]:
    """Numbers of the entries that `--test_input_index=N|N+` and `--test_input_id=ID` leave.

    Raises:
        UsageError: no entry is meant, or the recipe has none.
    """
    entries = _entries(_mapping(meta.get("tests")))
    if not entries:
        raise UsageError(
            "the recipe declares no tests",
            hint="add to its meta: tests: {run_inputs: [{}]}, which runs it once as it is",
        )
    places = list(range(1, len(entries) + 1))
    if index is not None:
        text = str(index).strip()
        digits = text.removesuffix("+")
        if not digits.isdigit() or int(digits) not in places:
            raise UsageError(
                f"--test_input_index={text} names no test",
                hint=f"tests are numbered 1 to {places[-1]}; N+ means from N on",
            )
        start = int(digits)
        places = places[start - 1 :] if text.endswith("+") else [start]
    if name is not None:
        places = [at for at in places if str(entries[at - 1].get("id")) == str(name)]
        if not places:
            known = ", ".join(str(e["id"]) for e in entries if "id" in e)
            raise UsageError(
                f"--test_input_id={name} names no test", hint=f"known: {known or 'none'}"
            )
    return places


def _variations(entry: Mapping[str, Any], meta: Mapping[str, Any]) -> list[str]:
    asked = entry.get("variations_list")
    texts = asked if isinstance(asked, list) else [asked] if isinstance(asked, str) else []
    listed = [_with_marks(str(text)) for text in texts]
    alone, grouped = is_on(entry.get("test-all-variations")), is_on(entry.get("test-all-groups"))
    for name, block in _mapping(meta.get("variations")).items():
        info = _mapping(block)
        wanted = grouped if "group" in info else alone
        complete = "," not in name and not name.endswith("#")
        if wanted and complete and not is_on(info.get("exclude-in-test")):
            listed.append("_" + name)
    return list(dict.fromkeys(listed)) or [""]


def _with_marks(text: str) -> str:
    """`a,-b,_c` as `_a,-_b,_c`: the mark of a variation may be left out in tests."""
    words = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        minus = "-" if word.startswith("-") else ""
        name = word.removeprefix("-")
        words.append(minus + (name if name.startswith("_") else "_" + name))
    return ",".join(words)


def _skip(tests: Mapping[str, Any], entry: Mapping[str, Any], flags: Mapping[str, Any]) -> str:
    if is_on(entry.get("disable_run_script")):
        return "the recipe says disable_run_script"
    if is_on(flags.get("docker")):
        return "it runs in a container: see cm docker script"
    token = flags.get("gh_token") or any(os.environ.get(name) for name in TOKENS)
    if is_on(tests.get("needs_pat")) and not token:
        return "it needs a token for private repositories: set GH_TOKEN or give --gh_token"
    return ""


def _entries(tests: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = tests.get("run_inputs", [{}] if tests else [])
    return [_mapping(entry) for entry in entries] if isinstance(entries, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
