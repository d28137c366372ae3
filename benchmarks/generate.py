"""Recipes and cache entries made for measuring, in both dialects."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

OWNER = "automation_alias: script\nautomation_uid: 5b4e0237da074764\n"
FEW, FAN, MANY = 10, 50, 60
CHAIN = 50


class Dialect(NamedTuple):
    """What the two dialects name differently."""

    name: str
    repo: str
    meta: str
    prefix: str


CM = Dialect("cm", "cmr.yaml", "_cm.yaml", "CM")
MLC = Dialect("mlc", "meta.yaml", "meta.yaml", "MLC")

# One line of a log says that the step really ran; the other is what the engine reads back.
STEP = """#!/bin/bash
echo ran >> "$BENCH_LOG"
echo "{key}=made" > tmp-run-env.out
"""

# About as long as the median published recipe.
BULK = """input_mapping:
  path: {prefix}_TMP_PATH
  input: {prefix}_INPUT
new_env_keys:
- {prefix}_ITEM_*
- +PATH
deps:
- tags: detect,os
- names:
  - python
  - python3
  tags: get,python3
  skip_if_env:
    {prefix}_ITEM_WITHOUT_PYTHON:
    - 'yes'
default_env:
  {prefix}_ITEM_MODE: fast
  {prefix}_ITEM_THREADS: '4'
variations:
  fast:
    default: true
    group: mode
    env:
      {prefix}_ITEM_MODE: fast
  careful:
    group: mode
    env:
      {prefix}_ITEM_MODE: careful
    deps:
    - tags: get,checker
      version_min: '1.2'
  threads.#:
    env:
      {prefix}_ITEM_THREADS: '#'
versions:
  '1.0':
    env:
      {prefix}_ITEM_URL: https://example.com/item-1.0.tar.gz
  '2.0':
    env:
      {prefix}_ITEM_URL: https://example.com/item-2.0.tar.gz
"""


def uid(text: str) -> str:
    """A UID that is the same each time."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def small(folder: Path, dialect: Dialect) -> Path:
    """The collection of recipes that are run: trivial ones, fan-outs and a chain."""
    if folder.is_dir():
        return folder
    _collection(folder, dialect, "bench-small")
    _recipe(folder, dialect, "hello", cached=False)
    _recipe(folder, dialect, "kept", cached=True)
    for number in range(MANY):
        _recipe(folder, dialect, f"leaf-{number}", cached=True)
        _recipe(folder, dialect, f"step-{number}", cached=False)
    for count in (FEW, FAN, MANY):
        _recipe(folder, dialect, f"fan-{count}", cached=False, deps=_names("leaf", count))
        _recipe(folder, dialect, f"plain-{count}", cached=False, deps=_names("step", count))
    for number in range(CHAIN):
        below = [f"link-{number + 1}"] if number + 1 < CHAIN else []
        _recipe(folder, dialect, f"link-{number}", cached=True, deps=below)
    return folder


def bulk(folder: Path, dialect: Dialect, count: int) -> Path:
    """A collection of `count` recipes that are only looked for; made once."""
    if folder.is_dir():
        return folder
    rest = OWNER + BULK.replace("{prefix}", dialect.prefix)
    # Built beside: a generation that was cut off is never taken for a whole one.
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _collection(partial, dialect, f"bench-{count}")
    for number in range(count):
        path = partial / "script" / f"bulk-{number}"
        path.mkdir(parents=True)
        (path / dialect.meta).write_text(bulk_meta(number) + rest)
    partial.rename(folder)
    return folder


def bulk_meta(number: int, more: str = "") -> str:
    """First lines of one recipe of `bulk`; `more` is one more tag."""
    tags = ["bulk", f"item-{number}", f"family-{number % 97}", "made"] + ([more] if more else [])
    name = f"bulk-{number}"
    # Quoted: digits alone would be a number, at which the reference engines stop.
    return f"alias: {name}\nuid: '{uid(name)}'\ntags: [{', '.join(tags)}]\n"


def edit(path: Path, number: int) -> None:
    """Change one recipe of `bulk`, each time to something else."""
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(bulk_meta(number, f"edited-{os.urandom(4).hex()}") + "".join(lines[3:]))


def multiply(entry: Path, count: int, recipe: str) -> None:
    """Clone one cache entry until there are `count`, each as if of another recipe.

    Only the files that say what an entry is are written: the rest of its folder is payload.

    Args:
        entry: folder of an entry that an engine has made.
        recipe: alias of its recipe, and the tag that names it.
    """
    metas = {
        path.name: path.read_text("utf-8")
        for path in entry.iterdir()
        if path.name in ("_cm.json", "meta.json") or path.name.endswith("cached-state.json")
    }
    (name,) = (name for name in metas if name in ("_cm.json", "meta.json"))
    own = json.loads(metas[name])["uid"]
    digests = [json.loads(metas[name]).get(key, "") for key in ("slot", "key_digest")]
    for number in range(1, count):
        # Some engines name the folder by the UID's first half.
        made = uid(f"entry-{number}")
        folder = entry.with_name(
            entry.name.replace(own, made).replace(own[:8], made[:8]).replace(recipe, f"o-{number}")
        )
        folder.mkdir()
        changes = [(own, made), (uid(recipe), uid(f"o-{number}")), (f'"{recipe}"', f'"o-{number}"')]
        changes += [(d, hashlib.sha256(f"{d}{number}".encode()).hexdigest()[: len(d)])
                    for d in digests if d]  # fmt: skip
        for file, text in metas.items():
            for old, new in changes:
                text = text.replace(old, new)
            (folder / file).write_text(text, encoding="utf-8")


def _collection(folder: Path, dialect: Dialect, alias: str) -> None:
    folder.mkdir(parents=True)
    (folder / dialect.repo).write_text(f"alias: {alias}\nuid: '{uid(alias)}'\n")


def _names(kind: str, count: int) -> list[str]:
    return [f"{kind}-{number}" for number in range(count)]


def _recipe(
    folder: Path, dialect: Dialect, name: str, *, cached: bool, deps: list[str] | None = None
) -> None:
    path = folder / "script" / name
    path.mkdir(parents=True)
    key = f"{dialect.prefix}_{name.upper().replace('-', '_')}"
    lines = [f"alias: {name}", f"uid: '{uid(name)}'", f"tags: [bench, {name}]"]
    lines += [f"new_env_keys: [{key}]", f"cache: {'true' if cached else 'false'}"]
    lines += ["deps:", *(f"- tags: bench,{dep}" for dep in deps)] if deps else []
    (path / dialect.meta).write_text("\n".join(lines) + "\n" + OWNER)
    (path / "run.sh").write_text(STEP.replace("{key}", key))
    (path / "run.sh").chmod(0o755)
