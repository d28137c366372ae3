"""Failures of the engine, in the form that recipe code gets and may hand back."""

from __future__ import annotations

from cmcore.errors import CmError
from cmcore.hints import Any


class Failure(dict[str, Any]):
    """The dictionary of a failure that remembers the error behind it.

    Recipe code looks at `return` and mostly returns the dictionary as it is. The engine then
    raises the original error, with all that it knows.
    """

    def __init__(self, cause: CmError) -> None:
        super().__init__({"return": cause.code, "error": str(cause)})
        self.cause = cause
