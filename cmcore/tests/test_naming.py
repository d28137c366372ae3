import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmcore.errors import UsageError
from cmcore.naming import (
    Name,
    check_alias,
    did_you_mean,
    fits,
    is_uid,
    matches,
    new_uid,
    parse_name,
    parse_tags,
    split,
    suggestion,
)

UID = "0123456789abcdef"
uids = st.text("0123456789abcdef.", min_size=16, max_size=16)
aliases = st.text("abcXYZ0-_@.*?", min_size=1, max_size=15)


@given(aliases, uids)
def test_a_name_survives_being_written(alias, uid):
    for name in (Name(alias, ""), Name("", uid), Name(alias, uid)):
        assert parse_name(name.text) == name
        assert split(name.text) == (None, name)
    assert parse_name(f"{uid},{alias}") == Name(alias, uid)


@given(aliases, uids, aliases, uids)
def test_collection_and_artifact_survive_being_written(place, place_uid, alias, uid):
    first, second = Name(place, place_uid), Name(alias, uid)
    assert split(f"{first.text}:{second.text}") == (first, second)


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_wildcards_mean_what_they_mean_in_a_shell(pattern, text):
    if pattern:
        assert fits(pattern, text) == fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("text", "place", "name"),
    [
        ("local:", Name("local"), Name()),
        (":x", Name(), Name("x")),
        (".:x", Name("."), Name("x")),
        ("", None, Name()),
        (f" a , {UID.upper()} ", None, Name("a", UID)),
        (f"{UID},{UID[::-1]}", None, Name(UID, UID[::-1])),
        ("a,", None, Name("a")),
    ],
)
def test_forms_of_names(text, place, name):
    assert split(text) == (place, name)


def test_what_is_no_name_says_so():
    with pytest.raises(UsageError, match="more than one ':'"):
        split("a:b:c")
    with pytest.raises(UsageError, match="must be a UID") as caught:
        parse_name("get,python3")
    assert "--tags=get,python3" in caught.value.hint
    with pytest.raises(UsageError):
        parse_name(f"a,b,{UID}")


@pytest.mark.parametrize(
    ("pattern", "alias", "uid", "fit"),
    [
        (Name("other", UID), "os", UID, True),  # UIDs decide
        (Name("os", UID), "os", UID[::-1], False),
        (Name("OS"), "os", UID, True),
        (Name("os", UID), "os", "", True),
        (Name("", UID), "os", "", False),
        (Name(), "anything", "", True),
        (Name("o*"), "os", UID, True),
        (Name("o?x"), "os", UID, False),
        (Name("o[s]"), "os", "", False),  # no classes, unlike in a shell
    ],
)
def test_matching(pattern, alias, uid, fit):
    assert matches(pattern, alias, uid) is fit


def test_uids():
    assert is_uid(UID)
    assert is_uid("paper.0123456789".replace("p", "a").replace("r", "b"))
    assert not is_uid(UID[:-1])
    assert not is_uid("x" * 16)
    assert is_uid(new_uid())
    assert new_uid() != new_uid()


@given(st.lists(st.text("abc_-", min_size=1, max_size=4)))
def test_tags_from_text_and_list_are_the_same(tags):
    assert parse_tags(", ".join(tags)) == parse_tags(tags)


def test_tags():
    assert parse_tags("a, b,-c,,a,-") == (("a", "b"), ("c",))
    assert parse_tags([2024, True, None, "x,y"]) == (("2024", "true", "x", "y"), ())
    assert parse_tags(None) == ((), ())


@pytest.mark.parametrize(
    "alias", ["", ".hidden", "-x", UID, "a/b", "a:b", "a,b", "a*", "a\nb", " a", "x" * 300]
)
def test_aliases_that_could_not_be_found_again(alias):
    with pytest.raises(UsageError):
        check_alias(alias)


def test_usual_aliases_are_fine():
    for alias in ("get-python3", "mlcommons@cm4mlops", "v3.1_x", "prüfung"):
        check_alias(alias)


def test_suggestions():
    assert did_you_mean("pyton3", ["Python3", "gcc", "python"])[0] == "Python3"
    assert suggestion([]) == ""
    assert suggestion(["a", "b"]) == "did you mean 'a' or 'b'?"
