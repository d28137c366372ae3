"""What the Python files of recipes ask of their engine, read from their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

#: Modules that the engine hands to recipe code.
ROOTS = ("cmind", "mlc", "utils")

Chain = tuple[str, ...]


class Uses(NamedTuple):
    """Of one file.

    Attributes:
        names: `("automation", "find_artifact")`, `("cmind", "utils", "load_txt")`, ...
        keys: `("i", "env")`, `("run_script_input", "path")`, `("os_info", "platform")`, ...
        calls: noun and action of nested requests that are written out.
    """

    names: set[Chain]
    keys: set[Chain]
    calls: set[tuple[str, str]]


def recipe_files(root: Path) -> Iterator[Path]:
    """Python files of the recipes in a `script` folder; their tests are programs of their own."""
    for path in sorted(root.glob("*/**/*.py")):
        if "tests" not in path.parts:
            yield path


def uses(path: Path) -> Uses | None:
    """What a file uses; None when it is no Python."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig", errors="replace"))
    except SyntaxError:
        return None
    own = {file.stem for file in path.parent.glob("*.py")}
    return _Reader(tree, own).read()


class _Reader:
    def __init__(self, tree: ast.AST, own: set[str]) -> None:
        self.tree = tree
        self.own = own
        self.known: dict[str, Chain] = {"i": ("i",)}
        self.literals: dict[str, list[ast.Dict]] = {}
        self.found = Uses(set(), set(), set())

    def read(self) -> Uses:
        self._imports()
        for _ in range(3):  # a name may stand for one that stands for another
            self._assignments()
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
                self._note(self._chain(node))
            if isinstance(node, ast.Call):
                self._nested(node)
        return self.found

    def _imports(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    path = tuple(alias.name.split("."))
                    if self._ours(path[0]):
                        self.known[alias.asname or path[0]] = path if alias.asname else path[:1]
                        self.found.names.add(path)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                path = tuple(node.module.split("."))
                for alias in node.names if self._ours(path[0]) else ():
                    if alias.name != "*":
                        self.known[alias.asname or alias.name] = (*path, alias.name)
                        self.found.names.add((*path, alias.name))

    def _ours(self, root: str) -> bool:
        return root in ROOTS and root not in self.own

    def _assignments(self) -> None:
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Assign):
                continue
            chain = self._chain(node.value)
            for target in node.targets:
                if isinstance(target, ast.Name):
                    if chain is not None:
                        self.known[target.id] = chain
                    if isinstance(node.value, ast.Dict):
                        self.literals.setdefault(target.id, []).append(node.value)

    def _chain(self, node: ast.expr) -> Chain | None:
        """`self_module.cmind.access` -> ("automation", "cmind", "access")."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute):
            inner = self._chain(node.value)
            return None if inner is None else (*inner, node.attr)
        if isinstance(node, ast.Subscript):
            return self._entry(node.value, node.slice)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        got = node.func.attr == "get" and node.args
        return self._entry(node.func.value, node.args[0]) if got else None

    def _entry(self, whole: ast.expr, key: ast.expr) -> Chain | None:
        inner = self._chain(whole)
        if inner is None or not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        if inner == ("i",) and key.value == "automation":
            return ("automation",)
        if inner[-1] in ("i", "[run_script_input]", "[os_info]", "[run_state]"):
            return (*inner, f"[{key.value}]")
        return None

    def _note(self, chain: Chain | None) -> None:
        if chain is None or len(chain) < 2:
            return
        if chain[0] == "i":
            if chain[-1].startswith("["):
                owner = chain[-2].strip("[]")
                self.found.keys.add((owner, chain[-1].strip("[]")))
        else:
            self.found.names.add(chain)

    def _nested(self, call: ast.Call) -> None:
        chain = self._chain(call.func)
        if chain is None or chain[-1] not in ("access", "x") or not call.args:
            return
        given = call.args[0]
        name = given.id if isinstance(given, ast.Name) else ""
        literals = [given] if isinstance(given, ast.Dict) else self.literals.get(name, [])
        for literal in literals:
            words = {
                k.value: v.value
                for k, v in zip(literal.keys, literal.values, strict=True)
                if isinstance(k, ast.Constant) and isinstance(v, ast.Constant)
            }
            noun = words.get("automation") or words.get("target")
            if noun and "action" in words:
                self.found.calls.add((str(noun), str(words["action"])))
