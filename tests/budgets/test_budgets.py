"""What a command may do: modules, files, folders, processes, SQL statements.

Times say nothing on a busy machine; these counts are the same each time. The budgets stand in
budgets.toml. A count that rose says so, with what was added; raise its budget only when what the
command now does is worth it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import kit
import pytest
import trials

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
TABLE = tomllib.loads((HERE / "budgets.toml").read_text("utf-8"))
FEW, MANY = 4, 12
STEP = '#!/bin/bash\necho "CM_{key}=made" > tmp-run-env.out\n'
#: Seconds after which the index and the cache trust times of files.
SETTLED = 2.5
Counts = dict[str, list[str]]


class Desk:
    """A home with some recipes, and `cm` under the probe."""

    def __init__(self, folder: Path) -> None:
        files: dict[str, Any] = {"cmr.yaml": "alias: budgets\nuid: 1f0e1d2c3b4a5968\n"}
        kinds = {"leaf": True, "step": False}
        for number in range(MANY):
            for kind, cached in kinds.items():
                name = f"{kind}-{number}"
                key = name.upper().replace("-", "_")
                uid = f"{'ab'[cached]}{number:015x}"
                run = STEP.replace("{key}", key)
                files |= trials.recipe(name, uid, cache=cached, run=run)
        for count in (FEW, MANY):
            for kind in kinds:
                deps = "\n- tags: ".join(f"make,{kind}-{number}" for number in range(count))
                uid = f"{'cd'[kind == 'leaf']}{count:015x}"
                files |= trials.recipe(
                    f"all-{kind}-{count}", uid, deps=deps, cache=False, run="#!/bin/bash\n"
                )
        hello = "#!/bin/bash\necho hello\n"
        files |= trials.recipe("hello", "e000000000000000", cache=False, run=hello)
        self.folder = folder
        self.home = folder / "home"
        self.environment = {
            "PATH": kit.SYSTEM_PATH,
            "HOME": str(folder),
            "CM_HOME": str(self.home),
            "LANG": "C.UTF-8",
        }
        (folder / "work").mkdir()
        root = kit.write_tree(folder / "recipes", files)
        kit.must(self.cm("add", "collection", str(root)))
        # Files that changed a moment ago are read again, until the clock can tell a later change.
        time.sleep(SETTLED)

    def cm(self, *words: str) -> kit.Answer:
        """Run `cm` unobserved."""
        argv = [sys.executable, "-m", "cmcore", *words]
        return kit.run(argv, env=self.environment, cwd=self.folder / "work")

    def empty_cache(self) -> None:
        """Remove all entries; there may be none, when this test is the first of its process."""
        answer = self.cm("rm", "cache", "-f")
        assert answer.code == 0 or "the cache is empty" in answer.text, answer.text
        # The cache, too, lists a folder again that changed a moment ago.
        time.sleep(SETTLED)

    def counts(self, *words: str) -> Counts:
        """What the second execution of a command does; the first may have had to prepare."""
        self.once(*words)
        return self.once(*words)

    def once(self, *words: str) -> Counts:
        """What one execution does: the things that were counted, by kind."""
        report = self.folder / "report.json"
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(kit.CHECKOUT), "/dev/"}
        argv = [sys.executable, str(HERE / "probe.py"), str(report), *prefixes, "--", *words]
        kit.must(kit.run(argv, env=self.environment, cwd=self.folder / "work"))
        found: Counts = json.loads(report.read_text())["counts"]
        return found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The home that all workloads share."""
    return Desk(tmp_path_factory.mktemp("budgets"))


def budget(workload: str) -> dict[str, float]:
    """The line of the table, with what this Python needs instead."""
    line = dict(TABLE["budgets"][workload])
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    more: dict[str, float] = TABLE["python"].get(version, {}).get(workload, {})
    return line | more


def hold(workload: str, counts: Counts, *, per: float = 1, less: Counts | None = None) -> None:
    """Compare with the budget; what rose is named, and how the whole line would read."""
    allowed = budget(workload)
    found: dict[str, float] = {}
    risen = []
    for kind in allowed:
        had = Counter(counts[kind]) - Counter((less or {}).get(kind, []))
        number = (len(counts[kind]) - len((less or {}).get(kind, []))) / per
        found[kind] = int(number) if number == int(number) else round(number, 2)
        if found[kind] > allowed[kind]:
            added = "\n    ".join(f"{n} x {what}" for what, n in had.most_common(60))
            risen.append(f"  {kind}: {found[kind]}, budget {allowed[kind]}:\n    {added}")
    line = ", ".join(f"{kind} = {number}" for kind, number in found.items())
    print(f'"{workload}" = {{ {line} }}')
    assert not risen, "\n".join([f"`{workload}` does more than its budget allows", *risen])


ONE = {
    "--version": ("--version",),
    "--help": ("--help",),
    "run --help": ("run", "--help"),
    "find by tags": ("find", "script", "--tags=make,hello"),
    "find by alias": ("find", "script", "make-hello"),
    "find by UID": ("find", "script", "e000000000000000"),
    "find nothing": ("find", "script", "--tags=no,such"),
    "list all": ("find", "script"),
    "run trivial": ("run", "script", "--tags=make,hello", "--quiet"),
    "run cached": ("run", "script", "--tags=make,leaf-1", "--quiet"),
}


@pytest.mark.parametrize("workload", ONE)
def test_one_command(desk: Desk, workload: str) -> None:
    hold(workload, desk.counts(*ONE[workload]))


def fan(desk: Desk, kind: str, count: int, *, cold: bool = False) -> Counts:
    """Counts of a recipe with `count` dependencies."""
    words = ("run", "script", f"--tags=make,all-{kind}-{count}", "--quiet")
    if cold:
        desk.empty_cache()
        return desk.once(*words)
    return desk.counts(*words)


@pytest.mark.parametrize(
    ("workload", "kind", "cold"),
    [
        ("one more cached dependency", "leaf", False),
        ("one more uncached dependency", "step", False),
        ("one more cold dependency", "leaf", True),
    ],
)
def test_one_more_dependency(desk: Desk, workload: str, kind: str, cold: bool) -> None:
    few, many = (fan(desk, kind, count, cold=cold) for count in (FEW, MANY))
    hold(workload, many, per=MANY - FEW, less=few)


def test_a_list_asks_no_question_per_artifact(desk: Desk) -> None:
    one = desk.counts("find", "script", "--tags=make,hello")
    every = desk.counts("find", "script")
    for kind in ("files", "folders", "statements"):
        assert len(every[kind]) <= len(one[kind]) + 2, every[kind]


def test_the_probe_sees_what_it_counts(desk: Desk, tmp_path: Path) -> None:
    desk.empty_cache()
    counts = desk.once("run", "script", "--tags=make,leaf-0", "--quiet")
    assert any("bash" in text for text in counts["processes"])
    assert any(name.endswith("_cm.json") for name in counts["files"])
    assert any(text.lstrip().upper().startswith("SELECT") for text in counts["statements"])
    assert "cm_script" in counts["ours"]
    assert "os" not in counts["stdlib"]
