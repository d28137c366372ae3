"""`README-cm.md`: how to repeat a run, for a person who has only this file."""

from __future__ import annotations

import os

from cm_script.masking import STARS, secrets_in
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine

_CALL = "cm run script"


def readme(engine: Engine, state: dict[str, Any]) -> str:
    """Markdown: what to install, the request, the recipes that it used, and how to run each alone.

    Args:
        engine: of the run that has just ended.
        state: its run state, with `version_info`.
    """
    used = [(asked, facts) for e in state.get("version_info", []) for asked, facts in e.items()]
    parts = [
        "# How to repeat this run",
        "Written by `cm` when the run had ended.",
        "## Install",
        _code([f"pip install {_packages()}", *_collections(engine, used)]),
        "## Run",
        _code([command(engine, state)]),
    ]
    if used:
        parts += [
            "## Recipes it used",
            "In the order in which they ended.",
            _table(used),
            "## Run one of them alone",
            _code(list(dict.fromkeys(_alone(engine, asked, facts) for asked, facts in used))),
        ]
    return "\n\n".join(parts) + "\n"


def command(engine: Engine, state: dict[str, Any]) -> str:
    """The command line of the request, secrets replaced by stars."""
    request = engine.request
    if request is None or engine.chain:
        words = [*state.get("script_tags", []), *state.get("script_variation_tags", [])]
        return f"{engine.call_prefix} --tags={','.join(map(str, words))}"
    from cmcore.grammar import command_line

    line = command_line(request._replace(console=True))
    if line.startswith(_CALL):
        line = engine.call_prefix + line[len(_CALL) :]
    for secret in sorted(secrets_in(dict(request.flags)), key=len, reverse=True):
        line = line.replace(secret, STARS)
    return line


def _packages() -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("cmcore", "cm-plugin-script", "cm-plugin-cache"):
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return " ".join(found)


def _collections(engine: Engine, used: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """A line for each collection that a recipe of the run came from."""
    lines: dict[str, None] = {}
    for uid in dict.fromkeys(str(facts.get("script_uid", "")) for _, facts in used):
        for artifact in engine.recipes(uid, "") if uid else ():
            origin = artifact.collection
            if origin.distribution:
                name, _, version = origin.distribution.partition(" ")
                lines[f"pip install {name}=={version}"] = None
            elif origin.kind != "local":
                clone = clone_address(origin.path)
                if clone:
                    lines[f"git clone {_quoted(clone)} {_quoted(origin.name)}"] = None
                lines[f"cm add collection {_quoted(origin.name if clone else origin.path)}"] = None
    return list(lines)


def clone_address(path: str) -> str:
    """Where a clone came from, without the password that may stand in it; "" for no clone."""
    try:
        with open(os.path.join(path, ".git", "config"), encoding="utf-8") as file:
            for line in file:
                key, equals, value = line.strip().partition("=")
                if equals and key.strip() == "url":
                    scheme, found, rest = value.strip().partition("://")
                    return scheme + "://" + rest.rpartition("@")[2] if found else value.strip()
    except (OSError, UnicodeDecodeError):
        pass
    return ""


def _alone(engine: Engine, asked: str, facts: dict[str, Any]) -> str:
    version = str(facts.get("version") or "")
    more = f" --version={_quoted(version)}" if version else ""
    by_name = asked == facts.get("script_alias") and asked not in _tags(facts)
    what = _quoted(asked) if by_name else f"--tags={_quoted(asked)}"
    return f"{engine.call_prefix} {what}{more}"


def _tags(facts: dict[str, Any]) -> list[str]:
    return str(facts.get("script_tags") or "").split(",")


def _table(used: list[tuple[str, dict[str, Any]]]) -> str:
    rows = ["| recipe | version | asked for by |", "|---|---|---|"]
    for asked, facts in used:
        version, parent = str(facts.get("version") or ""), str(facts.get("parent") or "")
        rows.append(f"| `{asked}` | {version} | {parent.replace('|', '')} |")
    return "\n".join(rows)


def _code(lines: list[str]) -> str:
    return "\n".join(["```bash", *lines, "```"])


def _quoted(text: str) -> str:
    from shlex import quote

    return quote(text)
