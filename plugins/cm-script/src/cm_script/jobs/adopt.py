"""Whether what was built ahead is what a run in its turn would have built.

It is, when everything that the process looked at is still as it was: variables and keys of the
state (`reads`, of each recipe that really ran there), answers of the cache, choices made before,
edits of dependencies, the process's own environment, and files below the paths it knew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from cm_script.jobs import effects
from cm_script.reads import Reads
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheRequest

if TYPE_CHECKING:
    from cm_script.engine import Engine
    from cm_script.jobs.pool import Job

#: Inputs that are compared part by part rather than as a whole.
_IN_PARTS = ("env", "state", "add_deps_recursive", "run_state")
_REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)|<<<(.*?)>>>")


def setting(engine: Engine) -> dict[str, Any]:
    """What a recipe's run starts from, beside its inputs; as JSON."""
    from cm_script.facade.session import session_of

    session = session_of(engine)
    return {
        "folder": os.getcwd(),
        "process": dict(os.environ),
        "path": [list(session._front), list(session._back)],
        "imported": dict(engine.imported),
        "literal": sorted(engine.literal),
        "remembered": [plain(choice) for choice in engine.remembered],
    }


def plain(choice: Mapping[str, Any]) -> dict[str, Any]:
    """A remembered choice as JSON."""
    known = dict(choice)
    if "cached_script" in known:
        known["cached_script"] = getattr(known["cached_script"], "path", known["cached_script"])
    if not isinstance(known.get("tags"), str):
        known["tags"] = sorted(known.get("tags") or ())
    return known


def request_as_list(request: CacheRequest) -> list[Any]:
    """A cache request as JSON."""
    return [*map(_listed, request)]


def request_of(fields: list[Any]) -> CacheRequest:
    """A cache request from JSON."""
    return CacheRequest._make(tuple(one) if isinstance(one, list) else one for one in fields)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def reads_of(fields: Mapping[str, Any]) -> Reads:
    """`Reads` from JSON."""
    return Reads(
        frozenset(fields["names"]),
        tuple(fields["patterns"]),
        fields["everything"],
        fields["foreign"],
    )


def reads_as_dict(found: Reads) -> dict[str, Any]:
    """`Reads` as JSON."""
    return {
        "names": sorted(found.names),
        "patterns": list(found.patterns),
        "everything": found.everything,
        "foreign": found.foreign,
    }


def changed_meanwhile(job: Job, inputs: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Variables that are not what they were when a job was started, in any way that counts.

    A variable whose text refers to a changed one is changed, too; so is one whose text has become
    a recipe's words or a person's.
    """
    before, after = job.inputs["env"], inputs["env"]
    changed = {key for key in {**before, **after} if not same(before, after, key)}
    for key in after:
        if _literal(job.setting, key, before) != _literal(now, key, after):
            changed.add(key)
    while True:
        more = {
            key
            for key, value in before.items()
            if key not in changed and not changed.isdisjoint(_referred(value))
        }
        if not more:
            return sorted(changed)
        changed |= more


def same(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    """Whether both have the same value, of the same type, or none."""
    if key not in one or key not in other:
        return key not in one and key not in other
    return type(one[key]) is type(other[key]) and bool(one[key] == other[key])


def _referred(value: object) -> set[str]:
    return {name for found in _REFERENCE.findall(str(value)) for name in found if name}


def _literal(known: Mapping[str, Any], key: str, env: Mapping[str, Any]) -> bool:
    imported = known["imported"]
    return key in known["literal"] or (key in imported and imported[key] == env.get(key))


def flaw(
    job: Job, inputs: Mapping[str, Any], engine: Engine, touched: Iterable[str], shared: str
) -> str:
    """Why the result of a job cannot be used, or "".

    Args:
        job: its answer is `done`.
        inputs: what the dependency is asked for in its turn.
        engine: the run.
        touched: paths outside their own folders that steps have written to since it was started.
        shared: what a step has changed for everybody since then, or "".
    """
    done = (job.answer or {})["done"]
    now = setting(engine)
    for key in ("folder", "process", "path"):
        if job.setting[key] != now[key]:
            return f"the {'current folder' if key == 'folder' else key + ' environment'} changed"
    if shared:
        return f"a recipe before it may have changed {shared}"
    for key in {**job.inputs, **inputs}:
        if key not in _IN_PARTS and not same(job.inputs, inputs, key):
            return f"it is asked for something else ({key})"
    env, state = reads_of(done["reads"]), reads_of(done["reads_state"])
    for key in changed_meanwhile(job, inputs, now):
        if env.looks_at(key):
            return f"{key} has changed, which it may look at"
    before, after = job.inputs["state"], inputs["state"]
    for key in {**before, **after}:
        if not same(before, after, key) and state.looks_at(key):
            return f"{key} in the state has changed, which it may look at"
    before, after = job.inputs["add_deps_recursive"], inputs["add_deps_recursive"]
    for name in {**before, **after}:
        if not same(before, after, name) and name in done["names"]:
            return f"edits of dependency {name} have changed"
    asked = {*done["queries"], *(",".join(sorted(found[0][3])) for found in done["lookups"])}
    for choice in now["remembered"][len(job.setting["remembered"]) :]:
        tags = choice["tags"]
        if (tags if isinstance(tags, str) else ",".join(tags)) in asked:
            return "a choice was made that it would have followed"
    path = effects.meet(set(touched), effects.named(done["paths"]))
    if path:
        return f"a recipe before it may have changed {path}"
    return _news(engine, done["lookups"])


def _news(engine: Engine, lookups: list[list[Any]]) -> str:
    """Whether the cache would answer differently now."""
    for fields, uids in lookups:
        found = [entry.uid for entry in engine.executor.entries(request_of(fields))]
        if found != uids:
            return f"the cache has another answer now for {','.join(fields[3])}"
    return ""


def take_over(engine: Engine, done: Mapping[str, Any]) -> None:
    """What a run leaves in the request beside its result, from the process that made it."""
    engine.records += done["records"]
    engine.imported.update(done["imported"])
    engine.dependency_names.update(done["names"])
    known = [plain(choice) for choice in engine.remembered]
    for choice in done["remembered"]:
        if choice not in known:
            if choice["type"] == "cache":
                choice = {**choice, "tags": frozenset(choice["tags"])}
            engine.remembered.append(choice)
