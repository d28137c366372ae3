"""The logger that recipe code writes to; its lines go where the engine's own messages go."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.protocols import EngineLike

_LEVELS = {"CRITICAL": 50, "ERROR": 40, "WARNING": 30, "INFO": 20, "DEBUG": 10}


class RecipeLogger:
    """As much of `logging.Logger` as recipes use, without importing `logging`.

    Args:
        engine: its console shows the messages; its verbosity decides which.
    """

    name = "cm"

    def __init__(self, engine: EngineLike) -> None:
        self._engine = engine
        self.handlers: list[Any] = []

    def debug(self, message: object, *args: object, **_: object) -> None:
        """Shown when every decision is explained."""
        if self._engine.verbose:
            self._engine.console.log(_text(message, args))

    def info(self, message: object, *args: object, **_: object) -> None:
        """Shown unless the run is silent."""
        if not self._engine.silent:
            self._engine.console.log(_text(message, args))

    def warning(self, message: object, *args: object, **_: object) -> None:
        """Always shown, as a warning."""
        self._engine.console.warn(_text(message, args))

    def error(self, message: object, *args: object, **_: object) -> None:
        """Always shown."""
        self._engine.console.err(_text(message, args))

    warn = warning
    critical = error
    fatal = error

    def exception(self, message: object, *args: object, **_: object) -> None:
        """An error, with the traceback of the exception being handled."""
        import traceback

        self._engine.console.err(f"{_text(message, args)}\n{traceback.format_exc()}".rstrip())

    def log(self, level: int, message: object, *args: object, **_: object) -> None:
        """A message of the given level."""
        if level >= _LEVELS["ERROR"]:
            self.error(message, *args)
        elif level >= _LEVELS["WARNING"]:
            self.warning(message, *args)
        elif level >= _LEVELS["INFO"]:
            self.info(message, *args)
        else:
            self.debug(message, *args)

    def getEffectiveLevel(self) -> int:
        """The lowest level that is shown."""
        if self._engine.verbose:
            return _LEVELS["DEBUG"]
        return _LEVELS["WARNING"] if self._engine.silent else _LEVELS["INFO"]

    @property
    def level(self) -> int:
        """The lowest level that is shown."""
        return self.getEffectiveLevel()

    def isEnabledFor(self, level: int) -> bool:
        """Whether messages of this level are shown."""
        return level >= self.getEffectiveLevel()

    def setLevel(self, level: object) -> None:
        """How much is shown is the user's choice; a recipe's wish is not followed."""

    def __deepcopy__(self, memo: object) -> RecipeLogger:
        return self


def _text(message: object, args: tuple[object, ...]) -> str:
    text = str(message)
    if not args:
        return text
    try:
        return text % (args[0] if len(args) == 1 and isinstance(args[0], dict) else args)
    except (TypeError, ValueError, KeyError):
        return " ".join([text, *map(str, args)])
