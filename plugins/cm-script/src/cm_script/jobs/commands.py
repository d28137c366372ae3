"""What commands a `customize.py` starts, as far as its texts tell."""

from __future__ import annotations

import ast
import re

#: Calls that start processes.
_STARTERS = re.compile(
    r"system|popen|Popen|run|call|check_call|check_output|getoutput|exec\w*|spawn\w*"
)
_MODULES = ("os", "subprocess", "sp")
_ANY = re.compile(
    r"\bsubprocess\b|\bos\.(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*|kill\w*)\b"
)


def in_code(text: str) -> str:
    """The texts that go into commands; all of `text` when that cannot be told, "" for none.

    Followed are constants in the arguments of a call that starts a process, and those assigned to
    names that stand there, wherever in the file.
    """
    if not _ANY.search(text):
        return ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return text
    assigned: dict[str, list[ast.AST]] = {}
    calls: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.ImportFrom) and node.module in _MODULES[:2]:
            return text
        elif isinstance(node, ast.Call) and _starts(node.func):
            calls += node.args[:1]
    found: list[str] = []
    seen: set[str] = set()
    while calls:
        for node in ast.walk(calls.pop()):
            if isinstance(node, ast.Constant):
                found.append(str(node.value))
            elif isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                if node.id not in assigned:
                    return text  # a parameter, a loop's variable: any text may come that way
                calls += assigned[node.id]
            elif isinstance(node, (ast.Subscript, ast.Call)) and not _joins(node):
                return text
    return " ".join(found)


def _starts(function: ast.AST) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in _MODULES
        and bool(_STARTERS.fullmatch(function.attr))
    )


def _joins(node: ast.AST) -> bool:
    """Whether a call only puts texts together."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in ("join", "format", "split", "strip")
