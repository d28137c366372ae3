"""Texts in the syntax tree of Python code, as far as they stand there."""

from __future__ import annotations

import ast
import re


def constant(node: ast.AST) -> str | None:
    """The text of a constant; None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def constants_behind(parent: ast.AST | None, target: ast.AST) -> set[str]:
    """The texts that `parent` binds a name to: by assignment, or one after the other in a loop."""
    if isinstance(parent, ast.Assign) and target in parent.targets:
        values: list[ast.expr] = [parent.value]
        if isinstance(parent.value, ast.IfExp):
            values = [parent.value.body, parent.value.orelse]
    elif isinstance(parent, (ast.For, ast.comprehension)) and parent.target is target:
        if not isinstance(parent.iter, (ast.List, ast.Tuple, ast.Set)):
            return set()
        values = parent.iter.elts
    else:
        return set()
    texts = {constant(value) for value in values}
    return {text for text in texts if text is not None} if None not in texts else set()


def slot(node: ast.AST) -> str | None:
    """The key in `x["key"]`; None for anything else."""
    return constant(node.slice) if isinstance(node, ast.Subscript) else None


def call_of(node: ast.AST, method: str) -> str | None:
    """The key in `x.get("key")`; None for anything else."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    return constant(node.args[0]) if node.func.attr == method and node.args else None


def text_parts(node: ast.AST) -> list[str]:
    """The constant parts of a computed text with `*` for the others; [] for what is no text."""
    if isinstance(node, ast.JoinedStr):
        return [constant(value) or "*" for value in node.values]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*(text_parts(node.left) or ["*"]), *(text_parts(node.right) or ["*"])]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        text = constant(node.left)
        return [re.sub(r"%\w", "*", text)] if text else []
    text = constant(node)
    return [text] if text is not None else []
