"""cmcore: the core of Collective Mind.

    import cmcore

    cmcore.access({"action": "run", "automation": "script", "tags": "detect,os"})

    ctx = cmcore.connect()
    ctx.call(cmcore.Request("search", "script", flags={"tags": "detect,os"}))

`access` speaks the dictionaries that CM users know and never raises for a failed request;
`connect` gives the typed interface, where a failure is a `CmError`.
"""

from __future__ import annotations

#: The one place that holds the version; the build reads it from here.
__version__ = "0.1.0"

# A plain constant, so that `cm --version` does not pay for importing `typing`.
TYPE_CHECKING = False

__all__ = ["CmError", "Request", "Result", "__version__", "access", "connect", "hookimpl"]

if TYPE_CHECKING:
    from cmcore.api import connect
    from cmcore.dispatch import access
    from cmcore.errors import CmError
    from cmcore.hookmarks import hookimpl
    from cmcore.types import Request, Result
else:
    _HOMES = {
        "CmError": "cmcore.errors",
        "Request": "cmcore.types",
        "Result": "cmcore.types",
        "access": "cmcore.dispatch",
        "connect": "cmcore.api",
        "hookimpl": "cmcore.hookmarks",
    }

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'cmcore' has no attribute {name!r}")
        # `importlib` would be one more import on a path that `__import__` serves as well.
        value = getattr(__import__(home, fromlist=[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
