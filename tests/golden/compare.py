"""Compare our shallow plans with recorded plans of the reference engines, case by case.

A shallow plan is a recipe's own: dependencies are listed, not followed. With dependencies switched
off the reference loses variables that dependencies do not see; the plan does the same here
(`keep_hidden=False`), so that everything else can be compared exactly. Tags are compared as sets,
since the reference adds tags of edits in random order; errors as failed or not failed.
"""

from __future__ import annotations

import json
import lzma
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from cm_script import dialects, resolve
from cm_script.dialects import Dialect
from cmcore import grammar
from cmcore.errors import CmError
from cmcore.types import Artifact, Collection

#: Paths that depend on how the collection was installed where the record was made.
REPOSITORY = re.compile(r"<(REPO|REPOS|CACHE|VENV)>")
#: What an entry says about its tags and conditions shows in the tags and in whether it is there.
ABOUT_TAGS = re.compile(
    r"tags$|(enable|skip)_if_|(skip_)?inherit_variation_|"
    r"update_tags_(from_env(_with_prefix)?|if_env)$"
)


class Difference(NamedTuple):
    """One way in which our plan of a case is not what the reference planned.

    Attributes:
        name: what differs: `deps`, `version`, `env_internal: value`, `reference crashed`, ...
        detail: both sides, for people.
        key: the variable, or the sentence of an error.
        ours, theirs: the two values; sets of tags for `deps`.
    """

    name: str
    detail: str
    key: str = ""
    ours: Any = None
    theirs: Any = None


class Outcome(NamedTuple):
    """What a comparison found; no plan when planning failed here."""

    plan: resolve.Plan | None
    differences: list[Difference]


def read_cases(path: str) -> Iterator[dict[str, Any]]:
    """The cases of a recording, `.jsonl` or `.jsonl.xz`."""
    with open(path, "rb") as handle:
        data = handle.read()
    for line in (lzma.decompress(data) if path.endswith(".xz") else data).splitlines():
        yield json.loads(line)


class Recipes:
    """The recipes of one folder, searched as the index would.

    Attributes:
        all: the recipes, by folder.
        numeric_versions: UID -> keys of `versions` that the meta file gives as numbers.
    """

    def __init__(self, folder: str) -> None:
        self.all: list[Artifact] = []
        self.numeric_versions: dict[str, set[str]] = {}
        place = Collection("recorded", "", folder, folder, "folder", "")
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            found = _read_meta(path)
            if found is None:
                continue
            form, loaded = found
            meta = _as_json(loaded)
            versions = loaded.get("versions")
            if isinstance(versions, dict):
                numbers = {str(key) for key in versions if not isinstance(key, str)}
                self.numeric_versions[str(meta.get("uid", ""))] = numbers
            tags = tuple(str(tag) for tag in meta.get("tags") or [])
            self.all.append(
                Artifact(
                    "script",
                    str(meta.get("alias", "")),
                    str(meta.get("uid", "")),
                    tags,
                    path,
                    form,
                    place,
                    json.dumps(meta),
                )
            )

    def search(self, name: str, tags: str) -> Sequence[Artifact]:
        """Recipes with a name and with tags, without those that begin with a dash."""
        words = [word for word in tags.split(",") if word]
        wanted = {word for word in words if not word.startswith("-")}
        excluded = {word[1:] for word in words if word.startswith("-")}
        return [
            artifact
            for artifact in self.all
            if name in ("", artifact.alias, artifact.uid, artifact.name)
            and wanted.issubset(artifact.tags)
            and excluded.isdisjoint(artifact.tags)
        ]


