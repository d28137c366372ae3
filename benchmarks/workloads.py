"""Which commands are measured; one function for each engine and for the floor."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import generate
import kit
from generate import CHAIN, FAN, FEW, MANY
from measuring import Cell
from places import Engine, environment

CLICK = """import click
@click.group()
def main(): pass
for name in "search add run load show remove copy".split():
    main.command(name, help="do it")(lambda: None)
main()
"""
# What an index of the recipes cannot do without: each file read and parsed once, by libyaml.
PARSE = """import glob, json, sys, yaml
for kind in ("_cm.yaml", "_cm.json", "meta.yaml", "meta.json"):
    for depth in ("/*/*/", "/*/*/*/"):
        for path in glob.glob(sys.argv[1] + depth + kind):
            with open(path, "rb") as file:
                json.load(file) if kind[-1] == "n" else yaml.load(file, yaml.CSafeLoader)
print("done")
"""
BASH = """import subprocess
subprocess.run(["bash", "-c", "echo hello"])
"""
SPAWNED = """import os
os.waitpid(os.posix_spawn("/bin/bash", ["bash", "-c", "echo hello"], {}), 0)
"""
# What a native step cannot do without: bash sources the recipe's script, the engine reads the
# environment that the script wrote.
STEPS = """import os, sys
for number in range(int(sys.argv[1])):
    words = ["bash", "-c", ". " + sys.argv[2]]
    os.waitpid(os.posix_spawn("/bin/bash", words, os.environ), 0)
    with open("tmp-run-env.out") as file:
        read = dict(line.rstrip().split("=", 1) for line in file)
    os.unlink("tmp-run-env.out")
