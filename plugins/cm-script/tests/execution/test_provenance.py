"""Data stays data, also inside a value that a recipe writes around it."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from recipe_world import World

from cm_script.dialects import CM
from cm_script.exports import render
from cm_script.osinfo import os_info
from cm_script.placeholders import fill
from cm_script.provenance import Provenance, replaced

#: Text that a shell would act on, if it were a recipe's.
ATTACKS = [
    "$HOME",
    "${HOME}/x",
    "$(touch hacked)",
    "`touch hacked`",
    'a"; touch hacked; "',
    "'; touch hacked; '",
    'a\\$HOME \\" \\` \\\\',
    "one\ntwo $HOME\r\n\tthree ",
    "K=V=$HOME=",
    "\u2028$HOME\u2029\x85\x0b\x0c\x1c",
    "\udcff\udcfe$HOME",  # bytes that are no UTF-8
    "$HOME" + "x" * 100_000,
    "#!$@*?[a]{b,c}~&|;<>()",
]


class Request:
    """As much of an engine as knows what a person typed."""

    def __init__(self, typed: dict[str, str]) -> None:
        self.literal = set(typed)
        self.imported: dict[str, object] = {}
        self.session = None
        self.request = SimpleNamespace(flags={"env": typed}, artifacts=())


def in_bash(env: dict[str, object], data: Provenance) -> dict[str, str]:
    literal = data.literal_keys(env)
    text = render(env, CM, os_info(CM), literal, data.pieces) + "\nenv -0\n"
    done = subprocess.run(
        ["bash"],
        input=text.encode("utf-8", "surrogateescape"),
        env={"PATH": os.environ["PATH"], "HOME": "/home/of/test"},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    pairs = done.stdout.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
    return dict(pair.split("=", 1) for pair in pairs)


texts = st.text(st.characters(exclude_characters="\0<>", exclude_categories=["Cs"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(texts, min_size=1, max_size=8))
@example([text for text in ATTACKS if "\0" not in text])
def test_inserted_text_arrives_as_it_is_beside_references_of_the_recipe(values):
    typed = {f"T_U{n}": value for n, value in enumerate(values)}
    env = {
        **typed,
        **{f"T_V{n}": f"<$HOME|<<<T_U{n}>>>|${{HOME}}>" for n in range(len(values))},
        "+T_LIST": [f"$HOME/<<<{name}>>>" for name in typed],
        # By way of another value, and twice.
        "T_W": "<<<T_V0>>> and <<<T_V0>>> in $HOME",
    }
    request = Request(typed)
    data = Provenance(request)
    for _ in range(2):
        fill(env, data=data)
    seen = in_bash(env, data)
    home = "/home/of/test"
    for n, value in enumerate(values):
        assert seen[f"T_U{n}"] == value
        assert seen[f"T_V{n}"] == f"<{home}|{value}|{home}>"
    assert seen["T_LIST"] == "".join(f"{home}/{value}:" for value in values)
    assert seen["T_W"] == f"{seen['T_V0']} and {seen['T_V0']} in {home}"


@given(st.lists(st.text("aXb", max_size=6), min_size=1, max_size=5), st.text("aXb$", max_size=3))
def test_replacing_in_pieces_is_replacing_in_the_text(pieces, inserted):
    out = replaced(pieces, "X", ["", inserted])
    assert "".join(out) == "".join(pieces).replace("X", inserted)
    old = "".join(piece for n, piece in enumerate(pieces) if n % 2 == 0).replace("X", "")
    assert "".join(piece for n, piece in enumerate(out) if n % 2 == 0) == old


def test_a_value_that_was_changed_is_the_recipe_s_again():
    request = Request({"T_U": "$HOME"})
    data = Provenance(request)
    env = {"T_U": "$HOME", "T_V": "a <<<T_U>>>"}
    fill(env, data=data)
    assert in_bash(env, data)["T_V"] == "a $HOME"
    env["T_V"] += "/$HOME"
    assert in_bash(env, data)["T_V"] == "a /home/of/test//home/of/test"


def test_what_a_recipe_says_itself_is_its_own_though_a_person_typed_the_same():
    data = Provenance(Request({"T_U": "$HOME"}))
    env = {"T_U": "$HOME", "T_OWN": "$HOME", "T_MAPPED": "$HOME"}
    assert data.literal_keys(env, '{"env": {"T_OWN": "$HOME"}}') == {"T_U"}
    assert data.literal_keys(env, "{}") == {"T_U", "T_OWN", "T_MAPPED"}


DUMP = 'env -0 > "$DUMP_TO"\n'
HOOK = """
def preprocess(i):
    i["env"]["T_COPY"] = i["env"].get("T_USER", "")
    i["env"]["T_HOOKS_OWN"] = "$T_A/x"
    return {"return": 0}
