"""The console on real terminals and on pipes."""

import os
import subprocess
import sys

import pytest

from cmcore.console import Console, _wants_color, clean

HEAD = "import sys; from cmcore.console import Console; "


def piped(code, environ, **more):
    return subprocess.run(
        [sys.executable, "-c", HEAD + code],
        env={**environ, **more},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_answers_on_stdout_the_rest_on_stderr(environ):
    done = piped(
        "c=Console(); c.out('a'); c.err('e'); c.log('l'); c.warn('w'); c.warn('w')", environ
    )
    assert done.stdout == "a\n"
    assert done.stderr == "e\nl\ncm: warning: w\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
@pytest.mark.parametrize("broken", ["2>/dev/full", "2> >(true)"])
def test_an_answer_does_not_depend_on_stderr(environ, broken):
    code = (
        "import time; c=Console(json=True); c.err('e' * 9999); time.sleep(0.2); c.warn('w');"
        "p=c.progress('p'); p.update(1); p.close(); c.child_stream(); c.err('f'); print('a')"
    )
    line = f'"{sys.executable}" -c "{HEAD}{code}" {broken}'
    done = subprocess.run(["bash", "-c", line], env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "a\n")


def test_json_keeps_stdout_for_the_document(environ):
    done = piped("c=Console(json=True); c.out('a'); print(c.child_stream())", environ)
    assert done.stderr == "a\n"
    assert done.stdout == "2\n"


def test_children_write_to_stdout_otherwise(environ):
    code = "import os; c=Console(); c.out('a'); os.write(c.child_stream(), b'child\\n')"
    assert piped(code, environ).stdout == "a\nchild\n"


@pytest.mark.parametrize(
    ("verbosity", "shown"), [(-1, ""), (0, "normal\n"), (1, "normal\nverbose\n")]
)
def test_verbosity(environ, verbosity, shown):
    code = f"c=Console(verbosity={verbosity}); c.log('normal'); c.log('verbose', verbose=True)"
    assert piped(code, environ).stderr == shown


def test_nobody_is_asked_without_a_terminal(environ):
    code = "c=Console(); print(c.interactive, c.ask('which', ['a', 'b'], 1), c.ask('?', ['a']))"
    done = piped(code + "; print(c.confirm('sure?'), c.confirm('sure?', True))", environ)
    assert done.stdout == "False 1 None\nFalse True\n"
    assert done.stderr == ""


def test_nobody_is_asked_when_only_stderr_is_redirected(terminal):
    code = HEAD + "print(Console().ask('which', ['a', 'b'], 1))"
    shell = terminal(["sh", "-c", f'"{sys.executable}" -c "{code}" 2>/dev/null'])
    assert shell.rest() == "1\r\n"


def test_a_person_is_asked_until_the_answer_fits(terminal):
    screen = terminal(
        [sys.executable, "-c", HEAD + "print(Console().ask('Which?', ['x', 'y'], 0))"]
    )
    screen.until("Which?\r\n  0) x\r\n  1) y\r\nChoice [0, press Enter]: ")
    screen.type("seven\n")
    screen.until("Please enter a number from 0 to 1.\r\nChoice [0, press Enter]: ")
    screen.type("1\n")
    assert screen.rest() == "1\r\n1\r\n"


@pytest.mark.parametrize(("typed", "answer"), [("y\n", "True"), ("\n", "False"), ("\x04", "False")])
def test_yes_or_no(terminal, typed, answer):
    screen = terminal([sys.executable, "-c", HEAD + "print(Console().confirm('Sure?'))"])
    screen.until("Sure? [y/N] ")
    screen.type(typed)
    assert screen.rest().endswith(f"{answer}\r\n")


def test_progress_leaves_no_trace_on_a_terminal(terminal):
    code = "c=Console(); p=c.progress('loading', 4); p.update(1, 'x'); c.out('line'); p.close()"
    shown = terminal([sys.executable, "-c", HEAD + code]).rest()
    assert shown == "\r\x1b[2Kloading 0%\r\x1b[2Kline\r\n"


def test_progress_is_a_line_now_and_then_elsewhere(environ):
    code = "c=Console()\nwith c.progress('loading', 4) as p:\n [p.update(n) for n in range(4)]"
    assert piped(code.replace("c=", "\nc=", 1), environ).stderr == "loading 0%\n"
    assert piped("Console(verbosity=-1).progress('loading')", environ).stderr == ""


def test_progress_on_a_dumb_terminal_is_lines(terminal):
    screen = terminal(
        [sys.executable, "-c", HEAD + "Console().progress('loading')"], env={"TERM": "dumb"}
    )
    assert screen.rest() == "loading\r\n"


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"CLICOLOR": "0"}, True, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False, False),
        ("auto", {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_who_sees_colours(choice, environ, terminal, expected):
    assert _wants_color(choice, environ, terminal) is expected


def test_width_of_a_terminal(terminal, environ):
    code = HEAD + "print(Console().width())"
    assert terminal([sys.executable, "-c", code], columns=57).rest() == "57\r\n"
    assert terminal([sys.executable, "-c", code], {"COLUMNS": "33"}).rest() == "33\r\n"
    assert piped("print(Console().width())", environ).stdout == "None\n"


def test_control_characters_become_visible():
    assert clean("a\x1b[2Jb\x00\x9b") == "a\\x1b[2Jb\\x00\\x9b"
    assert clean("é 日本\n\t") == "é 日本\n\t"


def test_an_error_is_one_line(environ):
    done = piped("Console().error('first\\nsecond \\x1b[31m')", environ)
    assert done.stderr == "cm: error: first second \\x1b[31m\n"


def test_python_callers_are_neither_asked_nor_told():
    console = Console.for_python()
    assert not console.interactive
    assert console.verbosity == -1
