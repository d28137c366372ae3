"""`cm show cache`: what an entry is, why it is there, and who needs it."""

from __future__ import annotations

import json
import time

from cm_cache import choose, classes, host, layout, measures, outdated, records, relations, trees
from cm_cache.commands import found_by, item, superseded_text
from cm_cache.relocate import relocated
from cm_cache.shelf import Shelf
from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import Request


def show(ctx: Context, request: Request) -> Result:
    """`cm show cache`: what each entry is, where it comes from and when it was used.

    Raises:
        NotFoundError: none fits.
    """
    shelf, found = found_by(ctx, request)
    if not found:
        raise choose.nothing_fits(shelf, choose.wish_of(request))
    with_env = choose.is_on(request.flags, "env")
    items, texts, warnings = [], [], []
    for record in found:
        shown = {**item(shelf, record), **_about(shelf, record)}
        if with_env:
            try:
                state = records.load_state(shelf.folder(record.uid))
                made = records.text(record.meta.get("root")) or shelf.root
                for key in ("new_env", "new_state"):
                    shown[key] = relocated(state.get(key, {}), made, shelf.root)
                if "inherited" in state:
                    shown["inherited"] = state["inherited"]
            except StorageError as error:
                warnings.append(f"cache entry {record.uid} is damaged: {error}")
        items.append(shown)
        texts.append(_text(shown, with_env=with_env))
    return Result({"list": items}, view="\n\n".join(texts), warnings=tuple(warnings))


def _about(shelf: Shelf, record: Record) -> dict[str, Any]:
    folder = shelf.folder(record.uid)
    return {
        "recipe": records.text(record.meta.get("associated_script_artifact"))
        or records.text(record.meta.get("recipe_alias")),
        "class": classes.class_of(record.meta, record.tags),
        "finished": record.kind == records.FINISHED,
        **_standing(shelf, record),
        "created": record.created,
        "last_used": layout.last_used(folder, record.created),
        "size": trees.size(folder),
        "depends": [_named(shelf, uid) for uid in records.depends(record.meta)],
        "dependants": [_brief(found) for found in relations.dependants(shelf, record.uid)],
    }


def _standing(shelf: Shelf, record: Record) -> dict[str, str]:
    """Why an entry is not served any more, and which newer one replaces it."""
    if record.kind != records.FINISHED:
        return {}
    why = outdated.why(shelf, record)
    newer = outdated.replaced(shelf.finished(record.tags)).get(record.uid)
    return {**({"outdated": why} if why else {}), **({"superseded": newer} if newer else {})}


def _named(shelf: Shelf, uid: str) -> dict[str, Any]:
    found = shelf.get(uid)
    return _brief(found) if found else {"uid": uid, "tags": [], "gone": True}


def _brief(record: Record) -> dict[str, Any]:
    return {"uid": record.uid, "tags": choose.split_tags(record.tags)}


def _text(shown: dict[str, Any], *, with_env: bool) -> str:
    meta, now = shown["meta"], time.time()
    lines = [
        ("Tags", ",".join(choose.split_tags(shown["tags"]))),
        ("UID", shown["uid"]),
        ("Path", shown["path"]),
        ("Class", shown["class"]),
        ("Version", shown["version"]),
        ("Recipe", shown["recipe"]),
        ("Made", _when(shown["created"], now) + _took(meta)),
        ("On", host.text(meta["host"]) if meta.get("host") else ""),
        ("By", _run(meta.get("run"))),
        ("Imported", _imported(meta.get("imported"))),
        ("Last use", _when(shown["last_used"], now)),
        ("Size", measures.size_text(shown["size"]) + _checked(meta)),
        ("Outdated", records.text(shown.get("outdated"))),
        ("Superseded", superseded_text(shown)),
        ("Needs path", records.text(meta.get("dependent_cached_path"))),
        ("Unfinished", "" if shown["finished"] else meta.get("error") or "interrupted or running"),
    ]
    text = "\n".join(f"{name + ':':<12}{value}" for name, value in lines if value)
    text += _key(meta)
    text += _list("Needs", shown["depends"]) + _list("Needed by", shown["dependants"])
    if with_env:
        for key, title in (("new_env", "New environment"), ("new_state", "New state")):
            if shown.get(key):
                text += f"\n{title}:\n{json.dumps(shown[key], indent=2, sort_keys=True)}"
    return text


def _key(meta: Mapping[str, Any]) -> str:
    """What was asked for, and the variables that decided; of them only those that were set."""
    key = meta.get("key")
    inputs = meta.get("inputs")
    lines = []
    for name, value in sorted(key.items()) if isinstance(key, dict) else ():
        # The variables of the recipe alone are among those of all that ran.
        if value not in ("", None, [], {}) and not (name == "env" and isinstance(inputs, dict)):
            lines.append(f"  {name} = {_plain(value)}")
    text = "\n".join(["\nKey:", *lines]) if lines else ""
    if isinstance(inputs, dict) and inputs:
        unset = [name for name, value in inputs.items() if value is None]
        lines = [f"  {name} = {_plain(v)}" for name, v in sorted(inputs.items()) if v is not None]
        lines += [f"  and {len(unset)} that were not set"] if unset else []
        text += "\n".join(["\nVariables that it was made with:", *lines])
    return text


def _plain(value: object) -> str:
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if one is not None}
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _list(title: str, entries: list[dict[str, Any]]) -> str:
    lines = [
        f"  {entry['uid']}  {'is gone' if entry.get('gone') else ','.join(entry['tags'])}"
        for entry in entries
    ]
    return "\n".join([f"\n{title}:", *lines]) if lines else ""


def _run(run: object) -> str:
    if not isinstance(run, dict):
        return records.text(run)
    words = [records.text(run.get("command")), records.text(run.get("id") or run.get("uid"))]
    return ", run ".join(word for word in words if word)


def _imported(about: object) -> str:
    if not isinstance(about, dict):
        return ""
    at = measures.moment(records.seconds(about.get("time"), 0.0))
    return f"{at} from {records.text(about.get('from'))}"


def _checked(meta: dict[str, Any]) -> str:
    about = meta.get("digests")
    if not isinstance(about, dict):
        return ""
    return f", {records.text(about.get('files'))} files with SHA-256 digests"


def _when(seconds: float, now: float) -> str:
    return f"{measures.moment(seconds)} ({measures.age(seconds, now)} ago)" if seconds else ""


def _took(meta: dict[str, Any]) -> str:
    seconds = records.seconds(meta.get("seconds"), 0.0)
    return f" in {seconds:.1f} s" if seconds else ""
