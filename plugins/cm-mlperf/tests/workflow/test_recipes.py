"""The recipes as a collection: well made, and never meant when a published recipe asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import pytest
import yaml

RECIPES = Path(str(package_files("cm_mlperf"))) / "recipes"
METAS = {
    path.parent.name: yaml.safe_load(path.read_text()) for path in RECIPES.glob("script/*/_cm.yaml")
}

#: Values of tags that a run fills in; anything may stand there.
_HOLE = "<<<"


def asked(meta: Any) -> Iterator[str]:
    """Every request for another recipe that stands in a meta file, at any depth."""
    if isinstance(meta, dict):
        for key, value in meta.items():
            if str(key).endswith("deps") and isinstance(value, list):
                for dep in value:
                    if isinstance(dep, dict) and dep.get("tags"):
                        tags = dep["tags"]
                        yield ",".join(map(str, tags)) if isinstance(tags, list) else str(tags)
            yield from asked(value)
    elif isinstance(meta, list):
        for value in meta:
            yield from asked(value)


def answers(tags: str) -> list[str]:
    """Our recipes that have all the wanted tags."""
    words = [word.strip() for word in tags.split(",")]
    plain = {w for w in words if w and w[0] not in "_-" and _HOLE not in w}
    if not plain:
        return []
    return [name for name, meta in METAS.items() if plain <= set(meta["tags"])]


def test_the_collection_is_there(place: Any) -> None:
    said = place.cm("find", "script", "cm-plugin-mlperf:*", "--out=json")
    assert {one["alias"] for one in said.json["list"]} == set(METAS)
    assert len({meta["uid"] for meta in METAS.values()}) == len(METAS)
    assert all(name == meta["alias"] for name, meta in METAS.items())


def test_only_the_driver_has_the_published_tags() -> None:
    for name, meta in METAS.items():
        published = {"run-mlperf", "inference"} <= set(meta["tags"])
        assert published == (name == "run-mlperf-inference-cm")


def test_our_own_requests_are_answered_by_one_recipe_each() -> None:
    for name, meta in METAS.items():
        for tags in asked(meta):
            assert len(answers(tags)) == 1, (name, tags)


def test_linting_finds_nothing(place: Any) -> None:
    said = place.cm("lint", "script", str(RECIPES), "--strict")
    assert said.code == 0, said.out + said.err


@pytest.mark.parametrize("corpus", ["cm", "mlc"])
def test_no_published_request_is_answered_by_us(corpus: str) -> None:
    import corpora

    root = corpora.cm_root() if corpus == "cm" else corpora.mlc_root()
    seen = 0
    taken = set()
    for folder, _, names in os.walk(root):
        for name in names:
            if name not in ("_cm.yaml", "_cm.json", "meta.yaml", "meta.json"):
                continue
            meta = yaml.load(Path(folder, name).read_bytes(), yaml.CSafeLoader)
            for tags in asked(meta):
                seen += 1
                taken |= {(tags, ours) for ours in answers(tags)}
    assert seen > 1000
    assert not taken


def test_a_published_driver_beside_ours_is_meant_by_the_common_tags(place: Any) -> None:
    # Its path comes after ours in every order of paths: only `sort` can put it first.
    theirs = place.here / "\U0001f600" / "script" / "theirs"
    theirs.mkdir(parents=True)
    (place.here / "\U0001f600" / "cmr.yaml").write_text("alias: theirs\nuid: 5aaa567890abcdef\n")
    (theirs / "_cm.yaml").write_text(
        "alias: theirs\nuid: 5aaa567890abcd01\nautomation_alias: script\n"
        "automation_uid: 5b4e0237da074764\ntags: [run-mlperf, inference, theirs]\n"
    )
    assert place.cm("add", "collection", str(theirs.parent.parent)).code == 0
    said = place.cm("plan", "script", "run-mlperf inference", "--quiet", "--out=json")
    assert said.json["tree"]["recipe"]["alias"] == "theirs"
    ours = place.cm("plan", "mlperf", "--out=json")
    assert ours.json["tree"]["recipe"]["alias"] == "run-mlperf-inference-cm"
