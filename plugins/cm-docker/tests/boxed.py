"""Published recipes that run natively and in a container, and how their answers compare.

"Native" is the same base image with the same Debian packages, our packages installed by pip, and
`cm run script` typed there: on any other machine the versions and paths of tools would differ, and
equality would say nothing. What is left to differ are the places where things lie.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kit import write_tree
from world import PROGRAM


class Case(NamedTuple):
    """One request.

    Attributes:
        name: unique within the dialect.
        tags: what is asked for.
        flags: further words; `{input}` is a folder of files, `{work}` the current folder.
        files: what it leaves in the current folder.
        quick: part of the short run.
    """

    name: str
    tags: str
    flags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    quick: bool = False


def _cases(p: str) -> tuple[Case, ...]:
    return (
        Case("detect-os", "detect,os", quick=True),
        Case("detect-cpu", "detect,cpu"),
        Case("get-python3", "get,python3"),
        Case("get-gcc", "get,gcc"),
        Case("get-cmake", "get,cmake"),
        Case("get-compiler-flags", "get,compiler-flags", ("--adr.compiler.tags=gcc",)),
        Case(
            "get-generic-python-lib",
            "get,generic-python-lib,_package.tinysum",
            # The index that it installs from is on this machine.
            ("--docker.network=host",),
        ),
        Case("get-generic-sys-util", "get,generic-sys-util,_xz"),
        Case("get-openssl", "get,openssl"),
        Case(
            "compile-program",
            "compile,program",
            (
                f"--env.{p}_SOURCE_FOLDER_PATH={{input}}",
                f"--env.{p}_RUN_DIR={{work}}",
                f"--env.{p}_C_SOURCE_FILES=sum.c",
                "--adr.compiler.tags=gcc",
                # It writes its objects beside the sources.
                "--docker.mount={input}:{input}:rw",
            ),
            files=("run.out",),
        ),
        Case(
            "tar-my-folder",
            "run,tar",
            ("--input_dir={input}/packed", "--output_dir={work}"),
            files=("packed.tar.gz",),
            quick=True,
        ),
        Case(
            "extract-file",
            "extract,file,_keep",
            ("--input={input}/bundle.tar.gz", "--to={work}/unpacked"),
            files=("unpacked/bundle/inside.txt",),
        ),
        Case("run-python", "run,python", ("--command={input}/print.py",)),
    )


CASES = {
    "cm": (
        *_cases("CM"),
        Case("print-hello-world", "print,hello-world,native-script", quick=True),
        Case("print-any-text", "print,any-text", ("--text=forty two",)),
    ),
    "mlc": _cases("MLC"),
}
#: `{dialect}/{name}` of all of them.
NAMES = [f"{dialect}/{case.name}" for dialect, cases in CASES.items() for case in cases]


def case(name: str) -> Case:
    """The case called `{dialect}/{name}`."""
    dialect, _, short = name.partition("/")
    return next(case for case in CASES[dialect] if case.name == short)


def inputs(folder: Path) -> Path:
    """The files that the cases read, in a new folder."""
    write_tree(
        folder,
        {
            "sum.c": PROGRAM,
            "print.py": 'print("forty", "two")\n',
            "packed/one.txt": "one\n",
            "bundle/inside.txt": "was packed\n",
        },
    )
    with tarfile.open(folder / "bundle.tar.gz", "w:gz") as archive:
        archive.add(folder / "bundle", "bundle")
    return folder


def words(name: str, folder: Path, work: Path, *, boxed: bool = False) -> list[str]:
    """The words after `cm run script`, or after `cm docker script` when `boxed`."""
    asked = case(name)
    flags = [flag.format(input=folder, work=work) for flag in asked.flags]
    flags = [flag for flag in flags if boxed or not flag.startswith("--docker.")]
    dialect = name.partition("/")[0]
    return [f"--tags={asked.tags}", *flags, f"--dialect={dialect}", "--quiet"]


#: What belongs to one process, or to the way a program was started.
PASSING = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?|/tmp/tmp[a-z0-9_]{8}")
#: Facts of the very moment or the very machine: clock rates, load, memory that is free.
UNSTEADY = re.compile(r"MHZ|HOST_(SYSTEM_NAME|UPTIME)|BOGOMIPS|HOSTNAME|MEMORY_FREE", re.IGNORECASE)


def plain(value: Any, places: Mapping[str, str]) -> Any:
    """`value` with folders by their role, caches' entries without number, no passing facts."""
    if isinstance(value, dict):
        return {k: plain(v, places) for k, v in value.items() if not UNSTEADY.search(k)}
    if isinstance(value, list):
        return [plain(item, places) for item in value]
    if not isinstance(value, str):
        return value
    for folder in sorted(places, key=len, reverse=True):
        value = re.sub(re.escape(folder) + r"(?=$|[/\s:;'\",])", f"<{places[folder]}>", value)
    value = re.sub(r"(<HOME>/[^\s:;'\",]*?)cache/[^/\s:;'\",]+", r"<ENTRY>", value)
    # The second word of `uname -a` is the name of the machine, and a container has its own.
    value = re.sub(r"^Linux \S+ (?=\d)", "Linux <NAME> ", value)
    return PASSING.sub("<MOMENT>", value)


def left(folder: Path, names: tuple[str, ...]) -> dict[str, tuple[int, str]]:
    """Size and kind of the files that must be there: `{name: (bytes, "file")}`."""
    found = {}
    for name in names:
        path = folder / name
        if path.is_file():
            found[name] = (path.stat().st_size, "program" if os.access(path, os.X_OK) else "file")
    return found


#: Runs cases one after the other, each with a cache of its own; reads them from a JSON file.
DRIVER = """
import json, os, shutil, subprocess, sys
cases = json.load(open(sys.argv[1]))
answers = {}
home = os.environ["CM_HOME"]
shutil.copytree(home, home + ".new")
for name, (work, words) in cases.items():
    shutil.rmtree(home)
    shutil.copytree(home + ".new", home)
    done = subprocess.run(["cm", "run", "script", *words, "--out=json"], cwd=work,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    answers[name] = [done.returncode, done.stdout, done.stderr[-4000:]]
json.dump(answers, open(sys.argv[2], "w"))
"""


def answer(text: str) -> dict[str, Any]:
    """The part of a run's answer that another run of the same must give again."""
    found = json.loads(text)
    return {key: found.get(key) or {} for key in ("new_env", "new_state")}
