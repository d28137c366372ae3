"""Version specifiers agree with the reference implementation, `packaging`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from cmcore.specifiers import parse_requirement, parse_version

numbers = st.integers(0, 3).map(str)
releases = st.lists(numbers, min_size=1, max_size=3).map(".".join)


def optional(strategy):
    return st.one_of(st.just(""), strategy)


versions = st.builds(
    "".join,
    st.tuples(
        optional(st.sampled_from(["v", "1!", "0!"])),
        releases,
        optional(
            st.builds(
                "{}{}{}".format,
                st.sampled_from(["a", ".b", "-rc", "_c", "alpha", "pre"]),
                st.sampled_from(["", ".", "-"]),
                numbers,
            )
        ),
        optional(
            st.one_of(
                st.builds("{}{}".format, st.sampled_from([".post", "-r", "rev"]), numbers),
                numbers.map("-{}".format),
            )
        ),
        optional(st.builds("{}{}".format, st.sampled_from([".dev", "-dev", "dev"]), numbers)),
        optional(st.sampled_from(["+abc", "+1", "+abc.1", "+1-x", "+2_0"])),
    ),
)
operators = st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~="])


@settings(max_examples=300, deadline=None)
@given(versions, versions)
def test_versions_are_ordered_as_packaging_orders_them(left, right):
    ours_left, ours_right = parse_version(left), parse_version(right)
    assert ours_left is not None
    assert ours_right is not None
    assert (ours_left.key < ours_right.key) == (Version(left) < Version(right))
    assert (ours_left.key == ours_right.key) == (Version(left) == Version(right))


@settings(max_examples=600, deadline=None)
@given(operators, versions, st.sampled_from(["", ".*"]), versions)
def test_clauses_accept_what_packaging_accepts(operator, wanted, suffix, found):
    clause = operator + wanted + suffix
    try:
        expected = SpecifierSet(clause).contains(found, prereleases=True)
    except InvalidSpecifier:
        with pytest.raises(ValueError, match="in 'some-name"):
            parse_requirement("some-name" + clause)
    else:
        assert parse_requirement("some-name" + clause).accepts(found) == expected, (clause, found)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789.!abcrvdeposti+-_ x*", max_size=12))
def test_the_same_texts_are_versions(text):
    try:
        Version(text)
        known = True
    except InvalidVersion:
        known = False
    assert (parse_version(text) is not None) == known


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "distribution name"),
        (">=1", "distribution name"),
        ("cm-plugin-x===1.0", "no version clause"),
        ("cm-plugin-x=1.0", "no version clause"),
        ("cm-plugin-x>=1.0,", "no version clause"),
        ("cm-plugin-x>=one", "PEP 440"),
        ("cm-plugin-x~=1", "two parts"),
        ("cm-plugin-x>1+abc", "local version"),
    ],
)
def test_malformed_entries_say_what_is_wrong(text, says):
    with pytest.raises(ValueError, match=says):
        parse_requirement(text)


def test_a_version_nobody_can_parse_fits_only_a_bare_name():
    assert parse_requirement("cm-plugin-x").accepts("snapshot")
    assert not parse_requirement("cm-plugin-x>=0").accepts("snapshot")
