"""The query grammar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_script.query import Query, as_tags, from_words, parse_query
from cmcore.errors import UsageError

_WORD = st.text("abcxyz019.-", min_size=1, max_size=6).filter(lambda w: w[0] not in "-_.")


def test_tags_variations_and_exclusions_are_told_apart():
    query = parse_query(" get , python3,-old,-_b,_a,_-c,_a ")
    assert query.tags == ("get", "python3")
    assert query.excluded == ("old",)
    assert query.variations == ("a",)
    assert query.excluded_variations == ("b", "c")
    assert query.explicit == ("-b", "a", "-c")
    assert query.script_tags == "get,python3,-old"


def test_a_list_reads_like_a_text():
    assert parse_query(["a,_b", "-c"]) == parse_query("a,_b,-c")


@pytest.mark.parametrize("text", ["", " , ", "_a", "-x,_a"])
def test_a_query_that_asks_for_no_recipe_is_an_error(text):
    with pytest.raises(UsageError, match="no recipe is asked for"):
        parse_query(text)


@pytest.mark.parametrize("text", ["a,-a", "a,_b,-_b", "a,_b,_-b"])
def test_contradictions_are_errors(text):
    with pytest.raises(UsageError, match="both asked for and excluded"):
        parse_query(text)


@pytest.mark.parametrize("text", ["a,_", "a,-", "a,-_"])
def test_signs_without_a_name_are_errors(text):
    with pytest.raises(UsageError, match="names neither"):
        parse_query(text)


def test_first_word_with_a_blank_takes_the_place_of_tags():
    assert from_words(["get python3 _a"], "other").text() == "get,python3,_a"


def test_a_word_without_a_blank_names_a_recipe_and_keeps_tags():
    query = from_words(["detect-os"], "_a")
    assert (query.name, query.variations, query.tags) == ("detect-os", ("a",), ())


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("detect-os,863735b7db8c44fc", "detect-os,863735b7db8c44fc"),
        ("local:detect-os", "local:detect-os"),
        ("863735b7db8c44fc", "863735b7db8c44fc"),
        ("detect-*", "detect-*"),
        ("detect,os", ""),
        ("detect os", ""),
    ],
)
def test_names_and_tag_queries_are_told_apart(word, name):
    assert from_words([word]).name == name


def test_a_second_word_adds_tags():
    query = from_words(["detect-os", "_a _b"], "x")
    assert (query.tags, query.variations) == (("x",), ("a", "b"))


def test_a_name_may_be_read_as_a_tag_but_an_identifier_may_not():
    again = as_tags(from_words(["detect"], "os,_a"))
    assert again is not None
    assert (again.tags, again.variations) == (("detect", "os"), ("a",))
    for name in ("863735b7db8c44fc", "a*", "local:a", "a,863735b7db8c44fc"):
        assert as_tags(Query(name=name)) is None


@given(st.lists(_WORD, min_size=1, unique=True), st.lists(_WORD, unique=True))
def test_text_parses_to_the_same_query(tags, variations):
    query = Query(tuple(tags), (), tuple(variations), (), tuple(variations))
    assert parse_query(query.text()) == query


@given(st.text("ab,-_ .#", max_size=20))
def test_any_text_parses_or_is_a_usage_error(text):
    try:
        query = parse_query(text)
    except UsageError:
        return
    assert query.tags
    assert not set(query.tags) & set(query.excluded)
