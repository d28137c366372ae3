"""The answers that recipe code gets are those that cmind and mlcflow gave, call by call."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from record_facade import FACTS, make_world

from cmcore.context import Context

ANSWERS = json.loads(FACTS.read_text(encoding="utf-8"))

PARSE = (
    r"automation.parse_version({'match_text': r'v(\d+)\.(\d+)', 'group_number': 1, 'env_key': 'V',"
    " 'which_env': {}, 'file_name': 'a.txt', 'group_number_extra': 2%s})"
)
PARSED = {"return": 0, "string": "tool v1.2 here\nsecond\n"}

#: Where an answer differs on purpose: call -> what we answer.
ON_PURPOSE: dict[str, dict[str, object]] = {
    "cm": {
        # The extra group came with MLCFlow; a recipe that names one wants it.
        PARSE % "": {**PARSED, "version": "1-2"},
        PARSE % ", 'group_join_string': '+'": {**PARSED, "version": "1+2"},
        # CM redirects the output of the last command only.
        "act('system', cmd='echo out; echo err >&2')['std']": "out\nerr",
        # CM loses what follows a second equals sign.
        r"utils.convert_env_to_dict('A=1\nB = 2 \nC=x=y\n\nlone\n')": {
            "return": 0,
            "dict": {"A": "1", "B": "2", "C": "x=y", "lone": ""},
        },
        # CM wants the package pytz for this.
        "utils.get_current_date_time({'timezone': 'No/Where'})['return'] > 0": True,
    },
    "mlc": {
        # MLCFlow raises an exception of its own, which recipes cannot know.
        "mlc.access({'action': 'run', 'automation': 'script', 'tags': 'no-such',"
        " 'quiet': True})['return'] > 0": True,
        # Broken in MLCFlow, which calls it with too many arguments.
        "[own.json2yaml({'input': 'a.json', 'output': 'o.yaml'}), text('o.yaml')]": [
            {"return": 0},
            "a:\n- 2\n- x\nb: 1\n",
        ],
    },
}


@pytest.mark.skipif(sys.platform != "linux", reason="the facts were recorded on Linux")
@pytest.mark.parametrize("dialect", ["cm", "mlc"])
def test_every_call_is_answered_as_by_the_reference(
    dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path / "probe-world", dialect)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    environ = {**os.environ, "CM_HOME": str(tmp_path / "home")}
    ctx = Context(environ=environ)
    added = ctx.access({"action": "add", "automation": "collection", "artifact": str(world)})
    assert added["return"] == 0, added
    ran = ctx.access({"action": "run", "automation": "script", "tags": "facade-probe"})
    assert ran["return"] == 0, ran
    got = json.loads((work / "answers.json").read_text(encoding="utf-8"))
    expected = {**ANSWERS[dialect], **ON_PURPOSE[dialect]}
    assert set(got) == set(ANSWERS[dialect]), "record_facade.py has to be run again"
    wrong = {call: (got[call], expected[call]) for call in got if got[call] != expected[call]}
    assert wrong == {}
