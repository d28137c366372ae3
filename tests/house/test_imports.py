"""Who may import whom, as docs/architecture.md says it.

import-linter (`nox -s lint`) checks chains of imports; here every single import statement is read,
those inside functions included, and held against the lists below.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from kit import CHECKOUT

TREES = {
    "cmcore": CHECKOUT / "cmcore/src/cmcore",
    "cm_script": CHECKOUT / "plugins/cm-script/src/cm_script",
    "cm_cache": CHECKOUT / "plugins/cm-cache/src/cm_cache",
    "cm_docker": CHECKOUT / "plugins/cm-docker/src/cm_docker",
    "cm_mlperf": CHECKOUT / "plugins/cm-mlperf/src/cm_mlperf",
}
#: Third-party distributions of plugins, by import name.
LIBRARIES = {
    "cm_docker": {"packaging"},
    "cm_mlperf": {
        "PIL", "mlperf_loadgen", "numpy", "onnx", "onnxruntime", "pycocotools", "skl2onnx",
        "sklearn", "threadpoolctl", "torch", "zmq",
    },
}  # fmt: skip
#: Third-party distributions of the core, by import name: where each may be imported.
OF_THE_CORE = {
    "pluggy": ("cmcore.implementations",),
    "yaml": ("cmcore.yamlio",),
    "platformdirs": ("cmcore.paths",),
    "filelock": ("cmcore.storage", "cmcore.locking"),
    # The kit for plugin authors, which only their test runs import.
    "pytest": ("cmcore.testing",),
}
#: Modules of the core that plugins may use. The rest is the core's own business.
PUBLIC = {
    "cmcore",
    "cmcore.actions",
    "cmcore.api",
    "cmcore.artifacts",
    "cmcore.context",
    "cmcore.errors",
    "cmcore.grammar",
    "cmcore.hints",
    "cmcore.hookspecs",
    "cmcore.jsontext",
    "cmcore.naming",
    "cmcore.sqlite",
    "cmcore.storage",
    "cmcore.types",
    "cmcore.yamlio",
}
#: Slow to import: never at the top of a module, so that a command pays only for what it uses.
HEAVY = {
    "asyncio", "click", "concurrent", "dataclasses", "email", "filelock", "http",
    "importlib.metadata", "inspect", "logging", "multiprocessing", "pathlib",
    "platformdirs", "pluggy", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "unittest",
    "urllib.request", "uuid", "xml", "yaml", "zipfile",
}.union(*LIBRARIES.values())  # fmt: skip
#: Modules that are only loaded once somebody has decided to pay for it.
LATE = {
    "cmcore.sqlite": {"sqlite3"},
    "cmcore.testing": {"inspect", "json", "pathlib", "pytest", "shutil", "subprocess"},
}
LINES = 400
#: One file on purpose: the whole contract, most of it documentation.
LONG = {"cmcore.hookspecs"}


class Import(NamedTuple):
    """One imported module: who, what, where, and whether it happens when the module loads."""

    importer: str
    target: str
    place: str
    at_load: bool


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Dotted name and file of each module of a package."""
    root = TREES[package]
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(package: str) -> Iterator[Import]:
    """Every import statement of a package, for type checkers only ones excluded."""
    for name, path in modules(package):
        yield from _walk(ast.parse(path.read_text("utf-8")), name, path, at_load=True)


def _walk(node: ast.AST, name: str, path: Path, *, at_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _walk(other, name, path, at_load=at_load)
            continue
        place = f"{path.relative_to(CHECKOUT)}:{getattr(child, 'lineno', 0)}"
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(name, alias.name, place, at_load)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{place}: relative import; write the whole name"
            for target in _targets(child):
                yield Import(name, target, place, at_load)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(child, name, path, at_load=at_load and not inside)


def _targets(node: ast.ImportFrom) -> Iterator[str]:
    """`from cmcore import errors` imports a module, `from cmcore.errors import CmError` a name."""
    base = node.module or ""
    root = TREES.get(base.partition(".")[0])
    for alias in node.names:
        inner = root.parent / base.replace(".", "/") / alias.name if root else None
        is_module = inner and (
            inner.with_suffix(".py").is_file() or (inner / "__init__.py").is_file()
        )
        yield f"{base}.{alias.name}" if is_module else base


def allowed(module: str, places: tuple[str, ...]) -> bool:
    """Whether a module is one of the places or inside one of them."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


def test_the_reader_sees_imports() -> None:
    """The other tests would pass on an empty list."""
    found = list(imports("cmcore"))
    assert any(i.target == "pluggy" and i.importer == "cmcore.implementations" for i in found)
    assert any(not i.at_load for i in found)
    assert any(i.target == "cmcore.errors" for i in found)


def test_the_core_imports_its_dependencies_where_they_belong() -> None:
    wrong = []
    for found in imports("cmcore"):
        top = found.target.partition(".")[0]
        if top == "cmcore" or top in sys.stdlib_module_names:
            continue
        if top not in OF_THE_CORE or not allowed(found.importer, OF_THE_CORE[top]):
            wrong.append(f"{found.place}: {found.importer} imports {found.target}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", ["cm_script", "cm_cache", "cm_docker", "cm_mlperf"])
def test_plugins_import_public_names_and_never_each_other(package: str) -> None:
    wrong = []
    for found in imports(package):
        top = found.target.partition(".")[0]
        own = top == package or top in sys.stdlib_module_names | LIBRARIES.get(package, set())
        if not own and found.target not in PUBLIC:
            wrong.append(f"{found.place}: {found.importer} imports {found.target}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", TREES)
def test_heavy_modules_are_imported_where_they_are_used(package: str) -> None:
    wrong = []
    for found in imports(package):
        top = found.target.partition(".")[0]
        heavy = found.target if found.target in HEAVY else top if top in HEAVY else ""
        late = next((v for k, v in LATE.items() if allowed(found.importer, (k,))), set[str]())
        if found.at_load and heavy and heavy not in late:
            wrong.append(f"{found.place}: {found.importer} imports {found.target} at the top")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", TREES)
def test_modules_stay_small(package: str) -> None:
    sizes = {name: len(path.read_text("utf-8").splitlines()) for name, path in modules(package)}
    assert {name: n for name, n in sizes.items() if n >= LINES and name not in LONG} == {}
