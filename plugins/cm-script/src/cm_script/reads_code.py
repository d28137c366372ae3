"""Which variables and which keys of the state a `customize.py` looks at, from its syntax tree.

Names of dictionaries are followed by name through the file: `env = i["env"]`, a parameter that
gets one, another name for one. What is done with them decides: `env["X"]`, `env.get("X")`,
`"X" in env` name a key; a computed key becomes a pattern when its text begins with something; going
through them, or handing them to code that is not in this file, means everything. Storing says
nothing, but for `+=`. Helpers of the engine that get the environment are known.
"""

from __future__ import annotations

import ast
import re

from cm_script.reads import Reads, RecipeReads
from cm_script.syntax import call_of, constant, constants_behind, slot, text_parts

#: Helpers that get the environment in a dictionary, and what they look at is told by the
#: recipe's native scripts, by the recipes they run, or in `_HELPERS_READ`.
_HELPERS = (
    "access",
    "run",
    "find_artifact",
    "find_file_in_paths",
    "detect_version_using_script",
    "run_native_script",
    "parse_version",
    "clean_some_tmp_files",
)
_HELPERS_READ = Reads(
    frozenset(
        prefix + name
        for prefix in ("CM_", "MLC_")
        for name in ("INPUT", "TMP_PATH", "SEARCH_FOLDER_PATH", "QUIET", "VERSION")
    ),
    ("CM_TMP_*", "MLC_TMP_*"),
    foreign=True,
)
#: What hooks get that holds the dictionary again.
_HELD = ("run_script_input", "input")
_HOOKS = ("predeps", "preprocess", "postprocess", "detect_version")
#: Methods of a dictionary whose first argument names the key.
_KEYED = ("get", "setdefault", "pop")
#: Methods that only change it.
_STORING = ("update", "clear")
#: Code that can reach a variable in ways that no reading sees.
_OPAQUE = frozenset({"exec", "eval", "globals", "locals", "vars", "getattr", "__import__"})


def of_code(text: str) -> RecipeReads:
    """What the code looks at; everything when it is no Python."""
    everything = RecipeReads(Reads(everything=True), Reads(everything=True))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return everything
    whole = _Tree(tree)
    for node in whole.nodes:
        if isinstance(node, ast.Name) and node.id in _OPAQUE and node.id != "getattr":
            return everything
    env, state = _Dictionary(whole, "env").reads(), _Dictionary(whole, "state").reads()
    words = re.findall(r"<<<(\w+)>>>|\$\{?([A-Za-z_]\w*)", text)
    named = Reads(frozenset(a or b for a, b in words), foreign="subprocess" in text)
    return RecipeReads(env.joined(named), state)


