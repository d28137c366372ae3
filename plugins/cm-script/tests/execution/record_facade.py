"""Ask cmind and mlcflow what `facade_facts.json` holds.

    python record_facade.py CM_PROGRAM CM_RECIPES MLC_PROGRAM

CM_PROGRAM and MLC_PROGRAM are `cm` of cmind 4.2.0 and `mlcr` of mlcflow 1.3.8 in environments of
their own; CM_RECIPES is a copy of cmx4mlops, whose collection brings CM's automations.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FACTS = HERE / "facade_facts.json"


def make_world(folder: Path, dialect: str) -> Path:
    """A collection with the probe recipe of one dialect and configurations; its folder."""
    recipe = folder / "script" / "facade-probe"
    recipe.mkdir(parents=True)
    meta = {
        "alias": "facade-probe",
        "uid": "00112233445566bb",
        "automation_alias": "script",
        "automation_uid": "5b4e0237da074764",
        "tags": ["facade-probe"],
        "probes": dialect,
        "variations": {"x": {}},
    }
    own = {"alias": "probe-world", "uid": "00112233445566aa", "git": False}
    for path, data in (
        (folder / ("cmr.yaml" if dialect == "cm" else "meta.yaml"), own),
        (recipe / ("_cm.json" if dialect == "cm" else "meta.json"), meta),
    ):
        path.write_text(json.dumps(data))
    calls = (HERE / "facade_calls.py").read_text(encoding="utf-8")
    hook = "\ndef preprocess(i):\n    return answers(i)\n"
    (recipe / "customize.py").write_text(calls + hook, encoding="utf-8")
    (recipe / "other.sh").write_text("echo REPORTED=yes > tmp-run-env.out\n")
    (recipe / "failing.sh").write_text("exit 3\n")
    if dialect == "cm":
        _configurations(folder / "cfg" / "probe-cfg")
    return folder


def _configurations(folder: Path) -> None:
    folder.mkdir(parents=True)
    meta = {
        "alias": "probe-cfg",
        "uid": "00112233445566cc",
        "automation_alias": "cfg",
        "automation_uid": "88dce9c160324c5d",
        "tags": ["probe", "cfg"],
    }
    (folder / "_cm.json").write_text(json.dumps(meta))
    files = {
        "run-a.json": {"uid": "a1", "kind": "x", "name": "The A", "tags": "one,two"},
        "run-b.yaml": {"uid": "b1", "kind": "y", "name": "The B", "extra": [1]},
        "other.json": {"_base": "run-b.yaml", "uid": "c1", "name": " and C", "extra": [2]},
        "far.yaml": {"_base": "probe-cfg:run-a.json", "uid": "d1", "tags": ",three"},
    }
    for name, data in files.items():
        (folder / name).write_text(json.dumps(data))


def ask(program: str, dialect: str, others: list[str]) -> dict[str, object]:
    """What a reference engine answers."""
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch).resolve()
        world = make_world(top / "probe-world", dialect)
        home, work = top / "home", top / "work"
        (home / "local").mkdir(parents=True)
        (home / "local" / "cache").mkdir()
        work.mkdir()
        local = {"alias": "local", "name": "local", "uid": "0123456789abcdef"}
        (home / "local" / "meta.yaml").write_text(json.dumps(local))
        folders = [*others, str(world)]
        if dialect == "mlc":
            folders.insert(0, str(home / "local"))
        (home / "repos.json").write_text(json.dumps(folders))
        words = ["run", "script"] if dialect == "cm" else []
        done = subprocess.run(
            [program, *words, "--tags=facade-probe", "--quiet"],
            cwd=work,
            env={**os.environ, f"{dialect.upper()}_REPOS": str(home), "HOME": str(top)},
            check=False,
        )
        assert done.returncode == 0, done.returncode
        found: dict[str, object] = json.loads((work / "answers.json").read_text("utf-8"))
        return found


def main() -> None:
    """Write the facts anew."""
    cm, recipes, mlc = sys.argv[1:]
    facts = {"cm": ask(cm, "cm", [recipes]), "mlc": ask(mlc, "mlc", [])}
    text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False)
    FACTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
