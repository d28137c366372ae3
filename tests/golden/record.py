"""Record what a reference engine plans for the recipes of a collection.

    python record.py REPOSITORY OUT.jsonl.xz [--python PYTHON] [--number N] [--seed S] [--only TEXT]

REPOSITORY holds `cmr.yaml` (cmind, with the `script` automation that the repository carries) or
`meta.yaml` and `script/` (mlcflow, with its own engine). PYTHON is the interpreter of an
environment that has the engine; without it one is made for this run from the package index. OUT
gets one JSON object a line: the request (see `questions.py`) and `shallow`, the engine's answer to
it in a fake run with fake dependencies:

`rc` (0, an error's number or "exception"), `error`, `selected` (alias,uid), `variation_tags` as
resolved, `explicit` as asked, `deps` (tags of the dependencies and prehook dependencies whose
conditions hold), `deps_x` (the rest of their entries after edits), `env_internal` (environment just
before the export filter), `new_env`, `new_env_keys`, `new_state_keys`, `version`.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

import questions

#: What is installed when no interpreter is given.
ENGINES = {"cm": "cmind==4.2.0", "mlc": "mlcflow==1.3.8"}
INSIDE = Path(__file__).with_name("inside.py")


class Repository(NamedTuple):
    """A collection of recipes in one of the two layouts."""

    dialect: str
    root: Path
    scripts: Path


def repository(root: Path) -> Repository:
    """The layout of a repository.

    Raises:
        SystemExit: it has neither.
    """
    root = root.resolve()
    for scripts in (root / "script", root / "repo" / "script"):
        if scripts.is_dir() and (root / "cmr.yaml").is_file():
            return Repository("cm", root, scripts)
        if scripts.is_dir() and (root / "meta.yaml").is_file():
            return Repository("mlc", root, scripts)
    raise SystemExit(f"{root} holds no cmr.yaml or meta.yaml beside a folder script")


def recipes(found: Repository) -> list[questions.Recipe]:
    """Recipes with the meta that the reference engine of this layout reads."""
    names = ("_cm.yaml", "_cm.json") if found.dialect == "cm" else ("meta.yaml", "meta.json")
    result = []
    for folder in sorted(found.scripts.iterdir()):
        meta: dict[str, Any] = {}
        for name in names:
            if (folder / name).is_file() and not (meta and found.dialect == "mlc"):
                text = (folder / name).read_text(encoding="utf-8-sig")
                loaded = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
                meta.update(loaded if isinstance(loaded, dict) else {})
        if meta:
            result.append(questions.Recipe(str(folder), meta))
    return result


def environment_for(dialect: str, folder: Path) -> Path:
    """A new environment with the engine; the path of its interpreter."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, ENGINES[dialect]], check=True)
    return python


def engine_version(dialect: str, python: Path) -> str:
    """`name version` of the engine that an interpreter has."""
    name = ENGINES[dialect].partition("==")[0]
    code = f"from importlib.metadata import version; print('{name}', version('{name}'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def answers(
    found: Repository, cases: Sequence[dict[str, Any]], python: Path
) -> Iterator[dict[str, Any]]:
    """The cases with their answers, as the engine gives them.

    Raises:
        SystemExit: the engine ended before the last case; its last words.
    """
    with tempfile.TemporaryDirectory(prefix="record-") as scratch:
        home = os.path.realpath(scratch)
        environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": home,
            "PYTHONPYCACHEPREFIX": os.path.join(home, "bytecode"),
            "PYTHONHASHSEED": "0",
        }
        keys = ("id", "kind", "script", "uid", "tags", "args", "cmd", "path")
        lines = "".join(json.dumps({key: case[key] for key in keys}) + "\n" for case in cases)
        asked, log = Path(home, "cases"), Path(home, "log")
        asked.write_text(lines, encoding="utf-8")
        with asked.open("rb") as source, log.open("wb") as sink:
            process = subprocess.Popen(
                [python, INSIDE, found.dialect, str(found.root), home],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=sink,
                env=environ,
            )
            assert process.stdout is not None
            count = 0
            for line in process.stdout:
                count += 1
                yield json.loads(line)
        if process.wait() or count != len(cases):
            words = log.read_text(errors="replace").splitlines()[-15:]
            told = f"{python} answered {count} of {len(cases)} cases; its last words:"
            raise SystemExit("\n".join([told, *words]))


def write(path: Path, cases: Iterable[dict[str, Any]]) -> int:
    """Write cases as JSON lines, compressed when the name ends in `.xz`; returns their number."""
    lines = [json.dumps(case) + "\n" for case in cases]
    data = "".join(lines).encode()
    path.write_bytes(lzma.compress(data) if path.suffix == ".xz" else data)
    return len(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--python", type=Path, help="interpreter that has the reference engine")
    parser.add_argument("--number", type=int, default=0, help="a sample of about N cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose id holds this text")
    options = parser.parse_args()
    found = repository(options.repository)
    cases = [
        c for c in questions.questions(recipes(found), found.dialect) if options.only in c["id"]
    ]
    chosen = questions.sample(cases, options.number, options.seed)
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        python = options.python or environment_for(found.dialect, Path(folder, "venv"))
        number = write(options.out, answers(found, chosen, python))
        print(
            f"{number} of {len(cases)} cases recorded with {engine_version(found.dialect, python)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
