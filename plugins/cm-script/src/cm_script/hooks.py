"""A recipe's `customize.py`: loaded freshly for each run, called by hook name.

The code is compiled once and kept in the installation's own folder, because recipes may lie in
read-only package data. What its imports see is decided in `facade.importer`.
"""

from __future__ import annotations

import os

from cm_script import turns
from cm_script.provenance import Provenance
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, CodeType, ModuleType

if TYPE_CHECKING:
    from cm_script.facade.importer import Importer
    from cm_script.protocols import RunLike

FILE = "customize.py"

#: Import names that pip knows under another name.
_PIP_NAMES = {
    "yaml": "pyyaml",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
}


class RecipeCode:
    """The hooks of one recipe, for one run of it.

    Args:
        recipe: name of the recipe, for messages.
        module: its loaded `customize.py`.
        importer: what its imports see.
    """

    def __init__(self, recipe: str, module: ModuleType, importer: Importer) -> None:
        self.recipe = recipe
        self.module = module
        self.importer = importer

    def has(self, hook: str) -> bool:
        """Whether the recipe defines this hook."""
        return callable(getattr(self.module, hook, None))

    def call(self, hook: str, i: dict[str, Any]) -> dict[str, Any]:
        """What the hook answers: a dictionary with `return`, as it made it.

        Raises:
            CmError: the hook raised an exception or answered something else. An exception is
                named with the line of the recipe's code that it came from.
        """
        function = getattr(self.module, hook)
        env = i.get("env")
        before = dict(env) if isinstance(env, dict) else {}
        session = self.importer.session
        with turns.turn(session.engine.console), session.entered(self.importer.folder):
            try:
                answer = function(i)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                raise _explained(error, self.recipe, self.importer.folder, hook) from error
        _require_folder(self.recipe, hook, str(self.module.__file__))
        if isinstance(env, dict):
            Provenance(session.engine).copied(before, env)
        if answer is None:
            return {"return": 0}
        if not isinstance(answer, dict):
            raise CmError(
                f"recipe {self.recipe}: {hook} answered {type(answer).__name__}, not a dictionary",
                where=str(self.module.__file__),
                hint="a hook ends with return {'return': 0}",
            )
        answer.setdefault("return", 0)
        return answer

    def check(self, hook: str, answer: dict[str, Any]) -> None:
        """Raise the failure that a hook's answer reports.

        Raises:
            CmError: `return` is not 0. When the answer is that of a helper of ours that failed,
                the very error of the helper.
        """
        code = answer["return"]
        if not code:
            return
        cause = getattr(answer, "cause", None)
        if isinstance(cause, CmError):
            raise cause
        said = str(answer.get("error") or f"error {code}")
        raise CmError(
            f"recipe {self.recipe}: {hook} says: {said}",
            where=str(self.module.__file__),
            code=code if isinstance(code, int) else 1,
        )


def load_code(run: RunLike) -> RecipeCode | None:
    """The recipe's `customize.py` as a new module; None when it has none.

    Raises:
        CmError: the file cannot be read, is no Python, or fails while its top level runs.
    """
    folder = run.artifact.path
    path = os.path.join(folder, FILE)
    if not os.path.isfile(path):
        return None
    from cm_script.facade.importer import Importer
    from cm_script.facade.session import session_of

    importer = Importer(folder, session_of(run.engine), _Compiler(run))
    with importer.session.entered(folder):
        try:
            module = importer.execute("customize", path)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _explained(error, run.name, folder, "") from error
    return RecipeCode(run.name, module, importer)


class _Compiler:
    """Compiles a recipe's Python files, through the bytecode kept in the installation."""

    def __init__(self, run: RunLike) -> None:
        self.recipe = run.name
        self.store = os.path.join(run.engine.ctx.paths.home, "bytecode")

    def __call__(self, path: str) -> CodeType:
        from cm_script.facade.bytecode import compiled

        try:
            return compiled(path, self.store)
        except SyntaxError as error:
            raise CmError(
                f"recipe {self.recipe}: {os.path.basename(path)} is no Python: {error.msg}",
                where=f"{path}:{error.lineno or 0}",
            ) from None
        except (OSError, ValueError) as error:
            raise CmError(
                f"recipe {self.recipe}: {os.path.basename(path)} cannot be read: {error}",
                where=path,
            ) from None


def _require_folder(recipe: str, hook: str, file: str) -> None:
    try:
        os.getcwd()
    except OSError:
        raise CmError(
            f"recipe {recipe}: {hook} has deleted the folder that the run stands in",
            where=file,
            hint="a hook that changes into a folder of its own has to change back",
        ) from None


def _explained(error: BaseException, recipe: str, folder: str, hook: str) -> CmError:
    """An exception in recipe code as a CmError that names recipe, hook, file and line."""
    if isinstance(error, CmError):
        return error
    where = _place(error, folder)
    doing = f"{hook} failed" if hook else f"{FILE} cannot be loaded"
    if isinstance(error, ModuleNotFoundError) and error.name:
        root = error.name.partition(".")[0]
        return CmError(
            f"recipe {recipe}: {doing}: it needs the Python module {error.name}",
            where=where,
            hint=f"pip install {_PIP_NAMES.get(root, root)}",
        )
    if isinstance(error, EOFError) and hook:
        return CmError(
            f"recipe {recipe}: {hook} asked a question, and nobody can answer it here",
            where=where,
            hint="run it at a terminal, or see its flags for a way to say the answer",
        )
    if isinstance(error, SystemExit):
        text = f"it called exit({error.code!r})"
    elif isinstance(error, KeyError):
        text = f"key {error} is missing"
    else:
        first = (str(error).splitlines() or [""])[0]
        text = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return CmError(f"recipe {recipe}: {doing}: {text}", where=where)


def _place(error: BaseException, folder: str) -> str:
    """`file:line` of the innermost frame that lies in the recipe, else of the innermost one."""
    best = last = ""
    trace = error.__traceback__
    while trace is not None:
        last = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        if last.startswith(folder + os.sep):
            best = last
        trace = trace.tb_next
    return best or last
