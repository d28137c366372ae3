"""What a plan knows about variables."""

from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from cm_script.planning.certainty import Knowledge, fits

texts = st.text(alphabet="AB_*?[]!", max_size=6)


@given(texts, texts)
def test_fits_is_fnmatch(name: str, pattern: str) -> None:
    assert fits(name, pattern) == (name == pattern or fnmatchcase(name, pattern))


def test_what_is_forgotten_is_open_until_it_is_learned() -> None:
    knowledge = Knowledge(known=["CM_A", "CM_B", "CM_C1"])
    knowledge.forget(["CM_C*", "CM_A"], "get-c")
    assert [knowledge.who_sets(key) for key in ("CM_A", "CM_B", "CM_C1")] == ["get-c", "", "get-c"]
    knowledge.learn(["CM_C1"])
    assert knowledge.who_sets("CM_C1") == ""
    assert knowledge.who_sets("CM_C2") == "get-c"
