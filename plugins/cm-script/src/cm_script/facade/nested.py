"""A request that recipe code makes through `cmind.access` or `mlc.access`.

Dictionaries in, dictionaries out, never an exception of ours. The two dialects say some things
differently (`target` for `automation`, `item` for `artifact`) and answer some questions
differently; what they have in common goes the way of every other request.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from cm_script.dialects import CM, MLC, Dialect
from cmcore.errors import CmError, NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cmcore.types import Collection, Request

Answer = dict[str, Any]

#: Keys that describe a nested call itself rather than the run it asks for.
_CALL_KEYS = ("action", "automation", "target", "out", "artifact", "common")

#: Automations that recipes name by their UID alone, as CM's own collection defines them.
_UIDS = {
    "5b4e0237da074764": "script",
    "541d6f712a6b464e": "cache",
    "dc2743f8450541e3": "utils",
    "55c3e27e8a140e48": "repo",
    "a0a2d123ef064bcb": "experiment",
    "88dce9c160324c5d": "cfg",
}

#: Nouns that both engines know without a collection that defines them.
_ALWAYS = ("experiment", "cfg")

#: MLCFlow's number for "there was nothing to remove", a warning there.
_NOTHING_REMOVED = 1006


def access(
    engine: Engine, i: Mapping[str, Any] | Sequence[str] | str | None, dialect: Dialect = CM
) -> Answer:
    """The answer to one request.

    Args:
        engine: the request that the recipe belongs to.
        i: a dictionary, words, or a command line without the leading `cm`.
        dialect: whose answers the caller expects.

    Returns:
        `return` 0 and what the action gives, or another number and `error`. Found artifacts are
        objects with `.path` and `.meta`.
    """
    try:
        call = _call(i)
        if not call["action"]:
            return {"return": 0, "warning": "no action specified"}
        return _answer(engine, call, dialect)
    except CmError as error:
        return error.to_dict()


def _call(i: Mapping[str, Any] | Sequence[str] | str | None) -> Answer:
    """The request as a dictionary with CM's names for things."""
    from cmcore import grammar

    if isinstance(i, str):
        import shlex

        try:
            i = shlex.split(i)
        except ValueError as error:
            raise UsageError(f"cannot read the command line {i!r}: {error}") from None
    if isinstance(i, (list, tuple)):
        parsed = grammar.parse([str(word) for word in i]).request
        i = grammar.to_dict(parsed._replace(console=False))
    if i is not None and not isinstance(i, Mapping):
        raise UsageError(f"a request is a dictionary or a command line, not {type(i).__name__}")
    call = dict(i or {})
    target = call.pop("target", None)
    noun = str(call.get("automation") or target or "").rpartition(":")[2]
    alias, _, uid = noun.partition(",")
    call["automation"] = _UIDS.get(uid.strip() or alias.strip(), alias.strip())
    call["action"] = grammar.canonical_action(str(call.get("action") or "").replace("-", "_"))
    if "item" in call:
        call.setdefault("artifact", call.pop("item"))
    return call


def _answer(engine: Engine, call: Answer, dialect: Dialect) -> Answer:
    noun, action = call["automation"], call["action"]
    if noun == "script" and action == "run":
        return engine.run(_run_inputs(call))
    if noun == "utils":
        from cm_script.facade import utils_actions

        return utils_actions.call(action, call, engine)
    if noun == "repo" and action in ("search", "load"):
        return _collections(engine, call, dialect)
    # What CM calls a repository is a collection here.
    call["automation"] = noun = "collection" if noun == "repo" else noun
    if engine.ctx.registry.automation(noun) is None:
        answer = _of_a_collection(engine, call)
        if answer is not None:
            return answer
    if noun == "script" and action == "search":
        return _recipes(engine, call)
    answer = engine.ctx.access(call)
    if noun == "cache" and action == "remove" and answer["return"] == NotFoundError.code:
        if dialect is MLC:
            text = f"no cache entry fits {call.get('tags', '')}"
            warning = {"code": _NOTHING_REMOVED, "description": text}
            return {"return": 0, "list": [], "warnings": [warning]}
    elif noun == "collection" and answer.get("list"):
        known = {c.path: c for c in engine.ctx.collections.all()}
        answer["list"] = [_repository(known[row["path"]]) for row in answer["list"]]
    return _as_objects(answer)


