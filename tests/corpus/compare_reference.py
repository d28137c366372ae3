"""Ask the reference engines and this one for the same recipes and show every difference.

    nox -s reference [-- --dialect cm --case detect-os --record]

Installs cmind and mlcflow from the package index, each into a fresh environment, registers the
published recipes with both, runs the cases of `cases.py` one after another in one home per engine,
and compares `new_env` and `new_state` key by key, folders replaced by their role. `--record`
writes what the references answered to `expected.json`, which the suite reads.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import corpora
import kit
import world as worlds
from cases import DIALECTS, Case

EXPECTED = Path(__file__).with_name("expected.json")
REFERENCES = {"cm": ("cmind==4.2.0", "cm"), "mlc": ("mlcflow==1.3.8", "mlc")}
#: Stands in `expected.json` for a value that only the recording machine has.
ANY = "*"
#: Facts about one machine: of these, only that the key is there is recorded.
OF_THE_MACHINE = re.compile(
    r"_HOST_(OS|CPU|MEMORY|PLATFORM|SYSTEM|PYTHON|DISK|SERVER|USER)|_VERSION|_CACHE_TAGS|os_uname"
    r"|_COMMIT_HASH|_WITH_PATH$|_INSTALLED_PATH$|_DIR_PATH$|^\+PATH$"
)
Answers = dict[str, dict[str, Any]]


def last_json(text: str) -> dict[str, Any]:
    """The last JSON object with `new_env`; a log prefix may stand before its first brace."""
    decoder = json.JSONDecoder()
    for match in reversed(list(re.finditer(r"(?m)\{$", text))):
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except ValueError:
            continue
        if isinstance(found, dict) and "new_env" in found:
            return found
    return {}


def words_of(case: Case, world: worlds.World, work: Path) -> list[str]:
    """`run script ...` for one case."""
    flags = world.fill((f"--tags={case.tags}", *case.flags), work=str(work))
    return ["run", "script", *flags, "--quiet"]


def summary(answer: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """The part of an answer that engines are compared by."""
    kept = {key: answer.get(key) or {} for key in ("new_env", "new_state")}
    compared: dict[str, Any] = worlds.neutral(kept, places)
    return compared


class Reference:
    """One reference engine in its own environment and home."""

    def __init__(self, dialect: str, folder: Path) -> None:
        requirement, command = REFERENCES[dialect]
        self.dialect, self.folder, self.venv = dialect, folder, folder / "venv"
        self.home, self.work = folder / "home", folder / "work"
        self.command = self.venv / "bin" / command
        if not self.command.exists():
            pip = [self.venv / "bin/python", "-m", "pip"]
            kit.must(kit.run([sys.executable, "-m", "venv", self.venv]))
            kit.must(kit.run([*pip, "install", "-q", requirement]))
        self.work.mkdir(exist_ok=True)
        self._register()

    def _register(self) -> None:
        # A copy: the reference engines write bytecode and indices beside the recipes.
        self.recipes = self.folder / "recipes"
        if self.dialect == "cm":
            corpus = corpora.cm_root()
            repos, self.cache = self.home / "CM", self.home / "CM/repos/local/cache"
            listed = [str(self.recipes)]
        else:
            corpus = corpora.mlc_root()
            repos, self.cache = self.home / "MLC", self.home / "MLC/local/cache"
            local = {"alias": "local", "name": "local", "uid": "0f0e0d0c0b0a0908"}
            kit.write_tree(repos / "local", {"meta.yaml": local})
            self.cache.mkdir(exist_ok=True)
            listed = [str(repos / "local"), str(self.recipes)]
        if not self.recipes.exists():
            shutil.copytree(corpus, self.recipes)
        kit.write_tree(repos, {"repos.json": json.dumps(listed)})
        self.variables = {f"{self.dialect.upper()}_REPOS": str(repos)}

    def places(self, world: worlds.World) -> dict[str, str]:
        """Folders of this engine's answers and the role each plays."""
        return {
            str(self.venv): "VENV",
            str(self.cache): "CACHE",
            str(self.recipes): "RECIPES",
            str(self.work): "WORK",
            str(self.home): "HOME",
            str(world.folder): "WORLD",
        }

    def ask(self, case: Case, world: worlds.World, index: kit.Index) -> dict[str, Any]:
        """Run one case; what the engine answered, summed up, and how it ended."""
        tools = f"{world.tools}:" if case.tools else ""
        env = {
            "PATH": f"{tools}{self.venv / 'bin'}:{kit.SYSTEM_PATH}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_INDEX_URL": index.url,
            **world.environment(),
            **self.variables,
        }
        flag = "--out=json" if self.dialect == "cm" else "-j"
        argv = [str(self.command), *words_of(case, world, self.work), flag]
        done = kit.run(argv, cwd=self.work, env=env, timeout=900)
        answer = last_json(done.err + done.out)
        if done.code or "new_env" not in answer or answer.get("return", 0):
            tail = "\n".join((done.out + done.err).splitlines()[-15:])
            return {"failed": f"exit {done.code}", "tail": tail}
        return summary(answer, self.places(world))


