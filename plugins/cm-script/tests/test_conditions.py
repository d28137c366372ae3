"""Conditions: the whole truth table."""

import pytest

from cm_script.conditions import falsy, skip_reason, truthy
from cm_script.dialects import CM, MLC

MISSING = object()


def holds(form, values, value, dialect=CM):
    """Whether the entry would run, for `enable_if...` forms."""
    env = {} if value is MISSING else {"K": value}
    return not skip_reason({form: {"K": values}}, env, dialect)


@pytest.mark.parametrize(
    ("values", "value", "all_form", "any_form"),
    [
        (["yes"], "anything", True, True),
        ([True], "on", True, True),
        (["1"], "", False, False),
        (["on"], "No", False, False),
        (["true"], MISSING, False, False),
        (["true"], None, True, True),
        (["yes", "no"], "x", True, True),
        (["no"], "off", True, True),
        (["no"], " FALSE ", True, True),
        ([False], "", True, True),
        (["0"], 0, True, True),
        (["no"], "x", False, False),
        (["no"], MISSING, True, False),
        (["a", "B"], "b", True, True),
        (["a"], "c", False, False),
        (["a"], MISSING, False, False),
        ([""], "", True, True),
        ([""], "x", False, False),
        ([""], MISSING, True, False),
        ([], "x", False, False),
        ("on", "x", True, True),
        ("cpu", "cpu", True, True),
        ("cpu", "c", False, False),
    ],
)
def test_truth_table(values, value, all_form, any_form):
    for dialect in (CM, MLC):
        assert holds("enable_if_env", values, value, dialect) is all_form
        assert holds("enable_if_any_env", values, value, dialect) is any_form


def test_an_unresolved_placeholder_is_unset_in_mlc_only():
    assert holds("enable_if_env", ["yes"], "<<<X>>>", CM)
    assert not holds("enable_if_env", ["yes"], "<<<X>>>", MLC)
    assert not holds("enable_if_env", ["no"], "<<<X>>>", CM)
    assert holds("enable_if_env", ["no"], "<<<X>>>", MLC)


def test_all_or_any_of_several_keys():
    env = {"A": "1", "B": "2"}
    both = {"A": ["1"], "B": ["3"]}
    assert skip_reason({"enable_if_env": both}, env, CM)
    assert not skip_reason({"enable_if_any_env": both}, env, CM)
    assert not skip_reason({"skip_if_env": both}, env, CM)
    assert skip_reason({"skip_if_any_env": both}, env, CM)


def test_every_condition_must_let_pass():
    env = {"A": "1"}
    assert skip_reason({"enable_if_env": {"A": ["1"]}, "skip_if_env": {"A": ["1"]}}, env, CM)


def test_the_reason_names_key_and_value():
    reason = skip_reason({"enable_if_env": {"A": ["x"]}}, {"A": "y"}, CM)
    assert "A is 'y'" in reason
    assert "'x'" in reason
    assert "not set" in skip_reason({"enable_if_env": {"A": ["x"]}}, {}, CM)


@pytest.mark.parametrize("dialect", [CM, MLC])
def test_skip_in_a_fake_run(dialect):
    entry = {"skip_if_fake_run": True}
    assert not skip_reason(entry, {}, dialect)
    assert skip_reason(entry, {dialect.key("TMP_FAKE_RUN"): "yes"}, dialect)


def test_words():
    assert [truthy(v) for v in (True, "YES", "on", 1, "no", "", "2")] == [True] * 4 + [False] * 3
    assert [falsy(v) for v in (False, "NO", "off", 0, "yes", "")] == [True] * 4 + [False] * 2