"""


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("DUMP_TO", str(tmp_path / "dump"))
    return World(tmp_path)


def dumped(world: World) -> dict[str, str]:
    """What a step saw, in ASCII: a test report cannot carry bytes that are no UTF-8."""
    pairs = (world.home.parent / "dump").read_bytes().decode("utf-8", "surrogateescape")
    found = dict(pair.split("=", 1) for pair in pairs.rstrip("\0").split("\0"))
    return {key: plain(value) for key, value in found.items()}


def plain(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()


@pytest.mark.parametrize("form", ["cm", "mlc"])
@pytest.mark.parametrize("attack", ATTACKS, ids=map(str, range(len(ATTACKS))))
def test_every_way_of_a_person_s_text_into_a_step(world, form, attack):
    world.recipe(
        "child",
        form=form,
        run=DUMP,
        customize=HOOK,
        env={"T_A": "plain", "T_MIX": "$T_A <<<T_USER>>> ${T_A}"},
        input_mapping={"said": "T_MAPPED"},
        variations={"v": {"input_mapping": {"more": "T_MORE"}}},
    )
    world.recipe(
        "parent",
        form=form,
        deps=[{"tags": "child", "names": ["c"], "env": {"T_DEP": "$T_A/<<<T_USER>>>"}}],
    )
    answer = world.run("parent", env={"T_USER": attack}, adr={"c": {"env": {"T_EDITED": attack}}})
    assert answer["return"] == 0, answer
    seen = dumped(world)
    inner = plain(attack)
    assert seen["T_USER"] == seen["T_COPY"] == seen["T_EDITED"] == inner
    assert seen["T_MIX"] == f"plain {inner} plain"
    assert seen["T_DEP"] == f"plain/{inner}"
    assert seen["T_HOOKS_OWN"] == "plain/x"
    answer = world.run("child,_v", said=attack, more=attack)
    assert answer["return"] == 0, answer
    assert [dumped(world)[key] for key in ("T_MAPPED", "T_MORE")] == [inner, inner]
    assert not list(world.home.parent.rglob("hacked"))


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_the_suffix_of_a_variation_is_data_wherever_a_person_typed_it(world, form):
    values = {"T_A": "plain", "T_MIX": "$T_A #", "T_TWICE": "#/<<<T_MIX>>>"}
    world.recipe("child", form=form, run=DUMP, variations={"v.#": {"env": values}})
    world.recipe("typed", form=form, deps=[{"tags": "child", "names": ["c"]}])
    world.recipe("filled", form=form, deps=[{"tags": "child,_v.<<<T_USER>>>"}])
    world.recipe("own", form=form, deps=[{"tags": "child,_v.$T_A"}])
    attack = "a$PWD\\$T_A"
    mixed = {"T_MIX": f"plain {attack}", "T_TWICE": f"{attack}/plain {attack}"}
    for tags, flags in (
        (f"child,_v.{attack}", {}),
        ("typed", {"adr": {"c": {"tags": f"_v.{attack}"}}}),
        ("filled", {"env": {"T_USER": attack}}),
    ):
        assert world.run(tags, **flags)["return"] == 0
        seen = dumped(world)
        assert {key: seen[key] for key in mixed} == mixed, tags
    # What a recipe writes into its own request keeps working.
    assert world.run("own")["return"] == 0
    assert dumped(world)["T_MIX"] == "plain plain"


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_data_is_data_when_it_comes_from_the_cache(world, form):
    attack = "$HOME `x` $(y) \\$z"
    printed = "echo 'T_PRINTED=<$HOME>' > tmp-run-env.out\n"
    world.recipe(
        "made",
        form=form,
        cache=True,
        run=printed,
        env={"T_A": "plain", "T_MIX": "$T_A <<<T_USER>>>"},
        new_env_keys=["T_*"],
    )
    world.recipe("user", form=form, run=DUMP, deps=[{"tags": "made"}])
    for _ in range(2):
        answer = world.run("user", env={"T_USER": attack})
        assert answer["return"] == 0, answer
        seen = dumped(world)
        assert seen["T_USER"] == attack
        assert seen["T_MIX"] == f"plain {attack}"
        assert seen["T_PRINTED"] == "<$HOME>"
    assert len(world.entries()) == 1


def test_data_is_data_in_the_saved_environment(world):
    attack = "$PWD 'x' \"$(touch hacked)\""
    world.recipe(
        "saver",
        run="echo 'T_PRINTED=$PWD' > tmp-run-env.out\n",
        env={"T_A": "plain", "T_MIX": "$T_A <<<T_USER>>>"},
        new_env_keys=["T_*"],
    )
    assert world.run("saver", env={"T_USER": attack}, save_env=True)["return"] == 0
    done = subprocess.run(
        ["bash", "-c", ". ./tmp-env.sh && env -0"], cwd=world.here, capture_output=True, check=True
    )
    pairs = done.stdout.decode().rstrip("\0").split("\0")
    seen = dict(pair.split("=", 1) for pair in pairs)
    assert seen["T_USER"] == attack
    assert seen["T_MIX"] == f"plain {attack}"
    assert seen["T_PRINTED"] == "$PWD"
    assert not (world.here / "hacked").exists()


def test_a_value_that_no_process_can_get_is_named(world):
    world.recipe("child", run=DUMP)
    answer = world.run("child", env={"T_USER": "a\0b"})
    assert answer["return"]
    assert "T_USER" in answer["error"]
    assert "NUL" in answer["error"]


def test_a_megabyte_reaches_the_shell(world):
    """A process cannot get it in its environment; the shell that runs the script has it."""
    text = "$HOME'\"\\" + "x" * (1 << 20)
    world.recipe("child", run='printf %s "$T_USER" > "$DUMP_TO"\n')
    answer = world.run("child", env={"T_USER": text})
    assert answer["return"] == 0, answer
    assert (world.home.parent / "dump").read_text() == text
