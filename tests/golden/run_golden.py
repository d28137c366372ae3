"""Compare our shallow plans with recorded plans of the reference engines.

    python run_golden.py RECORDED.jsonl[.xz] RECIPES [--show CLASS] [--only TEXT] [--limit N]

RECORDED holds one case a line: a recipe, a request and what the reference engine answered with
hooks and dependencies switched off. RECIPES is the folder with the recipe folders. Printed are the
number of cases per class of difference and, with --show, each case of a class. The exit code is 0
when every case agrees or differs for a reason that `explained.json` gives.

With dependencies switched off the reference loses variables that dependencies do not see; the
plan does the same here (`keep_hidden=False`), so that everything else can be compared exactly.
"""

from __future__ import annotations

import argparse
import collections
import fnmatch
import json
import lzma
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from cm_script import dialects, resolve
from cm_script.dialects import Dialect
from cmcore import grammar
from cmcore.errors import CmError
from cmcore.types import Artifact, Collection

#: Differences that are right for users: patterns of case and class, and the reason.
EXPLAINED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "explained.json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recorded")
    parser.add_argument("recipes")
    parser.add_argument("--show", default="", help="print the cases of this class")
    parser.add_argument("--only", default="", help="cases whose id holds this text")
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    with open(EXPLAINED, encoding="utf-8") as handle:
        explained = json.load(handle)
    recipes = Recipes(options.recipes)
    classes: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    shown = total = agree = 0
    for case in read_cases(options.recorded):
        if options.only not in case["id"]:
            continue
        total += 1
        differences = compare(case, recipes)
        open_classes = set()
        for name, detail in differences:
            why = _reason(explained, case["id"], name, detail)
            if why:
                reasons[why] += 1
                continue
            open_classes.add(name)
            if options.show and options.show in name and shown < options.limit:
                shown += 1
                print(f"--- {case['id']} [{name}]\n{detail}")
        classes.update(open_classes)
        agree += not differences
    for name, count in classes.most_common():
        print(f"{count:7} cases differ: {name}")
    for why, count in reasons.most_common():
        print(f"{count:7} differences explained: {why}")
    print(f"{agree:7} of {total} cases agree in full")
    return int(bool(classes))


def _reason(explained: Sequence[Mapping[str, str]], case: str, name: str, detail: str) -> str:
    for entry in explained:
        if (
            fnmatch.fnmatchcase(case, entry["case"])
            and fnmatch.fnmatchcase(name, entry["class"])
            and fnmatch.fnmatchcase(detail, entry.get("detail", "*"))
        ):
            return entry["why"]
    return ""


def read_cases(path: str) -> Iterator[dict[str, Any]]:
    with open(path, "rb") as handle:
        data = handle.read()
    for line in (lzma.decompress(data) if path.endswith(".xz") else data).splitlines():
        yield json.loads(line)


class Recipes:
    """The recipes of one folder, searched as the index would."""

    def __init__(self, folder: str) -> None:
        self.all: list[Artifact] = []
        form = "cm" if os.path.exists(os.path.join(folder, "..", "cmr.yaml")) else "mlc"
        place = Collection("recorded", "", folder, folder, "folder", form)
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            found = _read_meta(path)
            if found is None:
                continue
            form, meta = found
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
                loaded = yaml.load(handle, yaml.CSafeLoader)
            if isinstance(loaded, dict):
                meta.update(_as_json(loaded))
                form = its_form
    return (form, meta) if form else None


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else value.isoformat()


def compare(case: Mapping[str, Any], recipes: Recipes) -> list[tuple[str, str]]:
    """Differences of one case as (class, detail); none when it agrees."""
    want = case["shallow"]
    flags = dict(grammar.parse(["run", "script", *case["args"]]).request.flags)
    flags.update(tags=case["tags"], quiet=True, fake_run=True, fake_deps=True)
    try:
        plan = resolve.plan_shallow(
            recipes.search, flags, environment=_environment, keep_hidden=False
        )
    except CmError as error:
        if want["rc"] == 0:
            return [("fails here, worked there", str(error))]
        return []
    if want["rc"] == "exception":
        return [("reference crashed", str(want.get("error")))]
    if want["rc"] != 0:
        return [("works here, failed there", str(want.get("error")))]
    return list(_differences(plan, want, dialects.for_form(plan.artifact.form)))


