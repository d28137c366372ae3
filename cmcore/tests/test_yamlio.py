import json
import math
import os

import corpora
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cmcore.errors import StorageError
from cmcore.yamlio import dump_yaml, edit_yaml, load_yaml, parse_yaml

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
)
data = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc :#-'\"{}[]0.", max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
mappings = st.dictionaries(st.sampled_from("abcdef"), data, max_size=5)


@given(data)
def test_what_is_written_is_read_again(value):
    assert parse_yaml(dump_yaml(value)) == (value, [])


@given(mappings, mappings, st.frozensets(st.sampled_from("abcdef"), max_size=3))
def test_editing_changes_just_what_was_asked(old, changes, removed):
    wanted = {k: v for k, v in {**old, **changes}.items() if k not in removed}
    assert parse_yaml(edit_yaml(dump_yaml(old), changes, removed))[0] == wanted


def test_edits_keep_comments_and_the_rest_as_it_is():
    text = (
        "# head\nalias: x # why\n\n# about tags\ntags:\n- a\n- b\n\n# about env\nenv:\n"
        "  A: 'q'   # kept\n  B: |\n    # no comment\n    text\n# tail\n"
    )
    edited = edit_yaml(text, {"tags": ["c"], "new": 1}, frozenset({"alias"}))
    assert edited == (
        "# head\n\n# about tags\ntags:\n- c\n\n# about env\nenv:\n"
        "  A: 'q'   # kept\n  B: |\n    # no comment\n    text\n# tail\nnew: 1\n"
    )


@pytest.mark.parametrize(
    "text", ["{a: 1, b: 2}", "a: &x [1]\nb: *x\n", "", "a: 1", "? a\n: 1\n", "a: 1\r\nb: 2\r\n"]
)
def test_edits_of_unusual_documents_are_right_too(text):
    wanted = {**(parse_yaml(text)[0] or {}), "b": {"c": [1]}}
    assert parse_yaml(edit_yaml(text, {"b": {"c": [1]}}))[0] == wanted


def test_data_equals_its_json_form():
    text = (
        "3.10: a\ntrue: b\n~: c\ndate: 2024-05-06\ntime: 2024-05-06 07:08:09\n"
        "set: !!set {x, y}\ninf: .inf\nnan: .nan\nbin: !!binary aGk=\nwrong: 2024-13-45\n"
        "no: [yes, no, 012, 1_000, 1:30, 0x1F, 1e3, 1.5]\n"
    )
    found, warnings = parse_yaml(text, "f.yaml")
    assert json.loads(json.dumps(found)) == found
    assert found["3.10"] == "a"
    assert found["date"] == "2024-05-06"
    assert found["time"] == "2024-05-06T07:08:09"
    assert found["wrong"] == "2024-13-45"
    assert found["no"] == [True, False, 10, 1000, 90, 31, "1e3", 1.5]
    assert not any(isinstance(v, float) and not math.isfinite(v) for v in found.values())
    assert len(warnings) == 1
    assert "f.yaml:10" in warnings[0]


def test_repeated_keys_are_warned_about_with_file_and_line(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    found, warnings = load_yaml(str(path))
    assert found == {"a": 3, "b": {"c": 2}}
    assert list(found) == ["a", "b"]
    assert len(warnings) == 2
    assert f"{path}:4" in warnings[0]
    assert "'c'" in warnings[0]


def test_merge_keys():
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  c: 5\n"
    assert parse_yaml(text)[0]["z"] == {"a": 1, "b": 2, "c": 5}
    with pytest.raises(StorageError, match="mapping"):
        parse_yaml("a:\n  <<: 1\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1\nb: 2\n", 2),
        ("a: 1\n\tb: 2\n", 2),
        ("a: !python/object:os.system x\n", 1),
        ("[a]: 1\n", 1),
        ("a: &a [*a]\n", 1),
        ("x: *unknown\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
    ],
)
def test_errors_name_file_and_line(text, line):
    with pytest.raises(StorageError) as caught:
        parse_yaml(text, "some/file.yaml")
    assert caught.value.where == f"some/file.yaml:{line}"


def test_bytes_that_are_no_text_and_deep_nesting_are_errors():
    with pytest.raises(StorageError, match="not valid YAML"):
        parse_yaml(b"a: \xff\xfe\n")
    with pytest.raises(StorageError, match="deep"):
        parse_yaml("[" * 150 + "]" * 150)
    with pytest.raises(StorageError):
        parse_yaml("[" * 20000)
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    with pytest.raises(StorageError, match="too many"):
        parse_yaml(bomb)


@pytest.mark.network
@pytest.mark.parametrize("corpus", [corpora.cm_root, corpora.mlc_root])
def test_published_files_read_as_pyyaml_reads_them(corpus):
    count = 0
    for folder, _, names in os.walk(corpus()):
        for name in set(names) & {"_cm.yaml", "meta.yaml", "cmr.yaml"}:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                wanted = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            assert _text_keys(wanted) == load_yaml(path)[0], path
            count += 1
    assert count > 100


def _text_keys(value):
    if isinstance(value, dict):
        return {str(key): _text_keys(inner) for key, inner in value.items()}
    return [_text_keys(inner) for inner in value] if isinstance(value, list) else value
