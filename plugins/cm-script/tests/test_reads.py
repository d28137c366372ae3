"""Which variables a recipe looks at: each way of looking is seen, what cannot be seen is all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_script.reads import Reads, bare, of_recipe, overlap
from cm_script.reads_code import of_code
from cm_script.reads_meta import of_block

HOOK = "import os\nfrom utils import f\ndef preprocess(i):\n    env = i['env']\n    {}\n"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("x = env['CM_A']", {"CM_A"}),
        ("x = env.get('CM_A', env.get('CM_B'))", {"CM_A", "CM_B"}),
        ("x = 'CM_A' in env and 'CM_B' not in env", {"CM_A", "CM_B"}),
        ("env['CM_A'] = 'x'", set()),
        ("env['CM_A'] += 'x'", {"CM_A"}),
        ("del env['CM_A']", {"CM_A"}),
        ("env.setdefault('CM_A', 'x')", {"CM_A"}),
        ("env.update({'CM_A': 1})", set()),
        ("e = i['env']\n    x = e['CM_A']", {"CM_A"}),
        ("x = i['input']['env']['CM_A']", {"CM_A"}),
        ("x = i.get('env')['CM_A']", {"CM_A"}),
        ("x = i['run_script_input']['env'].get('CM_A')", {"CM_A"}),
        ("env['CM_A'] = '<<<CM_B>>> $CM_C ${CM_D}'", {"CM_B", "CM_C", "CM_D"}),
        ("if (n := env.get('CM_A')): pass", {"CM_A"}),
        ("return {'return': 0, 'env': env}", set()),
        ("for k in ['CM_A', 'CM_B']: x = env.get(k)", {"CM_A", "CM_B"}),
        ("k = 'CM_A'\n    x = env[k]", {"CM_A"}),
        ("k = 'CM_A' if n else 'CM_B'\n    x = env[k]", {"CM_A", "CM_B"}),
        ("for i in range(9): x = f(str(i), i + 1)", set()),
        ("x = [env.get(k) for k in ('CM_A', 'CM_B')]", {"CM_A", "CM_B"}),
    ],
)
def test_what_hooks_name(line: str, names: set[str]) -> None:
    found = of_code(HOOK.format(line)).env
    assert (set(found.names), found.everything) == (names, False)


TWO = """\
def two(v):
    v['CM_B']
def one(w):
    two(w)
def preprocess(i):
    one(w=i['env'])
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(e, k):\n    e['CM_A']\ndef preprocess(i):\n    f(i['env'], 1)", {"CM_A"}),
        ("def f(j):\n    j['env']['CM_A']\ndef preprocess(i):\n    f(i)", {"CM_A"}),
        ("def preprocess(given):\n    e = given['env']\n    e.get('CM_A')", {"CM_A"}),
        (TWO, {"CM_B"}),
    ],
)
def test_through_functions_of_the_file(text: str, names: set[str]) -> None:
    found = of_code(text).env
    assert (set(found.names), found.everything) == (names, False)


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("x = env[f'CM_{n}_PATH']", "CM_*_PATH"),
        ("x = env.get('CM_' + n)", "CM_*"),
        ("x = env['CM_%s' % n]", "CM_*"),
    ],
)
def test_computed_names_are_patterns(line: str, pattern: str) -> None:
    found = of_code(HOOK.format(line)).env
    assert (found.patterns, found.everything) == ((pattern,), False)


@pytest.mark.parametrize(
    "line",
    [
        "for k in env: pass",
        "x = dict(env)",
        "x = env[n]",
        "for k in ['CM_A', n]: x = env[k]",
        "for k in ['CM_A']:\n        k = n\n        x = env[k]",
        "for k, j in [('CM_A', 'CM_B')]: x = env[k]",
        "k = 'CM_A'\n    k += n\n    x = env[k]",
        "x = env.items()",
        "x = f(env)",
        "x = f(e=env)",
        "x = [env]",
        "x = env if n else {}",
        "self.env = env",
        "return env",
        "x = {**env}",
        "x = {'e': env}\n    y = x['e']['CM_A']",
        "x = {'j': i}\n    f(x)",
        "return {'e': env}",
        "x = i.copy()",
        "x = f(i)",
        "for i in range(0): pass\n    f(i)",
        "x = i[n]",
        "x = f(i['input'])",
        "x = i['automation'].surprise({'env': env})",
        "x = env == {}",
        "x = (lambda: env)()",
        "exec('env')",
        "x = locals()",
        "x = os.environ if n else env",
        "x = helper(*[env])",
        "this is no Python",
    ],
)
def test_what_cannot_be_followed_is_everything(line: str) -> None:
    assert of_code(HOOK.format(line)).env.everything


def test_helpers_of_the_engine_are_known() -> None:
    call = "x = i['automation'].run_native_script({'env': env, 'script_name': 'x'})"
    found = of_code(HOOK.format(call)).env
    assert not found.everything
    assert found.foreign
    call = "x = i['automation'].parse_version({'which_env': i['env']})"
    assert not of_code(HOOK.format(call)).env.everything
    built = "ii = {'env': env}\n    ii['x'] = 1\n    i['automation'].find_artifact(ii)"
    assert not of_code(HOOK.format(built)).env.everything
    assert of_code(HOOK.format("ii = {'env': env}\n    f(ii)")).env.everything


def test_keys_of_the_state() -> None:
    text = "def preprocess(i):\n    state = i['state']\n    state['a'].get('b')\n    'c' in state\n"
    found = of_code(text).state
    assert (set(found.names), found.everything) == ({"a", "c"}, False)
    assert of_code("def preprocess(i):\n    f(i['state'])\n").state.everything