def _environment(inputs: Mapping[str, Any], env: dict[str, Any], dialect: Dialect) -> None:
    from cm_script import flags

    values = dict(inputs)
    flags.to_environment(values, flags.read(values, env, dialect), env, dialect)
    if dialect.run_dir_key:
        env[dialect.run_dir_key] = "<CWD>"
    for name, fact in dialect.host_facts:
        env[dialect.key(name)] = {"machine": "x86_64", "platform": "linux"}[fact]


def _differences(
    plan: resolve.Plan, want: Mapping[str, Any], dialect: Dialect
) -> Iterator[tuple[str, str]]:
    def differ(name: str, ours: object, theirs: object) -> Iterator[tuple[str, str]]:
        if ours != theirs:
            yield name, f"  ours   {ours}\n  theirs {theirs}"

    yield from differ("selected", plan.artifact.name, want["selected"])
    yield from differ(
        "variations",
        _tag_set(",".join(f"_{v}" for v in plan.scope.variations)),
        _tag_set(want["variation_tags"]),
    )
    yield from differ("explicit", set(plan.scope.explicit_variations), set(want["explicit"]))
    deps = [dep for dep in plan.deps if not dep.skipped]
    ours_tags = [_tag_set(dep.tags) for dep in deps]
    their_tags = [_tag_set(tags) for tags in want["deps"]]
    if ours_tags != their_tags:
        yield "deps", _list_difference(ours_tags, their_tags)
    if len(deps) == len(want["deps"]):
        for dep, extra in zip(deps, want.get("deps_x", []), strict=False):
            yield from differ("dep entries", _extras(dep.entry, extra), _texts(extra))
    yield from differ("version", plan.version, str(want["version"]))
    yield from differ(
        "new_env_keys", set(plan.scope.new_env_keys), set(map(str, want["new_env_keys"]))
    )
    yield from differ("new_state_keys", set(plan.new_state), set(want["new_state_keys"]))
    places = {plan.artifact.path: "<SCRIPT>", os.getcwd(): "<CWD>"}
    for name, ours in (("env_internal", plan.scope.env), ("new_env", plan.new_env)):
        yield from _env_differences(name, ours, want[name], plan, dialect, places)


def _tag_set(tags: str) -> frozenset[str]:
    parts = (part.strip() for part in tags.split(","))
    return frozenset("-_" + part[2:] if part.startswith("_-") else part for part in parts if part)


def _list_difference(ours: list[frozenset[str]], theirs: list[frozenset[str]]) -> str:
    lines = [f"  ours   {','.join(sorted(tags))}" for tags in ours if tags not in theirs]
    lines += [f"  theirs {','.join(sorted(tags))}" for tags in theirs if tags not in ours]
    return "\n".join(lines) or "  another order or number of the same dependencies"


def _extras(entry: Mapping[str, Any], like: Mapping[str, Any]) -> Any:
    return _texts({key: entry[key] for key in like if key in entry})


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else str(value)


def _env_differences(
    name: str,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    plan: resolve.Plan,
    dialect: Dialect,
    places: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    ignored = {*dialect.host_env, dialect.run_dir_key}
    for key in sorted({*ours, *theirs} - ignored):
        if key.startswith(dialect.key("TMP_")) and key not in ours:
            continue
        if key not in theirs:
            yield f"{name}: key only here", f"  {key} = {ours[key]}"
        elif key not in ours:
            yield f"{name}: key only there", f"  {key} = {theirs[key]}"
        elif _plain(ours[key], places) != _plain(theirs[key], {}):
            if "<" in str(theirs[key]) and "<<<" not in str(theirs[key]):
                continue  # a path of the machine that made the record
            yield f"{name}: value", f"  {key}\n  ours   {ours[key]}\n  theirs {theirs[key]}"


def _plain(value: Any, places: Mapping[str, str]) -> str:
    text = json.dumps(_texts(value), sort_keys=True)
    for path, name in places.items():
        text = text.replace(path, name)
    return text


if __name__ == "__main__":
    sys.exit(main())
