"""The one exception family of cmcore and its plugins.

Every failure that a user can cause or meet is a `CmError`: it knows its exit code, what was
wrong, where (a file, a key, a request) and what would work. The command line prints it as one
sentence; `cmcore.access` turns it into a dictionary. Anything else that escapes is a defect.

Exit codes follow what CM users know: 1 general, 2 a native step failed, 4 unknown action,
automation or flag, 8 the artifact exists, 16 not found.
"""

from __future__ import annotations


class CmError(Exception):
    """A failure with an exit code and an explanation.

    Args:
        message: what failed, as one sentence without a final full stop.
        where: file, key or request that is at fault; empty when the message says it.
        hint: what would work, for example the nearest known names.
        code: exit code, overriding the class's own.
    """

    code: int = 1

    def __init__(
        self, message: str, *, where: str = "", hint: str = "", code: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        text = self.message
        if self.where:
            text += f" ({self.where})"
        if self.hint:
            text += f"; {self.hint}"
        return text

    def to_dict(self) -> dict[str, object]:
        """As `cmcore.access` returns it: `return`, `error` and, if known, `where` and `hint`."""
        result: dict[str, object] = {"return": self.code, "error": self.message}
        if self.where:
            result["where"] = self.where
        if self.hint:
            result["hint"] = self.hint
        return result


class UsageError(CmError):
    """The request itself is wrong: unknown action, automation, flag or an impossible value."""

    code = 4


class NotFoundError(CmError):
    """Nothing fits what was asked for."""

    code = 16


class ExistsError(CmError):
    """The thing to be made is already there."""

    code = 8


class AmbiguousError(CmError):
    """Several things fit, exactly one is needed, and nobody can be asked."""


class StorageError(CmError):
    """A file cannot be read, parsed, written or locked; `where` names it."""


class VetoedError(CmError):
    """An observer refused an action before it began (see `cm_before_action`)."""


class PluginError(CmError):
    """A plugin failed; names its distribution, version, the stage and the cause.

    Args:
        distribution: name of the installed distribution, as pip shows it.
        version: its version.
        stage: what was being done: `discover`, `manifest`, `policy`, `load`, `register`, `call`.
        cause: the failure in one line, or the exception behind it.
        hint: what the user can do.
    """

    def __init__(
        self,
        distribution: str,
        version: str,
        stage: str,
        cause: str | BaseException,
        *,
        hint: str = "",
    ) -> None:
        self.distribution = distribution
        self.version = version
        self.stage = stage
        self.cause = cause
        if isinstance(cause, BaseException):
            first_line = (str(cause).splitlines() or [""])[0]
            cause = f"{type(cause).__name__}: {first_line}" if first_line else type(cause).__name__
        super().__init__(
            f"plugin {distribution} {version} failed at stage '{stage}': {cause}", hint=hint
        )
