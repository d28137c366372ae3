"""The marks of hooks, apart from the long contract that most commands do not need to read."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    import pluggy

#: Name of the pluggy project: hook implementations are marked for it.
PROJECT = "cmcore"

if TYPE_CHECKING:
    hookspec = pluggy.HookspecMarker(PROJECT)
    hookimpl = pluggy.HookimplMarker(PROJECT)
else:

    def _marker(attribute: str) -> Callable[..., Any]:
        """What pluggy's markers do, without its import: hang options where it looks for them."""

        def mark(function: Any = None, **options: Any) -> Any:
            if function is None:
                return lambda function: mark(function, **options)
            setattr(function, attribute, options)
            return function

        return mark

    hookspec = _marker(f"{PROJECT}_spec")
    hookimpl = _marker(f"{PROJECT}_impl")
