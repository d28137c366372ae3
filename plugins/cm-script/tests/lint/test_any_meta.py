"""Whatever a meta holds, linting it ends with findings, not with an exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recipe_world import World

from cm_script.lint import shape
from cm_script.lint.check import check
from cm_script.lint.document import Document
from cm_script.lint.rules import RULES
from cm_script.lint.universe import Universe

_keys = sorted(
    {
        key
        for part in (shape.schema(), *shape.schema()["$defs"].values())
        for key in part.get("properties", ())
    }
)
#: Keys that other checks than the schema's look into.
_WORDS = """
    tags uid alias deps post_deps docker build_deps names adr ad variations versions base group
    default default_variations default_variation valid_variation_combinations update_meta_if_env
    enable_if_env skip_if_env skip_if_any_env input_mapping script_name tests run_inputs
    variations_list input_description
"""
_read = _WORDS.split()
_leaves = (
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "a,_b", "-a", "x.#"])
)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*_read, "a", "a,b", "x.#", ""]), inner, max_size=4)
    ),
    max_leaves=25,
)


@pytest.fixture(scope="module")
def universe(tmp_path_factory: pytest.TempPathFactory) -> Universe:
    world = World(tmp_path_factory.mktemp("world"))
    world.recipe("a", variations={"b": {}, "x.#": {}})
    return Universe(world.context())


@settings(max_examples=300, deadline=None)
@given(meta=st.dictionaries(st.sampled_from(_keys) | st.sampled_from(_read), _values, max_size=6))
def test_any_meta(universe: Universe, meta: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "_cm.json").write_text(json.dumps(meta))
        for finding in check(Document(folder), universe):
            assert finding.message
            assert finding.fix
            assert finding.rule in RULES


def test_strange_files(tmp_path: Path, universe: Universe) -> None:
    for text in ("", "[]", "text", "a: !!python/object:x {}", "\x00", "? [a]\n: b", "a: *b"):
        (tmp_path / "meta.yaml").write_text(text)
        found = check(Document(str(tmp_path)), universe)
        assert [f for f in found if f.level == "error"]
    (tmp_path / "meta.yaml").write_bytes(b"a: \xff")
    assert [f.rule for f in check(Document(str(tmp_path)), universe)] == ["syntax"]