@pytest.mark.parametrize(
    ("block", "names", "patterns"),
    [
        ({"deps": [{"tags": "x", "enable_if_env": {"CM_A": ["1"]}}]}, {"CM_A"}, ()),
        ({"versions": {"1": {"env": {"CM_A": "<<<CM_B>>>/$X"}}}}, {"CM_A", "CM_B", "X"}, ()),
        ({"default_env": {"CM_A": "x"}}, {"CM_A"}, ()),
        ({"variations": {"v.#": {"env": {"CM_#": "#"}}}}, set(), ("CM_*",)),
        ({"new_env_keys": ["CM_A", "CM_B_*"]}, {"CM_A"}, ("CM_B_*",)),
        ({"input_mapping": {"a": "CM_A"}}, {"CM_A"}, ()),
        ({"update_tags_from_env": ["CM_A"]}, {"CM_A"}, ()),
        ({"update_tags_from_env_with_prefix": {"_": ["CM_A"], "_w": "XB"}}, {"CM_A", "XB"}, ()),
        ({"update_tags_if_env": {"_v": {"skip_if_any_env": {"CM_A": ["1"]}}}}, {"CM_A"}, ()),
        ({"extra_cache_tags_from_env": [{"env": "CM_A", "prefix": "x-"}]}, {"CM_A"}, ()),
        ({"env_key_mappings": {"CM_A_": "CM_B_"}}, set(), ("CM_A_*",)),
        ({"tests": {"env": {"CM_A": "x"}}}, set(), ()),
    ],
)  # fmt: skip
def test_what_a_meta_names(block: Any, names: set[str], patterns: tuple[str, ...]) -> None:
    found = of_block(block).env
    assert (set(found.names), found.patterns) == (names, patterns)


@pytest.mark.parametrize(
    ("name", "text", "looks", "everything"),
    [
        ("run.sh", "echo $CM_A ${XY:-1} \"${CM_B}\"\n", {"CM_A", "XY", "CM_B", "PATH"}, False),
        ("run.sh", "python3 ${CM_TMP_CURRENT_SCRIPT_PATH}/x.py --a=CM_A\n", {"CM_A"}, False),
        ("x.py", "import os\nprint(os.environ['CM_A'])\n", {"CM_A"}, False),
        ("x.py", "import os\nprint(os.environ['CM_' + x])\n", {"CM_ANY"}, False),
        ("x.py", "import os\nfor k in os.environ:\n    pass\n", set(), True),
        ("run.sh", "env | grep X\n", set(), True),
        ("run.sh", "printenv CM_A\n", set(), True),
        ("run.sh", "x=CM_A\necho ${!x}\n", set(), True),
        ("run.sh", "eval echo \\$$x\n", set(), True),
        ("run.sh", "declare -p\n", set(), True),
        ("run.sh", "cat /proc/self/environ\n", set(), True),
        ("run.sh", ". ${CM_OTHER}/env.sh\n", set(), True),
        ("run.sh", "bash \"$CM_OTHER/env.sh\"\n", set(), True),
        ("run.sh", "bash ${CM_TMP_CURRENT_SCRIPT_PATH}/sub/x.sh\n", set(), False),
        ("run.sh", "# env | sort\nexport A=1\n", set(), False),
    ],
)  # fmt: skip
def test_what_native_scripts_look_at(
    tmp_path: Path, name: str, text: str, looks: set[str], everything: bool
) -> None:
    (tmp_path / name).write_text(text)
    found = of_recipe(str(tmp_path), {}).env
    assert found.everything is everything
    assert [key for key in looks if not found.looks_at(key)] == []
    assert found.looks_at("CM_NOBODY_NAMES_IT") is (
        everything or (name == "x.py" and "CM_' +" in text)
    )


def test_a_program_sees_what_is_not_made_for_recipes(tmp_path: Path) -> None:
    assert not of_recipe(str(tmp_path), {}).env.looks_at("+LD_LIBRARY_PATH")
    (tmp_path / "run.sh").write_text("true\n")
    found = of_recipe(str(tmp_path), {}).env
    assert found.looks_at("+LD_LIBRARY_PATH")
    assert found.looks_at("CC")
    assert not found.looks_at("CM_CC")
    assert found.meets("*_PATH")


def test_both_spellings_of_a_list() -> None:
    assert [bare(key) for key in ("+PATH", "+,LIST", "+ FLAGS", "X")] == [
        "PATH",
        "LIST",
        "FLAGS",
        "X",
    ]
    assert Reads(frozenset({"PATH"})).looks_at("+PATH")


def test_a_variable_that_another_one_names() -> None:
    found = of_block({"new_env_keys": ["<<<CM_A>>>"]}).env
    assert found.looks_at("CM_B")
    assert found.meets("CM_B*")
    known = found.resolved({"CM_A": "CM_C"})
    assert [known.looks_at(key) for key in ("CM_A", "CM_B", "CM_C")] == [True, False, True]
    assert found.resolved({"CM_A": "CM_*"}).looks_at("CM_B")
    assert not found.resolved({}).looks_at("CM_B")


NAMES = st.text("AB_", min_size=1, max_size=4)
PATTERNS = st.text("AB_*?", min_size=1, max_size=4)


@given(NAMES, PATTERNS, PATTERNS)
def test_patterns_that_share_a_name_overlap(name: str, one: str, other: str) -> None:
    from fnmatch import fnmatchcase

    if fnmatchcase(name, one) and fnmatchcase(name, other):
        assert overlap(one, other)
        assert Reads(patterns=(one,)).meets(other)
    if fnmatchcase(name, one):
        assert Reads(frozenset({name})).meets(one)
        assert Reads(patterns=(one,)).looks_at(name)