"""

#: Numbers of generated recipes and of cache entries.
RECIPES = (300, 10_000, 100_000)
ENTRIES = (100, 10_000, 100_000)
DETECT_OS = {"cm": "repo/script/detect-os/_cm.yaml", "mlc": "script/detect-os/meta.yaml"}


def floor(work: Path, venv: Path, corpus: Callable[[str], Path]) -> Iterator[Cell]:
    """What nobody can go below."""
    home = work / "floor"
    env = environment(home, venv)
    python = str(venv / "bin/python")
    kit.write_tree(home, {"help.py": CLICK, "parse.py": PARSE, "steps.py": STEPS})
    kit.write_tree(home, {"bash.py": BASH, "spawned.py": SPAWNED})
    kit.write_tree(home, {"step.sh": generate.STEP.replace("{key}", "CM_STEP")})
    script = str(home / "step.sh")
    rows: dict[str, tuple[str, ...]] = {
        "python": (python, "-c", "pass"),
        "click": (python, str(home / "help.py"), "--help"),
        "bash": ("/bin/bash", "-c", "echo"),
        "python + bash": (python, str(home / "bash.py")),
        "python + bash, without subprocess": (python, str(home / "spawned.py")),
        "parse cm": (python, str(home / "parse.py"), str(corpus("cm"))),
        "parse mlc": (python, str(home / "parse.py"), str(corpus("mlc"))),
        f"steps {FEW}": (python, str(home / "steps.py"), str(FEW), script),
        f"steps {MANY}": (python, str(home / "steps.py"), str(MANY), script),
    }
    for load, argv in rows.items():
        yield Cell(load, "floor", argv, env, str(home))


def basic(engine: Engine) -> Iterator[Cell]:
    """Start-up."""
    env = engine.scene("small", engine.small())
    help_words = "help" if engine.name == "cmind" else "--help"
    for load, word in {"--version": "--version", "--help": help_words}.items():
        yield Cell(load, engine.name, (engine.command, word), env, str(engine.cwd))


def published(engine: Engine, name: str) -> Iterator[Cell]:
    """Searches in the published recipes `name`, their first index, and a run beside them."""
    root = engine.corpus(name)
    env = engine.scene(name, root, engine.small())
    meta = (root / DETECT_OS[name]).read_text("utf-8")
    (number,) = re.findall(r"^uid: *[\"']?([0-9a-f]{16})", meta, re.MULTILINE)
    cwd = str(engine.cwd)

    def find(load: str, words: tuple[str, ...], wants: str = "detect-os") -> Cell:
        codes = (0,) if wants else (0, 1)  # only a search that finds nothing may fail
        argv = engine.find_words(*words)
        return Cell(f"{load}, {name}", engine.name, argv, env, cwd, wants, codes)

    yield find("find by tags", ("--tags=detect,os",))
    yield find("find by alias", ("detect-os",))
    yield find("find by UID", (number,))
    yield find("find nothing", ("--tags=no,such",), "")
    yield find("list all", ())._replace(argv=engine.list_words())
    run = engine.run_words("hello")
    yield Cell(f"run hello, {name}", engine.name, run, env, cwd, ran=1)
    engine.scene(f"{name}-first", root)
    env = engine.env(f"{name}-first")
    first = find("first index", ("--tags=detect,os",))
    yield first._replace(before=engine.without_index(f"{name}-first"))


def running(engine: Engine) -> Iterator[Cell]:
    """Recipes that are run: trivial, cached, fan-outs, a chain; cold ones in a home restored."""
    env = engine.env("small")
    cwd = str(engine.cwd)

    def run(load: str, tag: str, ran: int, count: bool = False) -> Cell:
        argv = engine.run_words(tag)
        return Cell(load, engine.name, argv, env, cwd, ran=ran, processes=count)

    for tag in ("kept", "link-0", *(f"fan-{count}" for count in (FEW, FAN, MANY))):
        engine.must("small", *engine.run_words(tag)[1:])
    yield run("run hello, small", "hello", 1, True)
    yield run("run one cached", "kept", 0)
    yield run(f"run chain of {CHAIN} cached", "link-0", 0)
    for count in (FEW, FAN, MANY):
        yield run(f"run fan-out of {count} cached", f"fan-{count}", 1, count == FAN)
    for count in (FEW, MANY):
        yield run(f"run fan-out of {count} uncached", f"plain-{count}", count + 1)
    env = engine.scene("cold", engine.small())
    engine.must("cold", *engine.run_words("hello")[1:])
    restore = engine.restored("cold")
    for count in (FEW, MANY):
        cold = run(f"run fan-out of {count} cold", f"fan-{count}", count + 1)
        yield cold._replace(env=env, before=restore)


def many_recipes(engine: Engine, count: int, *, whole: bool) -> Iterator[Cell]:
    """Searches among `count` generated recipes; `whole` adds those that only we are asked."""
    root = engine.bulk(count)
    number = count // 2
    name = f"bulk-{number}"
    scene = f"bulk-{count}"
    env = engine.scene(scene, root, keep=True)
    words = {"find by tags": (f"--tags=bulk,item-{number}",), "find nothing": ("--tags=no,such",)}
    if whole:
        words |= {"find by alias": (name,), "find by UID": (generate.uid(name),)}
    cwd = str(engine.cwd)
    for load, chosen in words.items():
        missing = load == "find nothing"
        argv = engine.find_words(*chosen)
        wants, codes = ("", (0, 1)) if missing else (name, (0,))
        yield Cell(f"{load}, {count:,}", engine.name, argv, env, cwd, wants, codes)
    if whole and count == RECIPES[1]:
        edited = root / "script" / f"bulk-{number + 1}" / engine.dialect.meta
        argv = engine.find_words(*words["find by tags"])
        load = f"find by tags, {count:,}, one edited"
        before = partial(generate.edit, edited, number + 1)
        yield Cell(load, engine.name, argv, env, cwd, name, before=before)


def many_entries(engine: Engine, count: int) -> Iterator[Cell]:
    """A cached run beside `count` cache entries."""
    env = engine.entries(count)
    argv = engine.run_words("kept")
    yield Cell(f"run one cached, {count:,} entries", engine.name, argv, env, str(engine.cwd), ran=0)


def everything(engine: Engine, *, quick: bool) -> Iterator[Cell]:
    """All cells of one engine of recipes; `quick` leaves out what takes a reference minutes."""
    ours = engine.name == "cmcore"
    dialects = ("cm", "mlc") if ours else (engine.dialect.name,)
    recipes: tuple[int, ...] = RECIPES[: 2 if quick else 3]
    entries: tuple[int, ...] = ENTRIES[: 2 if quick else 3]
    if not ours:
        recipes, entries = ((), ENTRIES[:1]) if quick else (RECIPES[1:2], ENTRIES[:2])
    parts: list[tuple[str, Callable[[], Iterator[Cell]]]] = [("start", partial(basic, engine))]
    parts += [(name, partial(published, engine, name)) for name in dialects]
    parts += [("running", partial(running, engine))]
    parts += [(f"{n} recipes", partial(many_recipes, engine, n, whole=ours)) for n in recipes]
    parts += [(f"{n} entries", partial(many_entries, engine, n)) for n in entries]
    for name, part in parts:
        try:
            yield from list(part())
        except AssertionError as error:
            lines = str(error).strip().splitlines()
            print(f"{engine.name}: left out {name}: {lines[-1][:300]}", file=sys.stderr)


def cmeta(work: Path, venv: Path) -> Iterator[Cell]:
    """cmeta has no recipes of these dialects, and its --version asks a server: --help only."""
    env = environment(work / "cmeta", venv)
    argv = (str(venv / "bin/cmeta"), "--help")
    yield Cell("--help", "cmeta", argv, env, str(work / "cmeta"), codes=(0, 1))