class _Tree:
    """A file's nodes, what each stands in, and its functions: gathered in one walk.

    The order of the nodes is that of `ast.walk`.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.nodes: list[ast.AST] = [tree]
        self.parents: dict[ast.AST, ast.AST] = {}
        self.functions: dict[str, ast.FunctionDef] = {}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
                self.nodes.append(child)


class _Dictionary:
    """One of the dictionaries that hooks get (`env`, `state`), followed through a file."""

    def __init__(self, tree: _Tree, key: str) -> None:
        self.key = key
        self.functions = tree.functions
        self.nodes = tree.nodes
        self.parents = tree.parents
        #: Names that stand for the dictionary, and for one that holds it, such as `i`.
        self.names = {key}
        hooks = [self.functions[name] for name in _HOOKS if name in self.functions]
        self.holders = {"i", *(f.args.args[0].arg for f in hooks if f.args.args)}
        self.found: set[str] = set()
        self.patterns: list[str] = []
        self.everything = False
        self.helped = False

    def reads(self) -> Reads:
        while self._spread():
            pass
        for node in self.nodes:
            if self._is_it(node):
                self._use(node)
            elif self._is_holder(node):
                self._use_of_holder(node)
        env = Reads(frozenset(self.found), tuple(self.patterns), self.everything)
        return env.joined(_HELPERS_READ) if self.helped and self.key == "env" else env

    # -- what stands for what -------------------------------------------------------------------

    def _is_it(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Subscript):
            return constant(node.slice) == self.key
        return call_of(node, "get") == self.key

    def _is_holder(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.holders and not self._counts(node)
        if isinstance(node, ast.Subscript):
            return constant(node.slice) in _HELD
        return call_of(node, "get") in _HELD

    def _counts(self, node: ast.Name) -> bool:
        """Whether a name is the number of a loop around it: `for i in range(...)`."""
        above: ast.AST | None = self.parents.get(node)
        while above is not None:
            if isinstance(above, ast.For) and isinstance(above.iter, ast.Call):
                target, function = above.target, above.iter.func
                if isinstance(target, ast.Name) and target.id == node.id:
                    return isinstance(function, ast.Name) and function.id == "range"
            above = self.parents.get(above)
        return False

    def _spread(self) -> bool:
        """Take in further names; whether there were any."""
        before = len(self.names) + len(self.holders)
        for node in self.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._name(target, node.value)
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                self._name(node.target, node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                self._parameters(node, self.functions.get(node.func.id))
        return len(self.names) + len(self.holders) > before

    def _name(self, target: ast.AST, value: ast.AST) -> None:
        if isinstance(target, ast.Name):
            if self._is_it(value):
                self.names.add(target.id)
            elif self._is_holder(value):
                self.holders.add(target.id)

    def _parameters(self, call: ast.Call, function: ast.FunctionDef | None) -> None:
        if function is None:
            return
        given = [*function.args.posonlyargs, *function.args.args]
        for parameter, value in zip(given, call.args, strict=False):
            self._name(ast.Name(parameter.arg), value)
        for keyword in call.keywords:
            if keyword.arg:
                self._name(ast.Name(keyword.arg), keyword.value)

    # -- what is done with it -------------------------------------------------------------------

    def _use(self, node: ast.AST) -> None:
        parent = self.parents.get(node)
        if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del, ast.Param)):
            return
        if isinstance(parent, ast.Subscript) and parent.value is node:
            changed = isinstance(self.parents.get(parent), ast.AugAssign)
            if changed or not isinstance(parent.ctx, ast.Store):
                self._key(parent.slice)
        elif isinstance(parent, ast.Attribute):
            call = self.parents.get(parent)
            called = isinstance(call, ast.Call) and call.func is parent
            if called and parent.attr in _KEYED and isinstance(call, ast.Call) and call.args:
                self._key(call.args[0])
            elif not (called and parent.attr in _STORING):
                self.everything = True
        elif isinstance(parent, ast.Compare):
            self._compared(parent, node)
        elif not self._harmless(parent, node):
            self.everything = True

    def _compared(self, parent: ast.Compare, node: ast.AST) -> None:
        tests = [isinstance(op, (ast.In, ast.NotIn)) for op in parent.ops]
        if len(tests) == 1 and tests[0] and parent.comparators[0] is node:
            self._key(parent.left)
        else:
            self.everything = True

    def _key(self, key: ast.AST) -> None:
        text = constant(key)
        if text is not None:
            self.found.add(text)
            return
        if isinstance(key, ast.Name) and (known := self._texts_of(key.id)):
            self.found.update(known)
            return
        parts = text_parts(key)
        pattern = re.sub(r"\*+", "*", "".join(parts)) if parts else "*"
        if pattern.strip("*"):
            self.patterns.append(pattern)
        else:
            self.everything = True

    def _texts_of(self, name: str) -> set[str]:
        """All texts that a name may stand for, when they stand in the file; else nothing."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Name) and node.id == name:
                if isinstance(node.ctx, ast.Load):
                    continue
                texts = constants_behind(self.parents.get(node), node)
                if not texts:
                    return set()
                found |= texts
            elif isinstance(node, ast.arg) and node.arg == name:
                return set()
        return found

    def _harmless(self, parent: ast.AST | None, node: ast.AST) -> bool:
        """Whether the dictionary as a whole goes where it is followed, or nowhere."""
        if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            return parent.value is node and all(
                isinstance(t, ast.Name) or slot(t) == self.key for t in targets
            )
        if isinstance(parent, ast.Expr):
            return True
        if isinstance(parent, ast.keyword):
            parent = self.parents.get(parent)
        if isinstance(parent, ast.Call):
            return isinstance(parent.func, ast.Name) and self._followed(parent)
        if isinstance(parent, ast.Dict):
            return self._in_dictionary(parent, node)
        return False

    def _followed(self, call: ast.Call) -> bool:
        function = self.functions.get(getattr(call.func, "id", ""))
        if function is None or any(isinstance(a, ast.Starred) for a in call.args):
            return False
        return not (function.args.vararg or function.args.kwarg)

    def _in_dictionary(self, node: ast.Dict, value: ast.AST) -> bool:
        """`automation.run_native_script({"env": env, ...})`, or a hook's own answer."""
        pairs = zip(node.keys, node.values, strict=True)
        keys = {constant(key) if key else None for key, one in pairs if one is value}
        above = self.parents.get(node)
        if isinstance(above, ast.Return):
            return keys <= ({self.key} if self._is_it(value) else set(_HELD))
        if None in keys:
            return False
        if isinstance(above, (ast.Assign, ast.AnnAssign)):
            target = above.targets[0] if isinstance(above, ast.Assign) else above.target
            return isinstance(target, ast.Name) and self._given_to_helpers(target.id)
        return self._is_helper(above, node)

    def _given_to_helpers(self, name: str) -> bool:
        """Whether a dictionary that was put together before is only handed to helpers."""
        for node in self.nodes:
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                above = self.parents.get(node)
                stored = isinstance(above, ast.Subscript) and isinstance(above.ctx, ast.Store)
                if not stored and not self._is_helper(above, node):
                    return False
        return True

    def _is_helper(self, call: ast.AST | None, node: ast.AST) -> bool:
        if not isinstance(call, ast.Call) or node not in call.args:
            return False
        if isinstance(call.func, ast.Attribute) and call.func.attr in _HELPERS:
            self.helped = True
            return True
        return False

    def _use_of_holder(self, node: ast.AST) -> None:
        if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del, ast.Param)):
            return
        parent = self.parents.get(node)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            if constant(parent.slice) is None:
                self.everything = True
            return
        if isinstance(parent, ast.Attribute):
            call = self.parents.get(parent)
            keyed = isinstance(call, ast.Call) and parent.attr in _KEYED and bool(call.args)
            if not (keyed and isinstance(call, ast.Call) and constant(call.args[0]) is not None):
                self.everything = True
            return
        if isinstance(parent, ast.Compare):
            return  # `"X" in i`
        if not self._harmless(parent, node):
            self.everything = True
