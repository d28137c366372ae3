"""Loading a Python file for recipe code, with the imports that recipe code has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import CodeType

from cm_script.dialects import CM
from cm_script.facade.files import Answer
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.protocols import EngineLike


class Loader:
    """The loading functions of `cmind.utils` and `mlc.utils`.

    Args:
        engine: the request; what is loaded shares its modules.
        dialect: whose answers the caller expects.
    """

    def __init__(self, engine: EngineLike, dialect: Dialect) -> None:
        self._engine = engine
        self._dialect = dialect

    def load_python_module(self, i: Mapping[str, Any]) -> Answer:
        """`code`: the module in file `name`.py of folder `path`; also `path` of the file.

        CM answers an empty `code_uid`, too.
        """
        folder, name = str(i.get("path") or ""), str(i.get("name") or "")
        path = os.path.join(folder, f"{name}.py")
        if not name or not os.path.isfile(path):
            return {"return": 1, "error": f"the Python file {path} was not found"}
        try:
            module = self._execute(os.path.abspath(path), name)
        except Exception as error:  # noqa: BLE001 - whatever somebody else's module raises
            return {"return": 1, "error": f"{path} cannot be loaded: {error}"}
        answer: Answer = {"return": 0, "code": module, "path": path}
        return {**answer, "code_uid": ""} if self._dialect is CM else answer

    def load_module(self, cmind: object, task_path: str, sub_module_name: str) -> Answer:
        """`sub_module_obj`: the module in a file, or None when there is no such file."""
        path = os.path.join(task_path, sub_module_name)
        found: Answer = {"return": 0, "sub_module_obj": None, "sub_module_path": path}
        if os.path.isfile(path):
            try:
                found["sub_module_obj"] = self._execute(os.path.abspath(path), sub_module_name)
            except Exception as error:  # noqa: BLE001 - as above
                return {"return": 1, "error": f"{path} cannot be loaded: {error}"}
        return found

    def call_internal_module(
        self,
        module_self: object,
        path_to_current_module: str,
        module_name: str,
        module_func: str,
        i: dict[str, Any],
    ) -> Any:
        """What a function in a file beside the calling one answers; it gets `self_module`."""
        folder = os.path.dirname(os.path.abspath(path_to_current_module))
        module = self._execute(os.path.join(folder, f"{module_name}.py"), module_name)
        if module_self is not None:
            i["self_module"] = module_self
        return getattr(module, module_func)(i)

    def _execute(self, path: str, name: str) -> Any:
        from cm_script.facade.importer import Importer
        from cm_script.facade.session import session_of

        importer = Importer(os.path.dirname(path), session_of(self._engine), self._compiled)
        return importer.execute(name, path)

    def _compiled(self, path: str) -> CodeType:
        from cm_script.facade.bytecode import compiled

        return compiled(path, os.path.join(self._engine.ctx.paths.home, "bytecode"))
