"""`load_cfg` and `select_cfg` of the `utils` automation: files kept in artifacts of noun `cfg`."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping

from cm_script.facade.files import Answer, load_yaml_and_json
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.protocols import EngineLike

_ENDS = (".json", ".yaml")
#: What `select_cfg` chooses from when nothing else is asked for.
_BASIC = "basic,docker,configurations"


def load_cfg(i: Mapping[str, Any], engine: EngineLike) -> Answer:
    """`lst` and `selection`: the configurations in artifacts of noun `cfg`.

    `artifact` or else `tags` choose the artifacts. Their JSON and YAML files whose names begin
    with `key` and end with one of `key_end` are read. A file builds on the one in its `_base`
    (`file` or `artifact:file`). Each gets `full_path`, `name`, `all_tags` and `main_meta`.
    With `skip_files` the artifacts' own metas are taken instead.

    `prune` keeps those with the given `uid`, in `list`, with `key` equal to `key_uid` (for
    `skip_files`: holding it), or in artifacts whose list `meta_key` holds `meta_key_uid`.
    """
    name = {"artifact": i["artifact"]} if i.get("artifact") else {"tags": i.get("tags") or ""}
    found = engine.access({"action": "search", "automation": "cfg", **name})
    if found["return"]:
        return found
    prune = i.get("prune") or {}
    if i.get("skip_files"):
        metas = [{**artifact.meta, "full_path": artifact.path} for artifact in found["list"]]
        key, wanted = prune.get("key"), prune.get("key_uid")
        selection = [meta for meta in metas if _holds(meta, key, wanted)]
        return {"return": 0, "lst": found["list"], "selection": selection}
    selection = []
    for artifact in found["list"]:
        if not _holds(artifact.meta, prune.get("meta_key"), prune.get("meta_key_uid")):
            continue
        for path in _files(artifact.path, str(i.get("key") or ""), i.get("key_end") or ()):
            answer = load_yaml_and_json(path[: -len(_ENDS[0])])
            if answer["return"] or not isinstance(answer["meta"], dict):
                engine.console.warn(f"{path}: {answer.get('error', 'holds no dictionary')}")
                continue
            answer = _on_base(answer["meta"], path, engine)
            if answer["return"]:
                return answer
            if _fits(answer["meta"], prune):
                selection.append(_completed(answer["meta"], path, artifact.meta))
    return {"return": 0, "lst": found["list"], "selection": selection}


def _holds(meta: Mapping[str, Any], key: str | None, wanted: str | None) -> bool:
    return not (key and wanted) or wanted in (meta.get(key) or [])


def _files(folder: str, start: str, ends: Any) -> list[str]:
    """Paths of the configurations in a folder; in a fixed order, unlike the folder's own."""
    ends = (ends,) if isinstance(ends, str) else tuple(ends)
    return [
        os.path.join(folder, name)
        for name in sorted(os.listdir(folder))
        if name.endswith(_ENDS)
        and not name.startswith("_")
        and name.startswith(start)
        and (not ends or name.endswith(ends))
    ]


def _on_base(meta: Answer, path: str, engine: EngineLike) -> Answer:
    """`meta` merged over the configuration that its `_base` names, if any."""
    base = str(meta.get("_base") or "")
    if not base:
        return {"return": 0, "meta": meta}
    name, colon, file = base.rpartition(":")
    if not file.endswith(_ENDS):
        return _failed(f"its _base {base} ends neither in .yaml nor in .json", path)
    folder = os.path.dirname(path)
    if colon:
        found = engine.access({"action": "search", "automation": "cfg", "artifact": name})
        if found["return"]:
            return found
        if not found["list"]:
            return _failed(f"the artifact of its _base {base} was not found", path)
        folder = found["list"][0].path
    below = os.path.join(folder, file)
    if not os.path.isfile(below):
        return _failed(f"the file of its _base {base} was not found", path)
    answer = load_yaml_and_json(below[: -len(_ENDS[0])])
    if not answer["return"]:
        answer["meta"] = _merged(answer["meta"] or {}, meta)
    return answer


def _merged(base: Answer, meta: Answer) -> Answer:
    for key, value in meta.items():
        old = base.get(key)
        texts = key in ("tags", "name") and isinstance(old, str) and isinstance(value, str)
        if texts or (isinstance(old, list) and isinstance(value, list)):
            base[key] = old + value
        elif isinstance(old, dict) and isinstance(value, dict):
            base[key] = {**old, **value}
        else:
            base[key] = value
    return base


def _failed(why: str, path: str) -> Answer:
    return {"return": 1, "error": f"configuration {path}: {why}"}


def _fits(meta: Mapping[str, Any], prune: Mapping[str, Any]) -> bool:
    uid = meta.get("uid", "")
    if prune.get("uid") and uid != prune["uid"]:
        return False
    if prune.get("list") and uid not in prune["list"]:
        return False
    key, wanted = prune.get("key"), prune.get("key_uid")
    return not (key and wanted) or meta.get(key) == wanted


def _completed(meta: Answer, path: str, main: Mapping[str, Any]) -> Answer:
    tags = meta.get("tags") or ""
    own = [str(tag) for tag in tags] if isinstance(tags, list) else str(tags).strip().split(",")
    own = [tag for tag in own if tag]
    name = str(meta.get("name") or " ".join(own)).strip()
    meta["full_path"] = path
    meta["name"] = name
    meta["all_tags"] = [*(main.get("tags") or []), *(own or name.lower().split())]
    meta["main_meta"] = copy.deepcopy(dict(main))
    return meta


def select_cfg(i: Mapping[str, Any], engine: EngineLike) -> Answer:
    """`selection` with `path`, `alias` and `meta`: one configuration; 16 when there is none.

    From artifacts with `tags`, files called `alias`, with `uid`. When several fit a person is
    asked (`title` says for what); otherwise the first by name is taken.
    """
    tags = i.get("tags") or _BASIC
    found = engine.access({"action": "search", "automation": "cfg", "tags": tags})
    if found["return"]:
        return found
    choices: list[Answer] = []
    for artifact in found["list"]:
        for path in _files(artifact.path, "", ()):
            alias = os.path.basename(path)[: -len(_ENDS[0])]
            if i.get("alias") and alias != i["alias"]:
                continue
            answer = load_yaml_and_json(path[: -len(_ENDS[0])])
            if answer["return"] or not isinstance(answer["meta"], dict):
                engine.console.warn(f"{path}: {answer.get('error', 'holds no dictionary')}")
            elif not i.get("uid") or answer["meta"].get("uid") == i["uid"]:
                choices.append({"path": path, "alias": alias, "meta": answer["meta"]})
    if not choices:
        return {"return": 16, "error": "configuration was not found"}
    choices.sort(key=lambda choice: str(choice["meta"].get("name", "")))
    number = 0
    if len(choices) > 1 and engine.console.interactive and not engine.quiet:
        names = [f"{c['meta'].get('name', '')} ({c['meta'].get('uid', '')})" for c in choices]
        title = f"{i['title']} " if i.get("title") else ""
        number = engine.console.ask(f"Available {title}configurations:", names, 0) or 0
    return {"return": 0, "selection": choices[number]}
