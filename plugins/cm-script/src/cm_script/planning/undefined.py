"""Placeholders (`<<<NAME>>>`) that nothing in a plan could ever fill.

While the walk is on, a variable that is not there yet proves little: hooks compute names, downloads
are told the name to report under. At its end everything that takes part is known, and a name that
no recipe of the plan mentions, exports or computes is a mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from cm_script.planning.node import Node, Problem
from cmcore.hints import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cm_script.planning.source import Source

_PLACEHOLDER = re.compile(r"<<<.*?>>>")


class Open(NamedTuple):
    """A placeholder that was not filled when its recipe was done.

    Attributes:
        node: where it stands.
        key, value: the variable that holds it.
        name: the variable it refers to.
    """

    node: Node
    key: str
    value: str
    name: str


def problems(found: Sequence[Open], root: Node, sources: Iterable[Source]) -> list[Problem]:
    """Warnings about those of `found` that nothing in the plan can fill."""
    if not found:
        return []
    runs = {id(one.run): one for one in root.walk() if one.run is not None}
    metas, patterns = [], []
    for here in runs.values():
        assert here.run is not None
        metas.append(_PLACEHOLDER.sub(" ", json.dumps(here.run.artifact.meta, default=str)))
        patterns += [str(pattern) for pattern in here.run.scope.new_env_keys]
    code = [source.code for source in sources]
    texts = [*metas, *code, *(text for source in sources for text in source.scripts.values())]
    names = sorted({word for text in metas for word in re.findall(r"\b[A-Z][A-Z0-9_]{3,}\b", text)})
    computed = any(source.computes_names for source in sources)
    warnings: dict[str, Problem] = {}
    for one in found:
        key, name = one.key, one.name
        if name in warnings or _may_appear(name, texts, patterns if computed else ()):
            continue
        near = _near(name, names)
        text = f"{one.node.label}: {key} refers to <<<{name}>>>, which nothing sets"
        hint = f"{near}--env.{name}=VALUE sets it"
        where = one.node.run.artifact.path if one.node.run else ""
        warnings[name] = Problem("warning", text, where, hint, one.node.step)
    return list(warnings.values())


def _may_appear(name: str, texts: Iterable[str], patterns: Iterable[str]) -> bool:
    if any(p.startswith("<<<") or fnmatchcase(name, p) for p in patterns):
        return True
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return any(word.search(text) for text in texts)


def _near(name: str, names: Sequence[str]) -> str:
    from cmcore.naming import did_you_mean

    # The prefix that all names share would make all of them alike.
    short = {other.partition("_")[2]: other for other in names if "_" in other}
    near = did_you_mean(name.partition("_")[2] or name, list(short))
    return f"did you mean <<<{short[near[0]]}>>>? " if near else ""
