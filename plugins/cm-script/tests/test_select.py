"""Choosing one recipe."""

import json

import pytest

from cm_script.query import from_words, parse_query
from cm_script.select import candidates, choose, find
from cmcore.errors import NotFoundError
from cmcore.types import Artifact, Collection


def recipe(alias, tags, *, uid="", form="cm", place="one", **meta):
    collection = Collection(place, "", f"/{place}", f"/{place}", "folder", form)
    uid = uid or f"{abs(hash(alias)):016x}"[:16]
    path = f"/{place}/script/{alias}"
    words = tuple(tags.split(","))
    return Artifact("script", alias, uid, words, path, form, collection, json.dumps(meta))


def searching(*recipes):
    def search(name, tags):
        words = [word for word in tags.split(",") if word]
        wanted = {word for word in words if not word.startswith("-")}
        excluded = {word[1:] for word in words if word.startswith("-")}
        return [
            r
            for r in recipes
            if name in ("", r.alias) and wanted <= set(r.tags) and not excluded & set(r.tags)
        ]

    return search


GCC = recipe("get-gcc", "get,compiler,gcc", sort=500, variations={"cross": {}, "v.#": {}})
LLVM = recipe("get-llvm", "get,compiler,llvm", sort=100)
OS = recipe("detect-os", "detect,os")


def test_find_by_tags_and_by_name():
    search = searching(GCC, LLVM, OS)
    assert find(search, parse_query("get,compiler,-gcc"))[0] == [LLVM]
    assert find(search, from_words(["detect-os"]))[0] == [OS]


def test_a_name_that_is_none_is_tried_as_a_tag():
    found, query = find(searching(GCC, OS), from_words(["gcc"], "_cross"))
    assert found == [GCC]
    assert (query.name, query.tags, query.variations) == ("", ("gcc",), ("cross",))


@pytest.mark.parametrize(
    ("words", "tags", "message", "hint"),
    [
        ([], "detekt,os", "'detekt'", "'detect'"),
        ([], "detect,gcc", "all the tags 'detect,gcc'", "nearest are"),
        (["detect-oss"], "", "no recipe 'detect-oss'", "'detect-os'"),
        ([], "get,-compiler", "all the tags", "excluded tags rule out get-gcc, get-llvm"),
    ],
)
def test_misses_tell_what_is_near(words, tags, message, hint):
    with pytest.raises(NotFoundError) as error:
        find(searching(GCC, LLVM, OS), from_words(words, tags))
    assert message in error.value.message
    assert hint in error.value.hint
    assert error.value.code == 16


def test_without_collections_the_hint_says_so():
    with pytest.raises(NotFoundError) as error:
        find(searching(), parse_query("a"))
    assert "no collection" in error.value.hint


def test_candidates_by_sort_then_path():
    late = recipe("a-late", "x", sort=1)
    first, second = recipe("b", "x"), recipe("c", "x")
    assert candidates([late, second, first], parse_query("x")) == [first, second, late]


@pytest.mark.parametrize(
    "tags", ["get,compiler,_cross", "get,compiler,_v.9", "get,compiler,-_cross"]
)
def test_candidates_have_the_variations(tags):
    assert candidates([GCC, LLVM], parse_query(tags)) == [GCC]


def test_no_candidate_has_the_variation():
    with pytest.raises(NotFoundError, match="'crosss'") as error:
        candidates([GCC, LLVM], parse_query("get,compiler,_crosss"))
    assert "'cross'" in error.value.hint
    assert error.value.code == 16


QUERY = parse_query("get,compiler")


def test_one_candidate_needs_no_word():
    assert choose([GCC], QUERY) == (GCC, "", "the only one that fits")


def test_nobody_to_ask_takes_the_first_and_says_so():
    choice = choose([LLVM, GCC], QUERY)
    assert choice.artifact is LLVM
    assert "get-llvm is taken, not get-gcc" in choice.note


def test_a_person_is_asked_once():
    remembered = []
    asked = []

    def ask(question, options):
        asked.append((question, list(options)))
        return 1

    for _ in range(2):
        choice = choose([LLVM, GCC], QUERY, remembered=remembered, ask=ask)
        assert choice[:2] == (GCC, "")
    assert len(asked) == 1
    assert "get compiler" in asked[0][0]
    assert len(asked[0][1]) == 2
    other = parse_query("get,gcc")
    assert choose([LLVM, GCC], other, remembered=remembered).artifact is LLVM


def test_an_answer_out_of_range_is_the_first():
    assert choose([LLVM, GCC], QUERY, ask=lambda question, options: 7).artifact is LLVM


def test_a_cached_recipe_is_preferred():
    choice = choose([LLVM, GCC], QUERY, cached=lambda left: {GCC.path})
    assert choice == (GCC, "", "it has a cached result")
    assert choose([LLVM, GCC], QUERY, cached=lambda left: set()).artifact is LLVM


TWINS = (
    recipe("detect-os", "detect,os", uid="863735b7db8c44fc", place="one", form="cm"),
    recipe("detect-os", "detect,os", uid="863735b7db8c44fc", place="two", form="mlc"),
)


@pytest.mark.parametrize(
    ("order", "parent", "expected"),
    [(("one", "two"), "", 0), (("two", "one"), "", 1), (("one", "two"), "mlc", 1)],
)
def test_recipes_in_both_dialects(order, parent, expected):
    choice = choose(TWINS, parse_query("detect,os"), collections=order, parent_form=parent)
    assert choice[:2] == (TWINS[expected], "")


def test_copies_in_two_collections_count_once_and_doubles_in_one_do_not():
    uid = "0123456789abcdef"
    here, there = (recipe("a", "x", uid=uid, place=place) for place in ("one", "two"))
    choice = choose([here, there], parse_query("x"), collections=["two", "one"])
    assert choice == (there, "", "the first collection that has it")
    twice = [here, recipe("b", "x", uid=uid)]
    assert choose(twice, parse_query("x"), collections=["one"]).note