def _run_inputs(call: Answer) -> Answer:
    inputs = {k: v for k, v in call.items() if k not in _CALL_KEYS}
    name = call.get("artifact")
    if isinstance(name, str) and name:
        inputs["artifact"] = name
    return inputs


def _of_a_collection(engine: Engine, call: Answer) -> Answer | None:
    """A common action for a noun that no plugin has; None when nothing is known of the noun.

    Collections bring artifacts of nouns of their own, and recipes keep experiments.
    """
    from cmcore import actions, grammar

    noun = call["automation"]
    action = actions.COMMON.get(call["action"])
    if action is None or not noun:
        return None
    ctx = engine.ctx
    defined = ctx.search("automation", noun)
    if noun not in _ALWAYS and not defined and not ctx.search(noun):
        return None
    if call["action"] == "add":
        known = [uid for uid, name in _UIDS.items() if name == noun]
        uid = defined[0].uid if defined else "".join(known)
        call["meta"] = {"automation_uid": uid, **(call.get("meta") or {})}
    request: Request = grammar.from_dict(call).request
    handler: Any = action.handler
    result = handler(ctx, request)
    answer = _as_objects({"return": result.code, **result.data})
    if call["action"] == "remove":
        answer["deleted_list"] = answer.get("list", [])
    return answer


def _collections(engine: Engine, call: Answer, dialect: Dialect) -> Answer:
    """`list` of registered collections; the UID decides in CM, a name that fits in MLCFlow."""
    from cmcore.naming import fits

    alias, _, uid = str(call.get("artifact") or "").partition(",")
    everything = engine.ctx.collections.all()
    found = everything
    if uid and dialect is not MLC:
        found = [c for c in everything if c.uid == uid]
    elif alias:
        found = [c for c in everything if fits(alias, c.name) or c.uid == alias]
    if not found and dialect is MLC:
        return {"return": 1, "error": f"there is no collection '{alias}'"}
    return {"return": 0, "list": [_repository(collection) for collection in found]}


def _repository(collection: Collection) -> Any:
    """A collection as recipe code knows it: `.path` and `.meta`, the content of its meta file."""
    from cm_script.engine import FoundArtifact
    from cm_script.facade.files import load_yaml_and_json

    own = "meta" if collection.form == "mlc" else "cmr"
    meta = load_yaml_and_json(os.path.join(collection.path, own)).get("meta")
    names = {"alias": collection.name, "uid": collection.uid}
    found = {**names, **meta} if isinstance(meta, dict) else names
    return FoundArtifact(collection.path, found, collection.path)


def _recipes(engine: Engine, call: Answer) -> Answer:
    """Recipes by tags, in which variations do not count, and how the tags were understood."""
    from cmcore.naming import split_tags

    kinds: dict[bool, list[str]] = {True: [], False: []}
    for word in split_tags(call.get("tags")):
        kinds[word.startswith(("_", "-_"))].append(word)
    answer = _as_objects(engine.ctx.access({**call, "tags": ",".join(kinds[False])}))
    if not answer["return"]:
        answer["script_tags"] = kinds[False]
        answer["variation_tags"] = [word.replace("_", "", 1) for word in kinds[True]]
        answer["found_scripts"] = bool(answer["list"])
    return answer


def _as_objects(answer: Answer) -> Answer:
    from cm_script.engine import FoundArtifact

    found = answer.get("list")
    if isinstance(found, list):
        answer["list"] = [
            FoundArtifact(row["path"], row.get("meta") or {}, row.get("repo_path", ""))
            if isinstance(row, dict) and "path" in row
            else row
            for row in found
        ]
    return answer
