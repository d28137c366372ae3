"""The import statement as recipe code sees it.

A recipe's code runs with builtins of its own, whose `__import__` serves the engine's facades
(`cmind`, `mlc`, `utils`) and the Python files of the recipe's own folder, and leaves everything
else to Python.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType, ModuleType

from cm_script.facade.session import Session
from cmcore.hints import Any

FACADES = frozenset({"cmind", "mlc", "utils"})


class Importer:
    """Imports for one run of one recipe; modules of its folder are loaded anew for each run.

    Args:
        folder: the recipe's folder.
        session: what the recipes of the request share.
        compiler: gives the code of a Python file.
    """

    def __init__(self, folder: str, session: Session, compiler: Callable[[str], CodeType]) -> None:
        self.folder = folder
        self.session = session
        self._compiler = compiler
        self._own: dict[str, ModuleType] = {}
        self._names: set[str] = set()
        self._builtins = {**vars(builtins), "__import__": self.import_module}

    def execute(self, name: str, path: str) -> ModuleType:
        """Run the Python file at `path` as a new module."""
        code = self._compiler(path)
        self._names.update(_names(code))
        module = ModuleType(name)
        module.__file__ = path
        vars(module)["__builtins__"] = self._builtins
        self._own[name] = module
        try:
            exec(code, vars(module))
        except BaseException:
            del self._own[name]
            raise
        return module

    def import_module(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """The `__import__` of recipe code."""
        root, _, rest = name.partition(".")
        if level == 0:
            if root in FACADES and (root != "utils" or not self._own_file(root)):
                return self._facade(root, rest, fromlist or ())
            if root == "importlib":
                return self._importlib(name, fromlist or ())
            if root not in sys.stdlib_module_names and not rest:
                if root in self._own:
                    return self._own[root]
                path = self._own_file(root)
                if path:
                    return self.execute(root, path)
        return builtins.__import__(name, globals, locals, fromlist or (), level)

    def _own_file(self, name: str) -> str:
        path = os.path.join(self.folder, name + ".py")
        return path if os.path.isfile(path) else ""

    def _facade(self, root: str, rest: str, fromlist: Sequence[str]) -> Any:
        module: Any = self.session.facade(root)
        inner = module
        for part in rest.split(".") if rest else ():
            inner = getattr(inner, part, None)
            if inner is None:
                raise ModuleNotFoundError(f"No module named '{root}.{rest}'", name=f"{root}.{rest}")
        if "*" in fromlist:
            return _starred(inner, self._names)
        return inner if fromlist else module

    def _importlib(self, name: str, fromlist: Sequence[str]) -> Any:
        real = builtins.__import__(name, fromlist=fromlist or ())
        return _Importlib(real, self.import_module) if real.__name__ == "importlib" else real


class _Importlib(ModuleType):
    """`importlib` for recipe code, which may reload a facade or import by name."""

    def __init__(self, real: ModuleType, importer: Callable[..., Any]) -> None:
        super().__init__("importlib")
        self._real = real
        self._import = importer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def import_module(self, name: str, package: str | None = None) -> Any:
        """As `importlib.import_module`, with the facades."""
        if package is not None or name.startswith("."):
            return self._real.import_module(name, package)
        return self._import(name, fromlist=("",))

    def reload(self, module: ModuleType) -> ModuleType:
        """As `importlib.reload`; a facade has nothing to load again."""
        if module.__name__.partition(".")[0] in FACADES:
            return module
        reloaded: ModuleType = self._real.reload(module)
        return reloaded


def _names(code: CodeType) -> Iterator[str]:
    """Every global and attribute name that the code mentions."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _starred(module: ModuleType, wanted: Iterable[str]) -> ModuleType:
    """For `from utils import *`: only what the recipe mentions, so that nothing else is loaded."""
    chosen = ModuleType(module.__name__)
    found = {}
    for name in set(wanted):
        if not name.startswith("_") and hasattr(module, name):
            found[name] = getattr(module, name)
    vars(chosen).update(found)
    vars(chosen)["__all__"] = sorted(found)
    return chosen