def _read_meta(path: str) -> tuple[str, dict[str, Any]] | None:
    meta: dict[str, Any] = {}
    form = ""
    for file, its_form in (("_cm.yaml", "cm"), ("_cm.json", "cm"), ("meta.yaml", "mlc")):
        full = os.path.join(path, file)
        if os.path.isfile(full) and form in ("", its_form):
            with open(full, encoding="utf-8-sig") as handle:
                loaded = yaml.load(handle, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            if isinstance(loaded, dict):
                meta.update(loaded)
                form = its_form
    return (form, meta) if form else None


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else value.isoformat()


def plan_of(
    case: Mapping[str, Any], recipes: Recipes, *, keep_hidden: bool = False
) -> resolve.Plan:
    """Our plan of a case; with `keep_hidden`, what a run would show.

    Raises:
        CmError: as `resolve.plan_shallow`.
    """
    flags = dict(grammar.parse(["run", "script", *case["args"]]).request.flags)
    flags.update(tags=case["tags"], quiet=True, fake_run=True, fake_deps=True)
    return resolve.plan_shallow(
        recipes.search, flags, environment=_environment, keep_hidden=keep_hidden
    )


def compare(case: Mapping[str, Any], recipes: Recipes) -> Outcome:
    """Plan one case here and compare; no differences when it agrees."""
    want = case["shallow"]
    error = str(want.get("error"))
    try:
        plan = plan_of(case, recipes)
    except CmError as failure:
        if want["rc"] != 0:
            return Outcome(None, [])
        return Outcome(None, [Difference("fails here, worked there", str(failure), str(failure))])
    if want["rc"] == "exception":
        detail = f"{error} at {want.get('at')}"
        return Outcome(plan, [Difference("reference crashed", detail, error, None, want.get("at"))])
    if want["rc"] != 0:
        return Outcome(plan, [Difference("works here, failed there", error, error)])
    return Outcome(plan, list(_differences(plan, want, dialects.for_form(plan.artifact.form))))


def lists_more(case: Mapping[str, Any], recipes: Recipes) -> bool:
    """Whether a run lists other dependency tags than the reference with switched-off ones."""
    deps = plan_of(case, recipes, keep_hidden=True).deps
    listed = [tag_set(dep.tags) for dep in deps if not dep.skipped]
    return listed != [tag_set(tags) for tags in case["shallow"]["deps"]]


def _environment(inputs: Mapping[str, Any], env: dict[str, Any], dialect: Dialect) -> None:
    from cm_script import flags

    values = dict(inputs)
    host = {key: os.environ[key] for key in dialect.host_env if os.environ.get(key)}
    flags.to_environment(values, flags.read(values, env, dialect), env, dialect, host)
    if dialect.run_dir_key:
        env[dialect.run_dir_key] = "<CWD>"
    if "HOME" in dialect.host_env:
        env["HOME"] = "<HOME>"
    for name, fact in dialect.host_facts:
        env[dialect.key(name)] = {"machine": "x86_64", "platform": "linux"}[fact]


def _differences(
    plan: resolve.Plan, want: Mapping[str, Any], dialect: Dialect
) -> Iterator[Difference]:
    def differ(name: str, ours: object, theirs: object) -> Iterator[Difference]:
        if ours != theirs:
            yield Difference(name, _sides(ours, theirs), "", ours, theirs)

    yield from differ("selected", plan.artifact.name, want["selected"])
    yield from differ(
        "variations",
        sorted(tag_set(",".join(f"_{v}" for v in plan.scope.variations))),
        sorted(tag_set(want["variation_tags"])),
    )
    yield from differ(
        "explicit", sorted(set(plan.scope.explicit_variations)), sorted(set(want["explicit"]))
    )
    deps = [dep for dep in plan.deps if not dep.skipped]
    ours_tags = [tag_set(dep.tags) for dep in deps]
    their_tags = [tag_set(tags) for tags in want["deps"]]
    if ours_tags != their_tags:
        detail = _list_difference(ours_tags, their_tags)
        yield Difference("deps", detail, "", ours_tags, their_tags)
    places = {plan.artifact.path: "<SCRIPT>", os.getcwd(): "<CWD>"}
    if len(deps) == len(want["deps"]):
        for dep, extra in zip(deps, want.get("deps_x") or [{}] * len(deps), strict=True):
            ours = {k: v for k, v in dep.entry.items() if v and not ABOUT_TAGS.match(k)}
            theirs = {k: v for k, v in extra.items() if v}
            if plain(ours, places) != plain(theirs, {}):
                yield Difference("dep entries", _sides(ours, theirs), "", ours, theirs)
    yield from differ("version", plan.version, str(want["version"]))
    yield from differ(
        "new_env_keys",
        sorted(set(plan.scope.new_env_keys)),
        sorted(set(map(str, want["new_env_keys"]))),
    )
    yield from differ("new_state_keys", sorted(plan.new_state), sorted(want["new_state_keys"]))
    for name, env in (("env_internal", plan.scope.env), ("new_env", plan.new_env)):
        yield from _env_differences(name, env, want[name], dialect, places)


def tag_set(tags: str) -> frozenset[str]:
    """Tags of a text, in one spelling of exclusions (`-_x`)."""
    parts = (part.strip() for part in tags.split(","))
    return frozenset("-_" + part[2:] if part.startswith("_-") else part for part in parts if part)


def _list_difference(ours: list[frozenset[str]], theirs: list[frozenset[str]]) -> str:
    lines = [f"  ours   {','.join(sorted(tags))}" for tags in ours if tags not in theirs]
    lines += [f"  theirs {','.join(sorted(tags))}" for tags in theirs if tags not in ours]
    return "\n".join(lines) or "  another order or number of the same dependencies"


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else str(value)


def _env_differences(
    name: str,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    dialect: Dialect,
    places: Mapping[str, str],
) -> Iterator[Difference]:
    ignored = {*dialect.host_env, dialect.run_dir_key} - {"HOME"}
    for key in sorted({*ours, *theirs} - ignored):
        if key.startswith(dialect.key("TMP_")) and key not in ours:
            continue
        mine, other = ours.get(key), theirs.get(key)
        if key not in theirs:
            what, detail = "key only here", f"  {key} = {mine}"
        elif key not in ours:
            what, detail = "key only there", f"  {key} = {other}"
        elif plain(mine, places) != plain(other, {}) and not REPOSITORY.search(str(other)):
            what, detail = "value", f"  {key}\n{_sides(mine, other)}"
        else:
            continue
        yield Difference(f"{name}: {what}", detail, key, mine, other)


def _sides(ours: object, theirs: object) -> str:
    return f"  ours   {ours}\n  theirs {theirs}"


def plain(value: Any, places: Mapping[str, str]) -> str:
    """A value as one text, folders replaced by their role."""
    text = json.dumps(_texts(value), sort_keys=True)
    for path, name in places.items():
        text = text.replace(path, name)
    return text
