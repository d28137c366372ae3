"""What an error message offers instead of what it could not find."""

from __future__ import annotations

from cm_script.hints import nearest


def test_a_near_name_is_offered_and_few_names_are_listed() -> None:
    assert nearest("pyton", ["python", "gcc"], "tags") == "did you mean 'python'?"
    assert nearest("zzz", ["b", "", "a"], "tags") == "the tags are a, b"
    assert nearest("zzz", [], "tags") == "there are no tags"


def test_the_beginning_of_an_endless_list_is_not_offered() -> None:
    told = nearest("zzz", map(str, range(1500)), "recipes")
    assert told == "none of the 1500 recipes is spelt like that"
