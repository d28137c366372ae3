"""What a result looks like to a person, to a pipe and to a program."""

import json
import sys
from typing import NamedTuple

import pytest

from cmcore.cli import output
from cmcore.errors import NotFoundError
from cmcore.types import Artifact, Collection, Result, Table

TABLE = Table(
    ["alias", "tags", "path"],
    [["detect-os", "detect,os", "/here/script/detect-os"], ["x", "", "/here/script/x"]],
    plain=2,
)


class Page:
    """A console of a fixed width that keeps what is printed."""

    def __init__(self, width=None, json=False):
        self.json = json
        self._width = width
        self.printed = []
        self.warnings = []
        self.errors = []

    def width(self):
        return self._width

    def bold(self, text):
        return f"<{text}>"

    def out(self, text):
        self.printed.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def error(self, text):
        self.errors.append(text)


def test_a_table_on_a_wide_terminal():
    assert output.lines(Result(view=TABLE), Page(80)) == [
        "<alias      tags       path>",
        "detect-os  detect,os  /here/script/detect-os",
        "x                     /here/script/x",
    ]


def test_a_pipe_gets_the_plain_column_without_heading():
    assert output.lines(Result(view=TABLE), Page()) == ["/here/script/detect-os", "/here/script/x"]


def test_a_pipe_gets_all_columns_when_none_is_special():
    table = TABLE._replace(plain=None)
    assert output.lines(Result(view=table), Page())[0] == (
        "detect-os\tdetect,os\t/here/script/detect-os"
    )


def test_what_people_copy_is_not_cut_on_a_narrow_terminal():
    lines = output.lines(Result(view=TABLE), Page(30))
    assert lines == [
        "<alias      tags>",
        "detect-os  detect,os",
        "  /here/script/detect-os",
        "x",
        "  /here/script/x",
    ]


def test_other_columns_give_way_first():
    table = TABLE._replace(rows=[["detect-os", "many,tags," * 9, "/here/script/detect-os"]])
    lines = output.lines(Result(view=table), Page(80))
    assert lines[1].startswith("detect-os  many,tags,many,tags,")
    assert lines[1].endswith("…  /here/script/detect-os")
    assert len(lines[1]) == 80


def test_other_columns_are_cut_to_the_width():
    table = Table(["name", "text"], [["n", "word " * 40], ["m" * 12, "short"]])
    lines = output.lines(Result(view=table), Page(40))
    assert max(map(len, lines[1:])) <= 40
    assert lines[1].endswith("…")
    assert lines[2].startswith("m" * 12)


def test_wide_characters_count_double():
    table = Table(["name", "x"], [["日本", "1"], ["ab", "2"]])
    assert output.lines(Result(view=table), Page(40))[1:] == ["日本  1", "ab    2"]


def test_cells_cannot_steer_the_terminal_or_break_rows():
    table = Table(["a", "b"], [["x\x1b[31m\ny", "t\tb"]])
    assert output.lines(Result(view=table), Page()) == ["x\\x1b[31m y\tt b"]
    assert output.lines(Result(view=table), Page(40))[1] == "x\\x1b[31m y  t b"


def test_an_empty_table_prints_nothing():
    assert output.lines(Result(view=Table(["a"], [])), Page(80)) == []


def test_views_may_mix_text_and_tables():
    view = ["two lines\nof text\n", Table(["a", "b"], [["1", "2"]])]
    assert output.lines(Result(view=view), Page()) == ["two lines", "of text", "1\t2"]


def test_json_holds_everything_and_nothing_else_is_printed(capsys):
    page = Page(json=True)
    output.show(Result({"x": 1}, view="for people", code=3, warnings=("look",)), page)
    out = capsys.readouterr().out
    assert json.loads(out) == {"return": 3, "x": 1, "warnings": ["look"]}
    assert page.printed == []
    assert page.warnings == ["look"]


def test_errors_as_json_and_as_a_line(capsys):
    page = Page(json=True)
    output.show_error(NotFoundError("no such thing", hint="try another"), page)
    assert json.loads(capsys.readouterr().out) == {
        "return": 16,
        "error": "no such thing",
        "hint": "try another",
    }
    assert page.errors == ["no such thing; try another"]


class Pair(NamedTuple):
    left: int
    right: object


class Folder:
    def __fspath__(self):
        return "/folder"


def test_json_safe():
    artifact = Artifact(
        "s", "a", "0" * 16, ("t",), "/p", "cm", Collection("c", "", "/", "/", "local"), '{"k": [1]}'
    )
    itself = []
    itself.append(itself)
    safe = output.json_safe(
        {
            "artifact": artifact,
            "pair": Pair(1, {2, 1}),
            "bytes": b"ok\xff",
            "nan": float("nan"),
            "folder": Folder(),
            "itself": itself,
            3: ValueError("x"),
        }
    )
    assert json.loads(json.dumps(safe, allow_nan=False)) == safe
    assert safe["artifact"]["meta"] == {"k": [1]}
    assert safe["artifact"]["collection"]["name"] == "c"
    assert "meta_json" not in safe["artifact"]
    assert safe["pair"] == {"left": 1, "right": [1, 2]}
    assert safe["bytes"] == "ok\\xff"
    assert safe["nan"] is None
    assert safe["folder"] == "/folder"
    assert safe["itself"] == ["(contains itself)"]
    assert safe["3"] == "x"


def test_the_same_value_twice_is_not_a_cycle():
    shared = {"a": 1}
    assert output.json_safe([shared, shared]) == [shared, shared]


@pytest.mark.skipif(sys.platform == "win32", reason="file names are text there")
def test_names_that_are_not_utf8_still_make_json(capsys):
    output.show(Result({"path": "/x/\udcff"}), Page(json=True))
    assert json.loads(capsys.readouterr().out)["path"] == "/x/\udcff"


def test_save_to_json(tmp_path):
    target = tmp_path / "answer.json"
    target.write_text("old")
    output.show(Result({"x": "é"}, view="v"), Page(), str(target))
    assert json.loads(target.read_text()) == {"return": 0, "x": "é"}
    assert [p.name for p in tmp_path.iterdir()] == ["answer.json"]
    output.show_error(NotFoundError("gone"), Page(), str(target))
    assert json.loads(target.read_text()) == {"return": 16, "error": "gone"}