def ours(
    dialect: str, folder: Path, world: worlds.World, index: kit.Index, cases: list[Case]
) -> Answers:
    """The same cases through this project's `cm`, in a fresh environment."""
    root = corpora.cm_root() if dialect == "cm" else corpora.mlc_root()
    machine = kit.Machine(folder / "venv", index)
    machine.install("cmcore", "cm-plugin-script", "cm-plugin-cache")
    user = machine.user(folder / "home")
    user.ok("add", "collection", str(root))
    work = folder / "work"
    work.mkdir()
    answers: Answers = {}
    for case in cases:
        path = f"{world.tools}:{machine.bin}:{kit.SYSTEM_PATH}" if case.tools else ""
        env = {**world.environment(), **({"PATH": path} if path else {})}
        user.env = env
        done = user.run(
            str(machine.bin / "cm"), *words_of(case, world, work), "--out=json", cwd=work
        )
        if done.code:
            tail = "\n".join((done.out + done.err).splitlines()[-15:])
            answers[case.name] = {"failed": f"exit {done.code}", "tail": tail}
        else:
            answers[case.name] = summary(done.json(), our_places(user, root, work, world))
    return answers


def our_places(user: kit.User, root: Path, work: Path, world: worlds.World) -> dict[str, str]:
    """Folders of this project's answers and the role each plays."""
    return {
        str(user.machine.folder): "VENV",
        str(user.cm_home / "cache"): "CACHE",
        str(user.cm_home / "local/cache"): "CACHE",
        str(root): "RECIPES",
        str(work): "WORK",
        str(user.home): "HOME",
        str(world.folder): "WORLD",
    }


def differences(expected: Any, got: Any, where: str = "") -> list[str]:
    """Sentences, one for each key that is missing, extra, or has another value."""
    if isinstance(expected, dict) and isinstance(got, dict):
        found = [f"{where}{key}: missing" for key in sorted(set(expected) - set(got))]
        found += [f"{where}{key}: extra ({got[key]!r})" for key in sorted(set(got) - set(expected))]
        for key in sorted(set(expected) & set(got)):
            found += differences(expected[key], got[key], f"{where}{key}.")
        return found
    return [] if expected in (got, ANY) else [f"{where[:-1]}: {got!r}, expected {expected!r}"]


def record(answers: dict[str, Answers]) -> None:
    """Write the references' answers, without what only this machine has."""

    def blank(value: Any, key: str = "") -> Any:
        if OF_THE_MACHINE.search(key):
            return ANY
        if isinstance(value, dict):
            return {name: blank(item, name) for name, item in value.items()}
        return value

    text = json.dumps(blank(answers), indent=1, sort_keys=True)
    EXPECTED.write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Compare; exit code 1 when anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=DIALECTS)
    parser.add_argument("--case", default="")
    parser.add_argument("--record", action="store_true", help="write expected.json and stop")
    options = parser.parse_args()
    count = 0
    recorded: dict[str, Answers] = {}
    with tempfile.TemporaryDirectory(prefix="compare-") as name:
        scratch = Path(name).resolve()
        for dialect, every in DIALECTS.items():
            if options.dialect not in (None, dialect):
                continue
            cases = [case for case in every if options.case in case.name]
            count += _compare(scratch / dialect, dialect, cases, recorded, options.record)
    if options.record:
        record(recorded)
    return 1 if count else 0


def _compare(
    scratch: Path, dialect: str, cases: list[Case], recorded: dict[str, Answers], only: bool
) -> int:
    scratch.mkdir()
    (scratch / "index").mkdir()
    (scratch / "world").mkdir()
    with (
        worlds.make_world(scratch / "world") as world,
        kit.package_index(scratch / "index") as index,
    ):
        worlds.add_tiny_wheel(index.folder, scratch)
        (scratch / "reference").mkdir()
        engine = Reference(dialect, scratch / "reference")
        theirs = {case.name: engine.ask(case, world, index) for case in cases}
        recorded[dialect] = theirs
        if only:
            failed = [name for name, answer in theirs.items() if "failed" in answer]
            print(f"{dialect}: {len(theirs)} recorded, failed: {failed}")
            return 0
        command = [sys.executable, "-m", "pip", "download", "-q", "-d", str(index.folder)]
        wheels = [kit.build_wheel(kit.CHECKOUT / name, index.folder) for name in kit.PACKAGES]
        kit.must(kit.run([*command, *map(str, wheels)]))
        (scratch / "ours").mkdir()
        mine = ours(dialect, scratch / "ours", world, index, cases)
    count = 0
    for case in cases:
        found = [
            f"{who}: {answer['failed']}\n{answer['tail']}"
            for who, answer in (("reference", theirs[case.name]), ("ours", mine[case.name]))
            if "failed" in answer
        ] or differences(theirs[case.name], mine[case.name])
        count += bool(found)
        print(f"{dialect} {case.name}: {'same' if not found else ''}")
        for line in found:
            print(f"    {line}")
    return count


if __name__ == "__main__":
    sys.exit(main())
