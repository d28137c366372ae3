"""What the recipes of one request share: the facades, and the modules they find by `sys.path`.

Published recipes extend `sys.path` in one recipe and import from there in another. The additions
last for the request, and are in force only while recipe code runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from cm_script.facade.guard import guarded
from cm_script.facade.streams import guarded_streams
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.protocols import EngineLike


def session_of(engine: EngineLike) -> Session:
    """The session of a request, made on first use."""
    if engine.session is None:
        engine.session = Session(engine)
    return engine.session


class Session:
    """Import state of one request.

    Attributes:
        engine: the request.
    """

    def __init__(self, engine: EngineLike) -> None:
        self.engine = engine
        self._front: list[str] = []
        self._back: list[str] = []
        self._modules: dict[str, ModuleType] = {}
        self._facades: dict[str, ModuleType] = {}
        self._depth = 0

    def facade(self, name: str) -> ModuleType:
        """The module that recipe code gets for `cmind`, `mlc` or `utils`."""
        if name not in self._facades:
            from cm_script.facade.modules import build

            self._facades[name] = build(name, self.engine)
        return self._facades[name]

    @contextmanager
    def entered(self, folder: str) -> Iterator[None]:
        """While recipe code runs: its folder and what recipes added are on `sys.path`.

        What it prints goes where the output of native steps goes. Afterwards `sys.path` and
        `sys.modules` are free of all that again. Recipe code that runs inside other recipe code
        (a nested request) joins the outer one.
        """
        if self._depth:
            added = folder not in sys.path
            if added:
                sys.path.append(folder)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if added and folder in sys.path:
                    sys.path.remove(folder)
            return
        before = list(sys.path)
        extra = [p for p in (*self._back, folder) if p not in before]
        sys.path[:] = [*(p for p in self._front if p not in before), *before, *extra]
        known = set(sys.modules)
        sys.modules.update(self._modules)
        self._depth = 1
        try:
            console = self.engine.console
            with guarded_streams(console), guarded(console.warn):
                yield
        finally:
            self._depth = 0
            self._note_additions(before, folder)
            sys.path[:] = before
            self._take_modules(known, folder)

    def _note_additions(self, before: list[str], folder: str) -> None:
        front: list[str] = []
        back: list[str] = []
        seen = not before
        for path in sys.path:
            if path in before:
                seen = True
            elif path != folder:
                (back if seen else front).append(path)
        self._front, self._back = front, back

    def _take_modules(self, known: set[str], folder: str) -> None:
        """Move what recipe code imported from its own and from added folders out of the way.

        Modules from added folders come back when recipe code of this request runs again; those
        from the recipe's own folder do not, so that each run starts afresh.
        """
        own = os.path.abspath(folder) + os.sep
        added = tuple(os.path.abspath(p) + os.sep for p in (*self._front, *self._back))
        for name in [n for n in sys.modules if n not in known]:
            file = str(getattr(sys.modules[name], "__file__", None) or "")
            if file.startswith(own):
                del sys.modules[name]
            elif added and file.startswith(added):
                self._modules[name] = sys.modules.pop(name)
