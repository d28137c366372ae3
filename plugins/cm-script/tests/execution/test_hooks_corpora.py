"""Every published recipe's code loads and finds what it asks of the engine."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace

import corpora
import pytest

from cm_script.dialects import CM, MLC
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


def test_what_published_code_asks_of_the_engine_is_there(corpus, recipe, engine):
    """Every `automation.x`, `cmind.x`, `mlc.x` and `utils.x` in the sources can be looked up."""
    run = recipe({}, corpus.dialect)
    roots = {
        "automation": AutomationFacade(run),
        **{name: session_of(engine).facade(name) for name in ("cmind", "mlc", "utils")},
    }
    missing = set()
    for folder in corpus.folders:
        try:
            tree = ast.parse((folder / "customize.py").read_text(encoding="utf-8-sig"))
        except SyntaxError:
            continue
        for chain in _chains(tree):
            value = roots[chain[0]]
            for name in chain[1:]:
                if not hasattr(value, name):
                    missing.add((folder.name, ".".join(chain)))
                    break
                value = getattr(value, name)
                if not isinstance(value, type(sys)) and "access" not in dir(value):
                    break
    assert missing == set()


def _chains(tree: ast.AST) -> set[tuple[str, ...]]:
    names = dict(_bound(tree))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            parts: list[str] = []
            inner: ast.expr = node
            while isinstance(inner, ast.Attribute):
                parts.insert(0, inner.attr)
                inner = inner.value
            root = names.get(ast.unparse(inner))
            if root:
                found.add((*root, *parts))
    return found | {root for root in names.values() if len(root) > 1}


def _bound(tree: ast.AST):
    yield "i['automation']", ("automation",)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                path = tuple(alias.name.split("."))
                if path[0] in ("cmind", "mlc", "utils"):
                    yield alias.asname or path[0], path if alias.asname else path[:1]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            path = tuple(node.module.split("."))
            if path[0] in ("cmind", "mlc", "utils"):
                for alias in node.names:
                    if alias.name != "*":
                        yield alias.asname or alias.name, (*path, alias.name)
        elif isinstance(node, ast.Assign) and ast.unparse(node.value) == "i['automation']":
            for target in node.targets:
                yield ast.unparse(target), ("automation",)
