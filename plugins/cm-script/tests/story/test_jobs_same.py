"""`--jobs` gives what the serial order gives: generated recipes that read and set variables.

Every recipe writes down what it saw and exports it, so that an overlooked dependency between two
of them shows in the result, in the cache and in the records.
"""

from __future__ import annotations

import gc
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from recipe_world import World

from cm_script.jobs import ahead

NAMES = ("CM_X0", "CM_X1", "XFOREIGN")
LISTS = ("+CM_LIST", "+XLIST")
NUMBER = 40 if os.environ.get("CM_TEST_THOROUGH") else 6

#: How a hook can look at variable V; each leaves text in `seen`.
HOOK_LOOKS = {
    "get": "seen.append(str(env.get('V', '-')))",
    "in": "seen.append(str('V' in env))",
    "helper": "seen.append(look(env))",
    "computed": "seen.append(str(env.get('V'[:-1] + 'V'[-1])))",
    "format": "seen.append(str(env.get(f\"{'V'[:4]}{'V'[4:]}\")))",
    "walk": "seen.append(str(sorted(k for k in env if k.startswith(('CM_X', 'XF', '+')))))",
    "copy": "seen.append(str(dict(env).get('V')))",
    "input": "seen.append(str(i['input']['env'].get('V')))",
    "state": "seen.append(json.dumps(state.get('s0'), sort_keys=True))",
    "wholestate": "seen.append(json.dumps({k: v for k, v in state.items() if k[0] == 's'}))",
}
#: The same for native steps: shell words that print it.
STEP_LOOKS = {
    "plain": "${V:-none}",
    "listed": "$(printenv V)",
    "computed": "$(n=V; echo ${!n})",
    "program": "$(python3 ${MLC_TMP_CURRENT_SCRIPT_PATH:-$CM_TMP_CURRENT_SCRIPT_PATH}/program.py)",
    "file": "$(tr -d ' \\n' < tmp-state.json)",
}


#: Ways that cannot be told from looking at everything: such a recipe is mostly built in its turn.
LOOK_AT_ALL = ("walk", "copy", "computed", "listed", "wholestate", "file")


def looks(table: dict[str, str]) -> st.SearchStrategy[tuple[str, str] | None]:
    named = [kind for kind in sorted(table) if kind not in LOOK_AT_ALL]
    look = st.tuples(st.sampled_from([*sorted(table), *named, *named]), st.sampled_from(NAMES))
    return look | look | st.none()


def recipe(at: int) -> st.SearchStrategy[dict[str, Any]]:
    own = st.just(f"CM_OWN{at}")
    keys = own | st.sampled_from((*NAMES, *NAMES, "CM_X*", *LISTS))
    below = st.lists(st.integers(0, at - 1), max_size=2, unique=True) if at else st.just([])
    return st.fixed_dictionaries(
        {
            "cache": st.sampled_from((True, True, True, False)),
            "exports": st.lists(keys, min_size=1, max_size=2, unique=True),
            "hook": looks(HOOK_LOOKS),
            "step": looks(STEP_LOOKS),
            "meta": st.none()
            | st.tuples(
                st.sampled_from(("placeholder", "reference", "default", "block", "append")),
                st.sampled_from(NAMES),
            ),
            "state": st.booleans(),
            "deps": below,
            "condition": st.sampled_from((None, None, None, *NAMES)),
            "variation": st.sampled_from((None, None, None, *NAMES)),
            "form": st.sampled_from(("cm", "cm", "mlc")),
        }
    )


WORLDS = st.integers(2, 4).flatmap(lambda n: st.tuples(*(recipe(at) for at in range(n))))


def write(world: World, specs: tuple[dict[str, Any], ...], order: list[int]) -> None:
    for at, spec in enumerate(specs):
        write_recipe(world, at, spec)
    deps = [asked(specs, at) for at in order]
    keys = ["CM_X*", "XF*", "+*", "CM_OWN*"]
    top = {"uid": "f" * 16, "new_env_keys": keys, "new_state_keys": ["s*"]}
    world.recipe("top", deps=deps, **top)


def asked(specs: tuple[dict[str, Any], ...], at: int) -> dict[str, Any]:
    dep: dict[str, Any] = {"tags": f"r{at}", "names": [f"n{at}"]}
    if specs[at]["condition"]:
        dep["skip_if_env"] = {specs[at]["condition"]: ["r0"]}
    if specs[at]["variation"]:
        dep["update_tags_if_env"] = {"_more": {"enable_if_env": {specs[at]["variation"]: ["yes"]}}}
    return dep


