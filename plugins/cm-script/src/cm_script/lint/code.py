"""Checks of `customize.py`: that it is Python, that hooks answer, that scripts it names exist."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from cm_script.lint.findings import Report

#: Hooks that the engines call; each takes one dictionary.
HOOKS = ("preprocess", "postprocess", "detect_version", "predeps", "remote_run_prepare")


def check(path: str, report: Report, has_script: Callable[[str], bool]) -> None:
    """Check one file.

    Args:
        path: of `customize.py`.
        has_script: whether the recipe has a native script of some name.
    """
    tree = _parsed(path, report)
    if tree is None:
        return
    seen: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            if node.name in HOOKS:
                _hook(node, path, report, seen)
            seen[node.name] = node.lineno
    _misspelt(tree, seen, path, report)
    for name, line, called in _script_names(tree):
        if not has_script(name):
            # Choosing a script that is not there is how some recipes leave the step out.
            report.add_file(
                "warning" if called else "note",
                "no-script",
                path,
                f"there is no native script '{name}.sh', which the code "
                + ("calls" if called else "chooses: no step will run"),
                "write it, or correct the name",
                line,
            )


def _parsed(path: str, report: Report) -> ast.Module | None:
    import sys
    import warnings

    from cmcore.storage import read_bytes

    try:
        with warnings.catch_warnings():
            # Odd escapes in texts are the business of whoever runs the file.
            warnings.simplefilter("ignore")
            tree: ast.Module = ast.parse(read_bytes(path), path)
            return tree
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        version = ".".join(map(str, sys.version_info[:2]))
        report.add_file(
            "error",
            "python",
            path,
            f"Python {version} cannot read it: {getattr(error, 'msg', error)}",
            "correct the file",
            line,
        )
        return None


def _hook(node: ast.FunctionDef, path: str, report: Report, seen: dict[str, int]) -> None:
    if node.name in seen:
        report.add_file(
            "warning",
            "hook",
            path,
            f"{node.name} is defined again: the one in line {seen[node.name]} is never called",
            "join the two",
            node.lineno,
        )
    plain = node.args
    positional = [*plain.posonlyargs, *plain.args]
    required = len(positional) - len(plain.defaults)
    if (not positional and not plain.vararg) or required > 1 or _required_names(plain):
        report.add_file(
            "error",
            "hook",
            path,
            f"{node.name} is called with one dictionary, but takes {required} arguments",
            f"write def {node.name}(i):",
            node.lineno,
        )
    if _falls_through(node.body):
        report.add_file(
            "warning",
            "hook",
            path,
            f"{node.name} may end without an answer, which the reference engines do not survive",
            "end it with return {'return': 0}",
            node.lineno,
        )


def _required_names(arguments: ast.arguments) -> bool:
    return any(default is None for default in arguments.kw_defaults)


def _falls_through(body: list[ast.stmt]) -> bool:
    """Whether the end of a block, or a `return` without a value, can be reached."""
    if any(isinstance(node, ast.Return) and node.value is None for node in _own(body)):
        return True
    return not _ends(body)


def _own(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes of a function without those of functions inside it."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(node))


def _ends(body: list[ast.stmt]) -> bool:
    """Whether no way through a block leads behind it."""
    return any(_stops(node) for node in body)


def _stops(node: ast.stmt) -> bool:
    if isinstance(node, (ast.Return, ast.Raise)):
        return True
    if isinstance(node, ast.If):
        return _ends(node.body) and _ends(node.orelse)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return _ends(node.body)
    if isinstance(node, ast.Try):
        if _ends(node.finalbody):
            return True
        straight = _ends(node.body) or _ends(node.orelse)
        return straight and all(_ends(handler.body) for handler in node.handlers)
    if isinstance(node, ast.While):
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        return endless and not any(isinstance(inner, ast.Break) for inner in _own(node.body))
    if isinstance(node, ast.Match):
        last = node.cases[-1]
        whole = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        return whole and last.guard is None and all(_ends(case.body) for case in node.cases)
    return isinstance(node, ast.Expr) and _is_exit(node.value)


def _is_exit(node: ast.expr) -> bool:
    """`exit(...)`, `sys.exit(...)`, `os._exit(...)`."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("exit", "quit", "_exit")


def _misspelt(tree: ast.Module, defined: dict[str, int], path: str, report: Report) -> None:
    import difflib

    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name, line in defined.items():
        if name in HOOKS or name in used:
            continue
        plain = name.replace("_", "").lower()
        for hook in HOOKS:
            same = plain == hook.replace("_", "")
            if hook in defined or not (
                same or difflib.SequenceMatcher(None, name, hook).ratio() >= 0.88
            ):
                continue
            report.add_file(
                "warning",
                "hook",
                path,
                f"{name} is no hook and nothing calls it",
                f"did you mean {hook}?",
                line,
            )


def _script_names(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """Native scripts that the code names by a plain text: name, line, called or only chosen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and _text(target.slice) == "script_name":
                owner = target.value
                inner = isinstance(owner, ast.Subscript) and _text(owner.slice)
                if inner == "run_script_input" and _text(node.value):
                    yield _text(node.value), node.lineno, False
        elif isinstance(node, ast.Call) and _name_of(node.func) == "run_native_script":
            for argument in node.args:
                yield from _in_dictionary(argument)


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _in_dictionary(node: ast.expr) -> Iterator[tuple[str, int, bool]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and _text(key) == "script_name" and _text(value):
                yield _text(value), value.lineno, True


def _text(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.Constant) else ""
    return value if isinstance(value, str) else ""
