"""The modules `cmind`, `mlc` and `utils`, built for one request."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.protocols import EngineLike

#: Releases whose interface the facades follow; recipes write them into reports.
CMIND_VERSION = "4.2.0"
MLC_VERSION = "1.3.8"

#: Standard modules that MLCFlow's `utils` happens to hand on, for `from utils import *`.
_PASSED_ON = (
    *("argparse", "ast", "importlib", "json", "logging", "os", "platform", "re", "shutil"),
    *("subprocess", "sys", "tarfile", "uuid", "yaml", "zipfile"),
)


def build(name: str, engine: EngineLike) -> ModuleType:
    """The facade module of that name: `cmind`, `mlc` or `utils`."""
    return {"cmind": _cmind, "mlc": _mlc, "utils": _utils}[name](engine)


class Facade(ModuleType):
    """A module whose names are looked up when recipe code asks for them."""

    def __init__(self, name: str, names: Mapping[str, Any], source: ModuleType | None) -> None:
        super().__init__(name)
        vars(self).update(names)
        self._source = source

    def __getattr__(self, name: str) -> Any:
        source = vars(self).get("_source")
        if source is not None:
            if name in source.__all__:
                return getattr(source, name)
            if name in _PASSED_ON:
                return __import__(name)
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")

    def __deepcopy__(self, memo: object) -> Facade:
        return self


def _cmind(engine: EngineLike) -> ModuleType:
    from cm_script.dialects import CM
    from cm_script.facade import cm_utils
    from cm_script.facade.loading import Loader
    from cm_script.facade.logger import RecipeLogger

    loader = Loader(engine, CM)
    own = {
        name: getattr(loader, name)
        for name in ("call_internal_module", "load_module", "load_python_module")
    }
    utils = Facade("cmind.utils", own, cm_utils)
    core = Facade("cmind.core", {"access": engine.access}, None)
    names = {
        "__version__": CMIND_VERSION,
        "__path__": [],
        "access": engine.access,
        "x": engine.access,
        "error": lambda answer: _error(engine, answer),
        "errorx": lambda answer: _error(engine, answer),
        "halt": lambda answer: _halt(engine, answer),
        "utils": utils,
        "core": core,
        "logger": RecipeLogger(engine),
    }
    import json
    import os
    import sys

    # CM's package lets these through, and recipes use them (`cm.json.dumps`).
    return Facade("cmind", {**names, "json": json, "os": os, "sys": sys}, None)


def _mlc(engine: EngineLike) -> ModuleType:
    from cm_script.dialects import MLC
    from cm_script.facade import mlc_utils
    from cm_script.facade.loading import Loader
    from cm_script.facade.logger import RecipeLogger

    def access(i: Mapping[str, Any]) -> dict[str, Any]:
        return engine.access(i, dialect=MLC)

    logger = RecipeLogger(engine)
    own = {"load_python_module": Loader(engine, MLC).load_python_module}
    names = {
        "__version__": MLC_VERSION,
        "__path__": [],
        "access": access,
        "action": Facade("mlc.action", {"access": access}, None),
        "utils": Facade("mlc.utils", {"logger": logger, **own}, mlc_utils),
        "logger": logger,
    }
    return Facade("mlc", names, None)


def _utils(engine: EngineLike) -> ModuleType:
    from cm_script.facade import engine_utils
    from cm_script.facade.logger import RecipeLogger

    return Facade("utils", {"logger": RecipeLogger(engine)}, engine_utils)


def _error(engine: EngineLike, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say what went wrong, if anything did; the answer itself."""
    if answer["return"]:
        engine.console.err(str(answer.get("error") or "error without a message"))
    return answer


def _halt(engine: EngineLike, answer: Mapping[str, Any]) -> None:
    import sys

    sys.exit(_error(engine, answer)["return"])
