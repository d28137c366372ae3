"""Requests to plan, made from the recipes of one collection: what a recording asks.

Deterministic: the same recipes give the same requests, whatever the order they are read in. Kinds:
`default`; `variation`, each one; `version`, each key of `versions`; `limits` on the default
version; `inputs`, every mapped flag; `combo`, picks from several groups; `conflict`, two of one
group; `exclude`, a group's default ruled out; `bad`, a variation that is not there; `adr` and `ad`,
edits of a dependency by name; `env` and constants; `mixed`, several of these at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

COMBINATIONS = 3
#: One recipe in so many is also asked for a variation that it does not have.
BAD_EACH = 12


class Recipe(NamedTuple):
    """A recipe folder and its meta."""

    path: str
    meta: Mapping[str, Any]


def questions(recipes: Sequence[Recipe], command: str = "cm") -> Iterator[dict[str, Any]]:
    """All requests, in the order of the recipes' folders.

    Yields:
        `id` (`alias#what`), `kind`, `script`, `uid`, `tags`, `args`, `cmd`, `path`.
    """
    for number, recipe in enumerate(sorted(recipes, key=lambda recipe: recipe.path)):
        meta = recipe.meta
        alias, tags = str(meta.get("alias", "")), meta.get("tags")
        if not alias or not isinstance(tags, list) or not tags:
            continue
        for what, kind, variations, args in _of_recipe(meta, alias, number):
            asked = ",".join([*map(str, tags), *variations])
            words = [command, "run", "script", f"--tags={asked}", *args]
            yield {
                "id": f"{alias}#{what}",
                "kind": kind,
                "script": alias,
                "uid": str(meta.get("uid", "")),
                "tags": asked,
                "args": args,
                "cmd": " ".join([*words, "--quiet", "--fake_run", "--fake_deps", "--print_deps"]),
                "path": recipe.path,
            }


def sample(cases: Sequence[dict[str, Any]], number: int, seed: int = 1) -> Sequence[dict[str, Any]]:
    """`number` cases, of every kind as many as its share and at least a few, in their order."""
    if number <= 0 or number >= len(cases):
        return cases
    chance = random.Random(seed)
    kinds: dict[str, list[int]] = {}
    for at, case in enumerate(cases):
        kinds.setdefault(case["kind"], []).append(at)
    chosen: set[int] = set()
    for positions in kinds.values():
        share = max(min(len(positions), 12), number * len(positions) // len(cases))
        chosen.update(chance.sample(positions, share))
    return [case for at, case in enumerate(cases) if at in chosen]


Question = tuple[str, str, list[str], list[str]]


def _of_recipe(meta: Mapping[str, Any], alias: str, number: int) -> Iterator[Question]:
    chance = random.Random(alias)
    variations = [key for key in _mapping(meta, "variations") if isinstance(key, str)]
    flags = [str(flag) for flag in _mapping(meta, "input_mapping")]
    names = sorted({name for dep in _deps(meta) for name in _names(dep)})
    yield "default", "default", [], []
    for key in sorted(variations):
        yield f"_{key}", "variation", [f"_{filled(part)}" for part in key.split(",")], []
    for version in _mapping(meta, "versions"):
        yield f"version={version}", "version", [], [f"--version={version}"]
    if meta.get("default_version"):
        yield "limits:max", "limits", [], ["--version_max=0.0.1"]
        usable = ["--version_max=0.0.1", "--version_max_usable=0.0.0"]
        yield "limits:usable", "limits", [], usable
        yield "limits:min", "limits", [], ["--version_min=99.9"]
    if flags:
        yield "inputs", "inputs", [], [f"--{flag}=golden_{flag}" for flag in flags]
    groups = _groups(meta)
    combos = list(_combinations(groups, variations, chance))
    for combo in combos:
        yield "combo:" + ",".join(combo), "combo", combo, []
    yield from _group_questions(meta, groups, chance)
    if number % BAD_EACH == 0:
        yield "bad", "bad", ["_golden-no-such-variation"], []
    if names:
        adr, ad = chance.choice(names), chance.choice(names)
        changes = [f"--adr.{adr}.tags=_golden-adr", f"--adr.{adr}.version_min=1.2.3"]
        yield "adr", "adr", [], changes
        yield "ad", "ad", [], [f"--ad.{ad}.tags=_golden-ad", f"--ad.{ad}.version=9.9"]
    settable = [*_mapping(meta, "default_env"), *_mapping(meta, "env")]
    if settable:
        key = chance.choice(sorted(map(str, settable)))
        extra = ["--env.GOLDEN_EXTRA=1", "--const.GOLDEN_CONST=c", f"--env.{key}=golden"]
        yield "env", "env", [], extra
    yield from _mixed(meta, combos, flags, names, settable, chance)


def _mixed(
    meta: Mapping[str, Any],
    combos: list[list[str]],
    flags: list[str],
    names: list[str],
    settable: list[str],
    chance: random.Random,
) -> Iterator[Question]:
    args = []
    versions = [str(version) for version in _mapping(meta, "versions")]
    if versions:
        args.append(f"--version={chance.choice(versions)}")
    if flags:
        args.append(f"--{chance.choice(flags)}=golden_mixed")
    if names:
        args.append(f"--adr.{chance.choice(names)}.tags=_golden-<<<GOLDEN_TAG>>>,golden-tag")
        args.append("--env.GOLDEN_TAG=t")
    if settable:
        args.append(f"--const.{chance.choice(sorted(map(str, settable)))}=<<<GOLDEN_TAG>>>")
    if len(args) > 1 and combos:
        yield "mixed:" + ",".join(combos[0]), "mixed", combos[0], args


def filled(key: str) -> str:
    """A variation as it is asked for: a dynamic one needs a value."""
    return key[:-1] + ("numpy" if key == "package.#" else "8") if key.endswith(".#") else key


def _group_questions(
    meta: Mapping[str, Any], groups: Mapping[str, list[str]], chance: random.Random
) -> Iterator[Question]:
    crowded = sorted(group for group, members in groups.items() if len(members) > 1)
    if crowded:
        pair = chance.sample(groups[chance.choice(crowded)], 2)
        asked = [f"_{filled(key)}" for key in pair]
        yield "conflict:" + ",".join(asked), "conflict", asked, []
    table = _mapping(meta, "variations")
    defaults = [
        key
        for members in groups.values()
        for key in members
        if isinstance(table[key], dict) and "default" in table[key]
    ]
    if defaults:
        key = chance.choice(sorted(defaults))
        yield f"exclude:-_{key}", "exclude", [f"-_{key}"], []


def _combinations(
    groups: Mapping[str, list[str]], variations: list[str], chance: random.Random
) -> Iterator[list[str]]:
    single = sorted(key for key in variations if "," not in key)
    seen = set()
    for round_ in range(COMBINATIONS):
        if len(groups) > 1:
            picked = chance.sample(sorted(groups), min(len(groups), 2 + round_ % 2))
            combo = [chance.choice(groups[group]) for group in picked]
        elif len(single) > 1:
            combo = chance.sample(single, 2)
        else:
            return
        free = [key for key in single if not any(key in members for members in groups.values())]
        if round_ == COMBINATIONS - 1 and free:
            combo.append(chance.choice(free))
        asked = list(dict.fromkeys(f"_{filled(key)}" for key in combo))
        if tuple(asked) not in seen:
            seen.add(tuple(asked))
            yield asked


def _groups(meta: Mapping[str, Any]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, block in _mapping(meta, "variations").items():
        if isinstance(block, dict) and block.get("group") and isinstance(key, str):
            groups.setdefault(str(block["group"]), []).append(key)
    return groups


def _deps(meta: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for kind in ("deps", "prehook_deps", "posthook_deps", "post_deps"):
        entries = meta.get(kind)
        for dep in entries if isinstance(entries, list) else ():
            if isinstance(dep, dict):
                yield dep


def _names(dep: Mapping[str, Any]) -> list[str]:
    names = dep.get("names")
    return [str(name) for name in names] if isinstance(names, list) else []


def _mapping(meta: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = meta.get(key)
    return value if isinstance(value, dict) else {}
