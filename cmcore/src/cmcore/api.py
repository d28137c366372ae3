"""The typed way into the core from Python."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cmcore.console import Console
    from cmcore.context import Context


def connect(
    home: str | None = None, *, console: Console | None = None, no_plugins: bool = False
) -> Context:
    """The services of the core: `.call(Request)`, `.search(...)`, `.index`, `.settings`, ...

    Args:
        home: folder to use instead of the one that CM_HOME or the platform names.
        console: who reads and may be asked; by default nobody is.
        no_plugins: the core alone.
    """
    from cmcore.context import Context
    from cmcore.paths import Paths

    return Context(
        console=console, paths=None if home is None else Paths(home), no_plugins=no_plugins
    )
