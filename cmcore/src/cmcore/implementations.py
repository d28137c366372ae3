"""The hook implementations that a plugin holds, ready to be called one at a time.

Implementations and specifications are pluggy's. But one that is called alone needs nothing of
pluggy except that it fits its specification, and pluggy costs 15 ms to import, as much as a whole
bare interpreter. So plain functions are compared with the specifications here; pluggy is imported
for a plugin that uses more of it (wrappers, other names, objects with methods), and for one that
does not fit, to say why.
"""

from __future__ import annotations

from cmcore.hints import Any, Callable, FunctionType, ModuleType
from cmcore.hookmarks import PROJECT
from cmcore.manifest_rules import HOOKS, nearest

#: Called with every argument of the specification by name; None for no answer.
Hook = Callable[[dict[str, Any]], Any]

_MARK = f"{PROJECT}_impl"
_VARIADIC = 0x04 | 0x08  # CO_VARARGS and CO_VARKEYWORDS of `inspect`


def hooks_of(plugin: object, name: str) -> dict[str, Hook]:
    """The implementations in a plugin's module or object, by hook.

    Args:
        plugin: what its entry point names.
        name: what to call it in messages.

    Raises:
        ValueError: it implements a hook that does not exist, or with arguments it has not.
    """
    plain = _plain(plugin)
    return _judged(plugin, name) if plain is None else plain


def _plain(plugin: object) -> dict[str, Hook] | None:
    """The same where every implementation is a plain function that fits; None elsewhere."""
    if not isinstance(plugin, ModuleType):
        return None
    found: dict[str, Hook] = {}
    for name, function in vars(plugin).items():
        options = getattr(function, _MARK, None)
        if not isinstance(options, dict):
            continue
        if options or name not in HOOKS or not isinstance(function, FunctionType):
            return None
        arguments = _arguments(function)
        if arguments is None or not set(arguments) <= set(HOOKS[name]):
            return None
        found[name] = _call_with(function, arguments)
    return found


def _arguments(function: FunctionType) -> tuple[str, ...] | None:
    """Names of its arguments; None when they are more than names."""
    code = function.__code__
    if code.co_flags & _VARIADIC or code.co_kwonlyargcount or function.__defaults__:
        return None
    if hasattr(function, "__wrapped__"):  # pluggy looks at what a decorator wraps
        return None
    return code.co_varnames[: code.co_argcount]


def _call_with(function: FunctionType, names: tuple[str, ...]) -> Hook:
    return lambda arguments: function(*[arguments[name] for name in names])


def _judged(plugin: object, name: str) -> dict[str, Hook]:
    import pluggy

    from cmcore.hookspecs import CmSpecs

    # One manager for each plugin, because each is called alone.
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(CmSpecs)
    try:
        manager.register(plugin, name=name)
    except pluggy.PluginValidationError as error:
        # The other lines repeat what is known.
        raise ValueError(str(error).splitlines()[-1].strip()) from error
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        if not caller.has_spec():
            raise ValueError(f"unknown hook '{caller.name}'; {nearest(caller.name, HOOKS)}")
    return {caller.name: _call_through(caller, caller.name) for caller in callers}


def _call_through(caller: Callable[..., Any], hook: str) -> Hook:
    from cmcore.hookspecs import CmSpecs

    options = getattr(getattr(CmSpecs, hook), f"{PROJECT}_spec")

    def call(arguments: dict[str, Any]) -> Any:
        answer = caller(**arguments)
        if options.get("firstresult"):
            return answer
        return answer[0] if answer else None  # a list with an item for each plugin

    return call
