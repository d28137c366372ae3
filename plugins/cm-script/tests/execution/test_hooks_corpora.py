"""Every published recipe's code loads and finds what it asks of the engine."""

from __future__ import annotations

import json
import types
from pathlib import Path
from types import SimpleNamespace

import corpora
import pytest
from recipe_uses import recipe_files, uses
from recipe_world import World

from cm_script.dialects import CM, MLC
from cm_script.engine import Engine
from cm_script.facade.automation import AutomationFacade
from cm_script.facade.session import session_of
from cmcore.errors import CmError

pytestmark = [pytest.mark.network, pytest.mark.slow]

#: Recipes of the CM package whose code is broken as published.
NO_PYTHON = {"calibrate-model-for.qaic", "generate-nvidia-engine", "launch-benchmark"}

#: Modules that recipes import but that are neither Python's nor ours: other packages, and files
#: that another recipe of the same run brings.
FOREIGN = {
    *("tabulate", "giturlparse", "psutil", "requests", "yaml"),
    *("mlperf_utils", "log_parser", "submission_checker"),
}


def folders(root: Path, pattern: str) -> list[Path]:
    return sorted(path.parent for path in root.glob(pattern))


CASES = [
    (CM, corpora.cm_root, "repo/script/*/customize.py", NO_PYTHON, 250),
    (MLC, corpora.mlc_root, "script/*/customize.py", set(), 400),
]


@pytest.fixture(params=CASES, ids=["cm", "mlc"])
def corpus(request):
    dialect, root, pattern, broken, least = request.param
    found = folders(root(), pattern)
    assert len(found) >= least
    return SimpleNamespace(dialect=dialect, folders=found, broken=broken)


def test_published_code_loads(corpus, recipe, tmp_path):
    run = recipe({}, corpus.dialect)
    refused, wanting = set(), set()
    for folder in corpus.folders:
        run.artifact = run.artifact._replace(alias=folder.name, path=str(folder))
        try:
            run.load()
        except CmError as error:
            if "needs the Python module" in error.message:
                wanting.add(error.message.rpartition(" ")[2].partition(".")[0])
            elif f"{folder}/customize.py:" in error.where:
                refused.add(folder.name)
    assert refused == corpus.broken
    assert wanting <= FOREIGN


#: Keys that each dialect gives to some hooks or only when a user says so.
SOMETIMES = {
    ("i", "const"),  # postprocess of MLCFlow
    ("i", "const_state"),
    ("run_script_input", "script_name"),  # set by hooks
}

#: `i` is also what recipes call the argument of functions of their own.
THEIR_OWN = {
    *(("i", key) for key in ("cmd", "file", "system", "run_state", "misc_module", "selection")),
    *(("i", key) for key in ("tags", "dimensions", "prune", "key", "skip_files", "conc")),
}

#: Requests of published recipes that these plugins leave to others: containers, other hosts.
UNANSWERED = {"cm": {("script", "dockerfile")}, "mlc": {("script", "remote_run")}}

REPORT = """
import json
def note(i):
    rsi = i["run_script_input"]
    owners = {"i": i, "run_script_input": rsi, "os_info": i["os_info"]}
    owners["run_state"] = rsi["run_state"]
    with open("keys.json", "w") as file:
        json.dump({name: sorted(owner) for name, owner in owners.items()}, file)
    return {"return": 0}
preprocess = note
"""


@pytest.fixture
def everything(corpus):
    """What all files of the corpus use, with the recipes that do: `{kind: {use: recipes}}`."""
    found = {"names": {}, "keys": {}, "calls": {}}
    root = corpus.folders[0].parent
    for path in recipe_files(root):
        used = uses(path)
        if used is None:
            continue
        for kind, known in found.items():
            for use in getattr(used, kind):
                known.setdefault(use, set()).add(path.relative_to(root).as_posix())
    return found


def test_every_name_of_the_engine_in_published_code_is_there(everything, corpus, recipe, engine):
    run = recipe({}, corpus.dialect)
    roots = {
        "automation": AutomationFacade(run),
        **{name: session_of(engine).facade(name) for name in ("cmind", "mlc", "utils")},
    }
    assert len(everything["names"]) > 25
    missing = {}
    for chain, recipes in everything["names"].items():
        value = roots[chain[0]]
        for name in chain[1:]:
            if not hasattr(value, name):
                missing[".".join(chain)] = sorted(recipes)
                break
            value = getattr(value, name)
            if not isinstance(value, types.ModuleType) and "access" not in dir(value):
                break
    assert missing == {}


def test_every_key_that_published_hooks_read_is_given(everything, corpus, tmp_path):
    world = World(tmp_path)
    world.recipe("report", form=corpus.dialect.name, customize=REPORT)
    assert world.run("report")["return"] == 0
    given = json.loads((world.here / "keys.json").read_text())
    known = {(owner, key) for owner, keys in given.items() for key in keys}
    read = {use: recipes for use, recipes in everything["keys"].items() if use[0] in given}
    assert len(read) > 12
    missing = {use: sorted(read[use]) for use in set(read) - known - SOMETIMES - THEIR_OWN}
    assert missing == {}


def test_every_request_that_published_code_makes_is_answered(everything, corpus, tmp_path):
    world = World(tmp_path)
    root = corpus.folders[0].parent.parent
    added = world.access("add", "collection", artifact=str(root.parent))
    if added["return"]:
        assert world.access("add", "collection", artifact=str(root))["return"] == 0
    engine = Engine(world.context())
    assert len(everything["calls"]) >= 8
    unanswered = {}
    for (noun, action), recipes in everything["calls"].items():
        # Nothing is found or done: the request is only tried for being understood.
        tags = {} if noun.startswith(("utils", "repo")) else {"tags": "no-such-tag-here"}
        call = {"action": action, "automation": noun, **tags}
        answer = engine.access(call, dialect=corpus.dialect)
        if answer["return"] == 4:
            unanswered[noun.partition(",")[0], action] = sorted(recipes)
    assert set(unanswered) == UNANSWERED[corpus.dialect.name], unanswered
