"""The tests that a recipe declares: which requests they make, and why one is left out.

`tests.run_inputs` lists flags of requests; each is made once per entry of its
`variations_list`, or once without variations. `test-all-variations` stands for every variation
that needs no company: none of a group, none that takes a value, no combination.
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
_OWN = ("variations_list", "test-all-variations", "id")


class Case(NamedTuple):
    """One request to make.

    Attributes:
        place: place of its entry in `run_inputs`.
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
        only: places in `run_inputs`, see `chosen`.
        extra: flags of the command line; they win over those of an entry.
    """
    tests = _mapping(meta.get("tests"))
    entries = _entries(tests)
    found = []
    for index in only:
        entry = entries[index]
        own = {key: value for key, value in entry.items() if key not in _OWN}
        env = {**_mapping(own.get("env")), **_mapping(extra.get("env"))}
        flags = {**own, **extra, **({"env": env} if env else {})}
        skip = _skip(tests, flags)
        found += [Case(index, names, flags, skip) for names in _variations(entry, meta)]
    return found


def chosen(meta: Mapping[str, Any], index: object, name: object) -> list[int]:
    """Places in `run_inputs` that `--test_input_index=N|N+` and `--test_input_id=ID` leave.

    Raises:
        UsageError: no entry is meant, or the recipe has none.
    """
    entries = _entries(_mapping(meta.get("tests")))
    if not entries:
        raise UsageError(
            "the recipe declares no tests",
            hint="add to its meta: tests: {run_inputs: [{}]}, which runs it once as it is",
        )
    places = list(range(len(entries)))
    if index is not None:
        text = str(index).strip()
        digits = text.removesuffix("+")
        if not digits.isdigit() or int(digits) not in places:
            raise UsageError(
                f"--test_input_index={text} names no test",
                hint=f"tests are numbered 0 to {places[-1]}; N+ means from N on",
            )
        start = int(digits)
        places = places[start:] if text.endswith("+") else [start]
    if name is not None:
        places = [at for at in places if str(entries[at].get("id")) == str(name)]
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
    if is_on(entry.get("test-all-variations")):
        for name, block in _mapping(meta.get("variations")).items():
            info = _mapping(block)
            alone = "," not in name and not name.endswith("#") and "group" not in info
            if alone and not is_on(info.get("exclude-in-test")):
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


def _skip(tests: Mapping[str, Any], flags: Mapping[str, Any]) -> str:
    if is_on(flags.get("docker")):
        return "it runs in a container, which this command does not start"
    token = flags.get("gh_token") or any(os.environ.get(name) for name in TOKENS)
    if is_on(tests.get("needs_pat")) and not token:
        return "it needs a token for private repositories: set GH_TOKEN or give --gh_token"
    return ""


def _entries(tests: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = tests.get("run_inputs")
    return [_mapping(entry) for entry in entries] if isinstance(entries, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
