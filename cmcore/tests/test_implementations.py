"""Plain hook functions are judged without pluggy, and in the same way."""

import subprocess
import sys
from types import ModuleType

import pytest

from cmcore import implementations
from cmcore.implementations import hooks_of

HEAD = "from cmcore import hookimpl\n"
ARGUMENTS = {"ctx": 1, "request": 2}


def module(code):
    made = ModuleType("made")
    exec(HEAD + code, vars(made))
    return made


PLAIN = {
    "all arguments": "@hookimpl\ndef cm_run(ctx, request): return ctx + request\n",
    "another order": "@hookimpl\ndef cm_run(request, ctx): return request + ctx\n",
    "fewer": "@hookimpl\ndef cm_run(): return 3\n",
    "with locals": "@hookimpl\ndef cm_run(ctx):\n    more = 2\n    return ctx + more\n",
    "contribution": "@hookimpl\ndef cm_health_checks(ctx): return [ctx]\n",
    "not marked": "def cm_run(ctx): return 3\n",
}


@pytest.mark.parametrize("case", PLAIN)
def test_plain_functions_answer_as_through_pluggy(case):
    plugin = module(PLAIN[case])
    plain, judged = implementations._plain(plugin), implementations._judged(plugin, "x")
    assert plain is not None
    assert plain.keys() == judged.keys()
    for hook in plain:
        assert plain[hook](ARGUMENTS) == judged[hook](ARGUMENTS)


OTHERS = {
    "another name": "@hookimpl(specname='cm_run')\ndef start(ctx): return 3\n",
    "a default": "@hookimpl\ndef cm_run(ctx, depth=2): return ctx + depth\n",
    "a wrapper": (
        "@hookimpl(wrapper=True, specname='cm_run')\n"
        "def around(ctx):\n    answer = yield\n    return 3 if answer is None else answer\n"
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_more_than_plain_goes_through_pluggy(case):
    plugin = module(OTHERS[case])
    assert implementations._plain(plugin) is None
    assert hooks_of(plugin, "x")["cm_run"](ARGUMENTS) == 3


def test_methods_of_an_object_are_implementations():
    plugin = module("class Plugin:\n    @hookimpl\n    def cm_run(self, ctx): return ctx\n")
    assert hooks_of(plugin.Plugin(), "x")["cm_run"](ARGUMENTS) == 1


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("@hookimpl\ndef cm_rum(ctx): pass\n", "did you mean 'cm_run'"),
        ("@hookimpl\ndef cm_run(colour): pass\n", "colour"),
        ("@hookimpl\ndef cm_run(*ctx, colour): pass\n", ""),
    ],
)
def test_a_misfit_is_refused(code, cause):
    plugin = module(code)
    assert implementations._plain(plugin) is None
    if cause:
        with pytest.raises(ValueError, match=cause):
            hooks_of(plugin, "x")


def test_a_plain_plugin_does_not_import_pluggy(environ, plugin, tmp_path):
    code = (
        "import sys; from cmcore.__main__ import main; main(['run', 'notebook', 'a']);"
        "assert 'cmcore.manager' in sys.modules;"
        "assert not sys.modules.keys() & {'pluggy', 'inspect', 'typing'}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