def write_recipe(world: World, at: int, spec: dict[str, Any]) -> None:
    name = f"r{at}"
    target = spec["exports"][0].replace("*", "0")
    meta: dict[str, Any] = {
        "cache": spec["cache"],
        "uid": f"{at:016x}",
        "new_env_keys": list(spec["exports"]),
        "new_state_keys": ["s0"] if spec["state"] else [],
        "deps": [{"tags": f"r{below}"} for below in spec["deps"]],
        "variations": {"more": {"env": {f"CM_OWN{at}_MORE": "yes"}}},
        "env": {},
    }
    if spec["meta"]:
        kind, variable = spec["meta"]
        own = f"CM_OWN{at}_{kind.upper()}"
        if kind == "placeholder":
            meta["env"][own] = f"<<<{variable}>>>"
        elif kind == "reference":
            meta["env"][own] = f"${variable}"
        elif kind == "default":
            meta["default_env"] = {variable: "default"}
        elif kind == "append":
            meta["env"]["+CM_LIST"] = [name]
        else:
            condition = {variable: ["default", "yes"]}
            meta["update_meta_if_env"] = [{"enable_if_env": condition, "env": {own: "on"}}]
        meta["new_env_keys"].append(own)
    world.recipe(
        name,
        form=spec["form"],
        customize=hook_text(name, target, spec),
        run=step_text(name, target, spec),
        files={"program.py": program_text(spec)},
        **meta,
    )


def hook_text(name: str, target: str, spec: dict[str, Any]) -> str:
    if not spec["hook"] and not spec["state"] and not target.startswith("+"):
        return ""
    look = ""
    variable = "CM_X0"
    if spec["hook"]:
        kind, variable = spec["hook"]
        look = HOOK_LOOKS[kind].replace("'V'", repr(variable))
    lines = [
        "import json",
        f"def look(variables):\n    return str(variables.get({variable!r}))",
        "def preprocess(i):",
        "    env, state, seen = i['env'], i['state'], []",
        f"    {look}" if look else "",
    ]
    if target.startswith("+"):
        lines.append(f"    env.setdefault({target!r}, []).append({name!r} + ':' + ','.join(seen))")
    else:
        lines.append("    env['CM_SEEN'] = ','.join(seen)")
    if spec["state"]:
        lines.append(f"    state.setdefault('s0', {{}})[{name!r}] = seen")
    return "\n".join([*lines, "    return {'return': 0}", ""])


def step_text(name: str, target: str, spec: dict[str, Any]) -> str:
    if not spec["step"]:
        return ""
    kind, variable = spec["step"]
    word = STEP_LOOKS[kind].replace("V", variable) if kind != "program" else STEP_LOOKS[kind]
    out = (
        ""
        if target.startswith("+")
        else f'echo "{target}={name} $CM_SEEN $seen" >> tmp-run-env.out\n'
    )
    return f'seen="{word}"\necho "$seen" > made.txt\n{out}'


def program_text(spec: dict[str, Any]) -> str:
    variable = spec["step"][1] if spec["step"] else "CM_X0"
    return f"import os\nprint(os.environ.get({variable!r}))\n"


def outcome(world: World, answer: dict[str, Any]) -> dict[str, Any]:
    """Everything that a run leaves, with folders and identifiers replaced by names."""
    names: dict[str, str] = {str(world.home): "HOME", str(world.folder): "RECIPES"}
    found = []
    for path in world.entries():
        meta = json.loads((path / "_cm.json").read_text())
        found.append((meta["created"], path, meta))
    found.sort(key=lambda one: one[0])
    for number, (_, path, _) in enumerate(found):
        names[path.name] = f"entry{number}"
    entries = []
    for _, path, meta in found:
        state = json.loads((path / "cm-cached-state.json").read_text())
        files = {p.name: p.read_text() for p in path.glob("made.txt")}
        kept = {k: meta.get(k) for k in ("tags", "key", "inputs", "version", "class", "depends")}
        entries.append([kept, state, files])
    (record,) = (world.home / "records").glob("*.json")
    rows = json.loads(record.read_text())["recipes"]
    ran = [(r["recipe"], r["source"], r["depth"], r["variations"], r["entry"]) for r in rows]
    parts = {k: answer.get(k) for k in ("return", "error", "new_env", "new_state", "deps")}
    unfinished = [p for p in (world.home / "cache").glob("*/") if not (p / "_cm.json").exists()]
    text = json.dumps([parts, entries, ran, len(unfinished)], sort_keys=True)
    for old, new in names.items():
        text = text.replace(old, new)
    text = re.sub(r"\b\w+/here\b", "HERE", text)
    return {"all": json.loads(text)}


@pytest.mark.parametrize("forecast", [True, False], ids=["forecast", "no-forecast"])
@settings(
    max_examples=NUMBER,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes longer than to look
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), specs=WORLDS)
def test_jobs_give_what_the_serial_order_gives(
    monkeypatch: pytest.MonkeyPatch, forecast: bool, data: st.DataObject, specs: Any
) -> None:
    order = data.draw(st.permutations(range(len(specs))))
    started: list[str] = []
    start = ahead.asked_for

    def counted(*arguments: Any) -> Any:
        started.append("job")
        return start(*arguments)

    monkeypatch.setattr(ahead, "asked_for", counted)
    if not forecast:
        # Whatever can be built at all is started; only the comparison afterwards is left.
        monkeypatch.setattr(ahead, "obstacle", lambda late, before: late.alone)
    results = []
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        for folder, jobs in ((one, "1"), (two, "4")):
            world = World(Path(folder))
            write(world, specs, order)
            results.append(outcome(world, world.run("top", jobs=jobs, env={"CM_X1": "given"})))
            gc.collect()  # files of a home stay open as long as its context is there
    event(f"jobs: {len(started)}")
    assert results[0]["all"][0]["return"] == 0, results[0]
    assert results[1] == results[0]
