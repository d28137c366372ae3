"""The CM language: what each form means, what is refused, and that a request survives a round."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmcore import grammar
from cmcore.errors import StorageError, UsageError
from cmcore.types import Request


def flags(*words):
    return grammar.parse(["run", "script", *words]).request.flags


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("--k", {"k": True}),
        ("-k", {"k": True}),
        ("--k-", {"k": False}),
        ("--k=v", {"k": "v"}),
        ("-k=v", {"k": "v"}),
        ("--k=", {"k": ""}),
        ("--k=1", {"k": "1"}),
        ("--k=a=b", {"k": "a=b"}),
        ("--k=--x", {"k": "--x"}),
        ("--k,=a,b", {"k": ["a", "b"]}),
        ("--k,=", {"k": []}),
        ("--k,=,", {"k": ["", ""]}),
        ("--a.b.c=v", {"a": {"b": {"c": "v"}}}),
        ("--a.b", {"a": {"b": True}}),
        ("--a.b-", {"a": {"b": False}}),
        ("--a.b,=x,y", {"a": {"b": ["x", "y"]}}),
        ("--a-b=v", {"a_b": "v"}),
        ("--a-b-", {"a_b": False}),
        ("--a-b.c-d=v", {"a_b": {"c-d": "v"}}),
        ("--a.b-c-", {"a": {"b-c": False}}),
        ("--env.CM-X=1", {"env": {"CM-X": "1"}}),
        ("--a b=1", {"a b": "1"}),
        ("--n:=5", {"n": 5}),
        ("--n.m:=null", {"n": {"m": None}}),
        ('--:={"a-b": 1}', {"a-b": 1}),
    ],
)
def test_one_flag(word, expected):
    assert flags(word) == expected


def test_words_fill_action_automation_artifacts():
    parsed = grammar.parse(["run", "script", "x", "-f", "y", "--", "ls", "-l", "--", "@z"])
    assert parsed.request == Request(
        "run", "script", ("x", "y"), {"f": True}, ("ls", "-l", "--", "@z"), console=True
    )


def test_flags_may_come_first():
    assert grammar.parse(["--quiet", "find", "script"]).request == Request(
        "search", "script", flags={"quiet": True}, console=True
    )


def test_nothing_at_all():
    assert grammar.parse([]).request == Request("", console=True)


def test_an_empty_command_differs_from_none():
    assert grammar.parse(["run", "x", "--"]).request.command == ()
    assert grammar.parse(["run", "x"]).request.command is None


@pytest.mark.parametrize(
    ("word", "action"),
    [
        *[(w, "search") for w in ("find", "list", "ls", "search")],
        *[(w, "remove") for w in ("rm", "delete", "del", "remove")],
        *[(w, "move") for w in ("mv", "ren", "rename", "move")],
        *[("cp", "copy"), ("info", "show"), ("print-input", "print_input"), ("run", "run")],
    ],
)
def test_verbs_have_one_name(word, action):
    assert grammar.parse([word, "script"]).request.action == action


def test_later_flags_win_and_groups_grow():
    assert flags("--a=1", "--a=2") == {"a": "2"}
    assert flags("--a.b=1", "--a.c=2") == {"a": {"b": "1", "c": "2"}}
    assert flags("--a.b=1", "--a=2") == {"a": "2"}


def test_files_merge_in_the_order_of_the_line():
    files = {"one.json": {"a": 1, "b": {"c": 2}}, "two.yaml": {"b": {"d": 3}}}
    parsed = grammar.parse(
        ["run", "s", "--a=0", "@one.json", "--b.x=9", "@two.yaml", "--b.y=8"],
        read_file=files.__getitem__,
    )
    assert parsed.request.flags == {"a": 1, "b": {"d": 3, "y": "8"}}


def test_a_file_can_be_a_whole_request():
    request = Request("run", "script", ("x", "y"), {"n": 5}, ("ls",), True)
    data = json.loads(json.dumps(grammar.to_dict(request)))
    assert grammar.parse(["@r.json"], read_file={"r.json": data}.get).request == request
    assert grammar.from_dict(data).request == request


def test_input_files_from_disk(tmp_path):
    (tmp_path / "a.json").write_text('{"x": [1, {"y": null}]}')
    (tmp_path / "b.yaml").write_text("z: 2\n")
    assert flags(f"@{tmp_path}/a.json", f"@{tmp_path}/b.yaml") == {"x": [1, {"y": None}], "z": 2}


def test_a_broken_input_file_is_named_with_its_line(tmp_path):
    (tmp_path / "a.json").write_text('{"x": 1,\n "y" 2}')
    (tmp_path / "b.yaml").write_text("x: 1\ny: ]\n")
    for name in ("a.json", "b.yaml"):
        with pytest.raises(StorageError) as caught:
            flags(f"@{tmp_path}/{name}")
        assert name in str(caught.value)
        assert f"{name}:2" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_input_file_that_is_not_there(tmp_path):
    with pytest.raises(StorageError, match=r"no such input file.*x\.json"):
        flags(f"@{tmp_path}/x.json")


def test_an_input_file_without_keys(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(StorageError, match=r"top level.*a\.json"):
        flags(f"@{tmp_path}/a.json")


@pytest.mark.parametrize(
    "word",
    [
        *[
            "-",
            "---a=1",
            "--=x",
            "--a.=1",
            "--.a=1",
            "--a..b=1",
            "--a,",
            "--a,-",
            "--a:=[",
            "--:=[1]",
        ],
        *[
            "@",
            "@x.txt",
            "--out=xml",
            "--save-to-json",
            "--color=pink",
            "--no-plugins=x",
            '--:="x"',
        ],
    ],
)
def test_malformed_words_are_refused_in_one_line(word):
    with pytest.raises(UsageError) as caught:
        flags(word)
    assert caught.value.code == 4
    assert "\n" not in str(caught.value)


def test_a_value_and_a_group_cannot_share_a_name():
    with pytest.raises(UsageError, match=r"--a\.KEY"):
        flags("--a=1", "--a.b=2")
    with pytest.raises(UsageError, match=r"--a\.KEY"):
        flags("--a.b=1", "--a.b.c.d=2")


@pytest.mark.parametrize("key", ["action", "automation", "artifact"])
def test_structure_must_be_words(key):
    with pytest.raises(UsageError, match=key):
        grammar.from_dict({key: 3})
    with pytest.raises(UsageError, match="artifacts"):
        grammar.from_dict({"artifacts": "ab"})


def test_options_leave_the_request():
    words = ["--out=json", "--save-to-json=f", "--no-plugins", "--help", "--color=never"]
    parsed = grammar.parse(["find", "s", *words])
    assert parsed.request == Request("search", "s")
    assert parsed.options == grammar.Options(True, "f", False, False, True, True, "never")


def test_options_that_actions_read_too_stay():
    parsed = grammar.parse(["run", "s", "-v", "--silent"])
    assert parsed.options.verbose
    assert parsed.options.silent
    assert parsed.request.flags == {"v": True, "silent": True}


def test_help_with_a_value_is_an_ordinary_flag():
    parsed = grammar.parse(["run", "s", "--help=me", "-h=x"])
    assert not parsed.options.help
    assert parsed.request.flags == {"help": "me", "h": "x"}


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (
            Request("search", "script", flags={"tags": "a,b"}, console=True),
            "cm search script --tags=a,b",
        ),
        (
            Request("run", "script", ("detect os",), {}, ("ls", "a b")),
            "cm run script 'detect os' --out=json -- ls 'a b'",
        ),
        (Request("run", "", ("-x", "y"), {}, None, True), "cm run '' --artifact=-x y"),
        (Request("run", "s", flags={"a": {"b": [1]}}, console=True), "cm run s '--a:={\"b\":[1]}'"),
        (Request("run", "s", flags={"a-b": "c"}, console=True), 'cm run s \'--:={"a-b":"c"}\''),
        (Request("run", "s", flags={"a": [""]}, console=True), "cm run s '--a:=[\"\"]'"),
        (Request("run", "s", flags={"a": "x\ny"}, console=True), "cm run s '--a:=\"x\\ny\"'"),
    ],
)
def test_command_line_for_people(request_, line):
    assert grammar.command_line(request_) == line
    assert grammar.parse(shlex.split(line)[1:]).request == request_


@pytest.mark.parametrize(
    "request_",
    [
        Request("ls", "script"),
        Request("print-input"),
        *[Request("run", flags={key: "x"}) for key in (*grammar.STRUCTURE, *grammar.OPTIONS)],
        Request("run", flags={"help": True}),
        Request("run", flags={"x": {1, 2}}),
    ],
)
def test_what_no_command_line_can_say_is_refused(request_):
    with pytest.raises(UsageError):
        grammar.unparse(request_)


NASTY_WORDS = ["-", "--", "-x", "--x", "@", "@f.json", ".", "a.b", "a-b", "a-", "-a", "a,", "a,b"]
NASTY_WORDS += ["a:", ":", "a=b", "=", "'", '"', "\\", "$x", "é", "日本", "*"]
NASTY_WORDS += ["", "a b", "\n", "a\nb", "\u2028", "\x7f", "\t"]
NASTY = st.one_of(
    st.sampled_from(NASTY_WORDS),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)
VALUES = st.recursive(
    st.one_of(st.booleans(), NASTY, st.none(), st.integers(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(NASTY, inner, max_size=3),
        st.lists(NASTY, max_size=3),
    ),
    max_leaves=8,
)
RESERVED = {*grammar.STRUCTURE, *grammar.OPTIONS, "help", "h"}
REQUESTS = st.builds(
    Request,
    action=NASTY.map(grammar.canonical_action),
    automation=NASTY,
    artifacts=st.lists(NASTY, max_size=3).map(tuple),
    flags=st.dictionaries(NASTY.filter(lambda key: key not in RESERVED), VALUES, max_size=4),
    command=st.none() | st.lists(NASTY, max_size=3).map(tuple),
    console=st.booleans(),
)


@given(REQUESTS)
def test_every_request_survives_its_command_line(request_):
    line = grammar.command_line(request_)
    assert len(line.splitlines()) == 1
    assert grammar.parse(shlex.split(line)[1:]).request == request_
    assert grammar.parse(grammar.unparse(request_)).request == request_


@given(REQUESTS)
def test_every_request_survives_its_dictionary(request_):
    assert grammar.from_dict(json.loads(json.dumps(grammar.to_dict(request_)))).request == request_


@given(st.lists(NASTY, max_size=6))
def test_no_line_ends_in_a_traceback(words):
    try:
        parsed = grammar.parse(words)
    except (UsageError, StorageError) as error:
        message = str(error)
        assert len(message.splitlines()) == 1
    else:
        assert grammar.parse(grammar.unparse(parsed.request)).request == parsed.request
