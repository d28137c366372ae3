"""`cm add script NAME --template=...`: a new recipe that already does something.

The core makes the artifact; the files of the template then take the place of its bare meta.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cm_script.dialects import for_form
from cmcore.errors import UsageError
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context

_FOLDER = os.path.join(os.path.dirname(__file__), "templates")
_ENDING = ".template"
#: Flags that fill a template, by template, with what stands there when they are not given.
_FILLS = {
    "pip-tool": {"package": ""},
    "download": {"url": "https://example.org/", "sha256": ""},
}
_META = {"cm": "_cm.yaml", "mlc": "meta.yaml"}


def templates() -> list[str]:
    """Names of the templates."""
    return sorted(name for name in os.listdir(_FOLDER) if not name.startswith((".", "_")))


def add(ctx: Context, request: Request) -> Result:
    """Add a recipe: an empty one as for every automation, or one made from a template.

    Raises:
        UsageError: not a name for a recipe, an unknown template, a flag that it does not take.
        ExistsError, StorageError: as for every artifact.
    """
    from cmcore import actions

    template = request.flags.get("template")
    if template is None:
        _refuse_fills(request, "")
        return actions.add(ctx, request)
    name = str(template)
    if name not in templates():
        from cmcore.naming import did_you_mean, suggestion

        known = ", ".join(templates())
        near = suggestion(did_you_mean(name, templates()))
        raise UsageError(f"there is no template '{name}'", hint=near or f"there are {known}")
    alias = _alias(request)
    fills = _refuse_fills(request, name)
    for flag in ("json", "meta"):
        if request.flags.get(flag):
            raise UsageError(
                f"--{flag} and --template do not go together",
                hint="a template is written as YAML, to be edited",
            )
    wanted = dict(request.flags)
    for key in ("template", *fills):
        wanted.pop(key, None)
    wanted["tags"] = wanted.get("tags") or _tags(alias)
    answer = actions.add(ctx, request._replace(flags=wanted))
    path = str(answer.data["path"])
    try:
        files = _write(path, name, answer.data, fills)
    except BaseException:
        import shutil

        shutil.rmtree(path, ignore_errors=True)
        raise
    finally:
        ctx.index.changed()
    view = f"{answer.view}\n  {' '.join(files)}\ntry it: cm run script {alias}"
    return Result({**answer.data, "template": name, "files": files}, view)


def _alias(request: Request) -> str:
    """The new recipe's name; nobody can run a template that has none.

    Raises:
        UsageError: there is none, or no tags can be made of it.
    """
    from cmcore.naming import check_alias, split

    word = request.artifacts[0] if request.artifacts else ""
    alias = split(word)[1].alias
    if not alias:
        raise UsageError("a recipe made from a template needs a name", hint="cm add script NAME")
    check_alias(alias)
    if not request.flags.get("tags") and not _tags(alias):
        raise UsageError(f"no tags can be made of '{alias}'", hint="give --tags=a,b")
    return alias


def _refuse_fills(request: Request, template: str) -> dict[str, str]:
    """What fills the template; a flag that belongs to another one is refused."""
    fills = dict(_FILLS.get(template, {}))
    for other, names in _FILLS.items():
        for flag in names:
            if flag in request.flags and flag not in fills:
                raise UsageError(f"--{flag} belongs to --template={other}")
    for flag in fills:
        if flag in request.flags:
            value = request.flags[flag]
            if not isinstance(value, str) or not value.strip() or not value.isprintable():
                raise UsageError(f"--{flag} needs a value")
            fills[flag] = value.strip()
    return fills


def _tags(alias: str) -> list[str]:
    return [word for word in re.split(r"[-\s@]+", alias.lower()) if word.strip("_")]


def _write(
    path: str, template: str, made: Mapping[str, Any], fills: Mapping[str, str]
) -> list[str]:
    from cmcore.artifacts import read_meta
    from cmcore.storage import write_atomic

    meta = read_meta(path)
    words = _words(made, meta.data, meta.form, fills)
    folder = os.path.join(_FOLDER, template)
    written = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(_ENDING):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as stream:
            text = stream.read()
        target = name.removesuffix(_ENDING)
        target = _META[meta.form] if target == "meta.yaml" else target
        write_atomic(os.path.join(path, target), _fill(text, words))
        written.append(target)
    return written


def _words(
    made: Mapping[str, Any], meta: Mapping[str, Any], form: str, fills: Mapping[str, str]
) -> dict[str, str]:
    """What stands for each `@WORD@`; whatever a person gave is written as a YAML text."""
    alias = str(made["alias"])
    key = re.sub(r"[^A-Z0-9]+", "_", alias.upper()).strip("_") or "RECIPE"
    quoted = {
        "ALIAS": alias,
        "UID": made["uid"],
        "AUTOMATION_UID": meta.get("automation_uid", ""),
        "TAGS": meta.get("tags", []),
        **{name.upper(): value for name, value in fills.items()},
    }
    if "package" in fills and not fills["package"]:
        quoted["PACKAGE"] = alias
    # JSON texts and lists are YAML as well.
    words = {name: json.dumps(value, ensure_ascii=False) for name, value in quoted.items()}
    return {**words, "KEY": for_form(form).key(key), "PREFIX": for_form(form).prefix}


def _fill(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"@([A-Z_0-9]+)@", lambda found: words.get(found[1], found[0]), text)
