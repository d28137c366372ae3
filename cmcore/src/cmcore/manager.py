"""The one place that imports plugins, and the only one that calls their hooks.

A plugin is imported when something of it is needed: an action that it owns, or a hook that its
manifest lists. Each implementation is called on its own, so that one that fails is reported with
its distribution and version while the others answer. `CM_STRICT_PLUGINS=1` turns every failure
that would only be reported into an error; `CM_DEBUG=1` and `-v` show the traceback behind it.
"""

from __future__ import annotations

import os

from cmcore.errors import CmError, PluginError, VetoedError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Container, Mapping, Sequence, TypeVar
from cmcore.implementations import Hook, hooks_of
from cmcore.loading import import_plugin
from cmcore.manifest_rules import ACTION_HOOKS
from cmcore.types import (
    Action,
    Automation,
    CacheEntry,
    CacheRequest,
    Collection,
    HealthCheck,
    Outcome,
    Request,
    Reservation,
    Result,
    Setting,
)

if TYPE_CHECKING:
    from cmcore.console import Console
    from cmcore.context import Context
    from cmcore.plugin_state import PluginState
    from cmcore.registry import Owner, Registry

T = TypeVar("T")

#: What a plugin may raise by mistake. An interrupt from the keyboard is none of its business.
Mistake = (Exception, SystemExit)


class Manager:
    """Loads plugins on demand and calls their hooks, one typed method for each.

    Args:
        registry: who owns what.
        console: where failures that do not stop anything are reported; None to be silent.
        environ: CM_STRICT_PLUGINS and CM_DEBUG are looked up here.
    """

    def __init__(
        self,
        registry: Registry,
        console: Console | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._registry = registry
        self._console = console
        self._environ = os.environ if environ is None else environ

    def load(self, state: PluginState) -> object:
        """Import and register a plugin, once.

        Raises:
            PluginError: it is denied, broken, or fails to import or to register; the same error
                again at every later attempt.
        """
        if state.plugin is None:
            if state.error is None:
                try:
                    plugin = import_plugin(state)
                    state.hooks = _hooks(state, plugin)
                    state.state, state.plugin = "loaded", plugin
                    return plugin
                except PluginError as error:
                    state.state, state.error = "failed", error
                    self._explain(error)
            raise state.error
        return state.plugin

    def call(self, owner: Owner, request: Request, ctx: Context) -> Result:
        """Let the owner answer a request.

        Raises:
            CmError: what the plugin raised, unchanged.
            PluginError: it cannot be loaded, raised something else, or did not return a `Result`.
        """
        state, verb = owner.plugin, owner.action.name
        if state is None:
            raise TypeError("the core answers this request itself")
        if verb in ACTION_HOOKS:
            what = f"cm_{verb}"
            answer = self._call(state, what, {"ctx": ctx, "request": request})
        else:
            what = f"action '{verb} {owner.automation.name}'"
            handler = self.handler(state, owner.automation.name, verb)
            answer = self._guarded(state, what, handler, ctx, request)
        if not isinstance(answer, Result):
            raise _failed(state, f"{what} returned {_kind(answer)} instead of a Result")
        return answer

    def handler(
        self, state: PluginState, automation: str, verb: str
    ) -> Callable[[Context, Request], Result | None]:
        """The function behind a verb that is no hook of its own, from `cm_actions`.

        Raises:
            PluginError: the plugin does not give one.
        """
        for action in self.actions(state):
            if (action.automation, action.name) == (automation, verb) and action.handler:
                return action.handler
        cause = f"cm_actions gives no handler for '{verb} {automation}', which the manifest lists"
        raise _failed(state, cause)

    def actions(self, state: PluginState) -> list[Action]:
        """What one plugin's `cm_actions` returns.

        Raises:
            PluginError: it fails, or returns something else.
        """
        return self._records(state, "cm_actions", Action)

    def nouns(self, state: PluginState) -> list[Automation]:
        """What one plugin's `cm_automations` returns; the manifest is what counts.

        Raises:
            PluginError: it fails, or returns something else.
        """
        return self._records(state, "cm_automations", Automation)

    def collections(self, ctx: Context) -> list[Collection]:
        """Collections whose place plugins only know at run time."""
        return self._gather("cm_collections", Collection, {"ctx": ctx})

    def settings(self) -> list[Setting]:
        """Settings that plugins read."""
        return self._gather("cm_settings", Setting, {})

    def health_checks(self, ctx: Context) -> list[HealthCheck]:
        """What plugins say about their own health."""
        return self._gather("cm_health_checks", HealthCheck, {"ctx": ctx})

    def container_engines(self, ctx: Context) -> list[object]:
        """Container engines that plugins bring; what they are is for the one who uses them."""
        return self._gather("cm_container_engines", object, {"ctx": ctx})

    def health_of(self, state: PluginState, ctx: Context) -> list[HealthCheck]:
        """What one plugin says about its own health.

        Raises:
            PluginError: it fails to say.
        """
        return self._records(state, "cm_health_checks", HealthCheck, {"ctx": ctx})

    def settings_of(self, state: PluginState) -> list[Setting]:
        """Settings that one plugin reads.

        Raises:
            PluginError: it fails, or returns something else.
        """
        return self._records(state, "cm_settings", Setting)

    def complete(self, ctx: Context, request: Request, incomplete: str) -> list[str]:
        """Words for shell completion, from the plugins that have something to do with the noun."""
        arguments = {"ctx": ctx, "request": request, "incomplete": incomplete}
        concerned = self._registry.concerned_with(request.automation)
        return self._gather("cm_complete", str, arguments, only=concerned)

    def before_action(self, ctx: Context, request: Request) -> None:
        """Tell observers that an action is about to begin.

        Raises:
            VetoedError: one of them refuses it.
        """
        self._observe("cm_before_action", {"ctx": ctx, "request": request})

    def after_action(self, ctx: Context, request: Request, result: Result) -> None:
        """Tell observers what an action answered."""
        self._observe("cm_after_action", {"ctx": ctx, "request": request, "result": result})

    def on_error(self, ctx: Context, request: Request, error: CmError) -> None:
        """Tell observers how an action failed."""
        self._observe("cm_on_error", {"ctx": ctx, "request": request, "error": error})

    def cache_find(self, ctx: Context, request: CacheRequest) -> Sequence[CacheEntry] | None:
        """Entries that may answer, best first; None when no plugin keeps a cache."""
        arguments = {"ctx": ctx, "request": request}
        found: list[CacheEntry] | None = self._first("cm_cache_find", (list, tuple), arguments)
        return found

    def cache_reserve(
        self, ctx: Context, request: CacheRequest, refresh: CacheEntry | None, fresh: bool
    ) -> Reservation | CacheEntry | None:
        """The right to build an entry, or a finished one; None when no plugin keeps a cache."""
        arguments = {"ctx": ctx, "request": request, "refresh": refresh, "fresh": fresh}
        kinds = (Reservation, CacheEntry)
        got: Reservation | CacheEntry | None = self._first("cm_cache_reserve", kinds, arguments)
        return got

    def cache_publish(
        self, ctx: Context, reservation: Reservation, outcome: Outcome
    ) -> CacheEntry | None:
        """The entry that a reservation became."""
        arguments = {"ctx": ctx, "reservation": reservation, "outcome": outcome}
        entry: CacheEntry | None = self._first("cm_cache_publish", (CacheEntry,), arguments)
        return entry

    def cache_release(self, ctx: Context, reservation: Reservation, error: str) -> bool | None:
        """True when a plugin took the reservation back."""
        arguments = {"ctx": ctx, "reservation": reservation, "error": error}
        taken: bool | None = self._first("cm_cache_release", (bool,), arguments)
        return taken

    def cache_state(self, ctx: Context, entry: CacheEntry) -> Mapping[str, Any] | None:
        """The state that was published with an entry."""
        arguments = {"ctx": ctx, "entry": entry}
        state: Mapping[str, Any] | None = self._first("cm_cache_state", (Mapping,), arguments)
        return state

    def _call(self, state: PluginState, hook: str, arguments: dict[str, Any]) -> Any:
        """Call one plugin's implementation alone; None when it has none or answers None."""
        self.load(state)
        implementation = state.hooks.get(hook)
        if implementation is None:
            return None
        return self._guarded(state, hook, implementation, arguments)

    def _records(
        self, state: PluginState, hook: str, kind: type[T], arguments: dict[str, Any] | None = None
    ) -> list[T]:
        answer = self._call(state, hook, arguments or {})
        # A generator runs only now, so reading it is a call of the plugin's code as well.
        records: list[T] = self._guarded(state, hook, list, () if answer is None else answer)
        for item in records:
            if not isinstance(item, kind):
                raise _failed(state, f"{hook} gave {_kind(item)} instead of {kind.__name__}")
        return records

    def _gather(
        self,
        hook: str,
        kind: type[T],
        arguments: dict[str, Any],
        only: Container[PluginState] | None = None,
    ) -> list[T]:
        found: list[T] = []
        for state in self._registry.with_hook(hook):
            if only is None or state in only:
                found += self._isolated(state, self._records, state, hook, kind, arguments) or []
        return found

    def _first(self, hook: str, kinds: tuple[type, ...], arguments: dict[str, Any]) -> Any:
        """The first answer that is not None. A plugin that cannot load is reported and skipped."""
        for state in self._registry.with_hook(hook):
            if self._isolated(state, self.load, state) is None:
                continue
            answer = self._call(state, hook, arguments)
            if answer is not None and not isinstance(answer, kinds):
                wanted = " or ".join(kind.__name__ for kind in kinds)
                raise _failed(state, f"{hook} returned {_kind(answer)} instead of {wanted}")
            if answer is not None:
                return answer
        return None

    def _observe(self, hook: str, arguments: dict[str, Any]) -> None:
        for state in self._registry.with_hook(hook):
            try:
                self._isolated(state, self._call, state, hook, arguments)
            except VetoedError:
                if hook == "cm_before_action":
                    raise

    def _isolated(self, state: PluginState, call: Callable[..., T], *words: Any) -> T | None:
        """The answer, or None after a failure that was reported."""
        try:
            return call(*words)
        except VetoedError:
            raise
        except CmError as error:
            failure = error if isinstance(error, PluginError) else _failed(state, error)
            if self._environ.get("CM_STRICT_PLUGINS") == "1":
                raise failure from error
            if self._console is not None:
                self._console.warn(str(failure))
            return None

    def _guarded(
        self, state: PluginState, what: str, call: Callable[..., Any], *words: Any, **named: Any
    ) -> Any:
        """Call a plugin's code; what it raises by mistake becomes a `PluginError`."""
        try:
            return call(*words, **named)
        except CmError:
            raise
        except Mistake as error:
            failure = _failed(state, error)
            failure.where = what
            failure.__cause__ = error
            self._explain(failure)
            raise failure from error

    def _explain(self, failure: PluginError) -> None:
        """Show where in the plugin it happened, to those who asked for it."""
        if self._console is None or failure.__cause__ is None:
            return
        if self._environ.get("CM_DEBUG") or getattr(self._console, "verbosity", 0) > 0:
            from traceback import format_exception

            self._console.err("".join(format_exception(failure.__cause__)).rstrip())


def _hooks(state: PluginState, plugin: object) -> dict[str, Hook]:
    try:
        return hooks_of(plugin, f"{state.candidate.dist}:{state.candidate.name}")
    except ValueError as error:
        raise _failed(state, str(error), "register") from error
    except Mistake as error:
        raise _failed(state, error, "register") from error


def _failed(state: PluginState, cause: str | BaseException, stage: str = "call") -> PluginError:
    return PluginError(state.candidate.dist, state.candidate.version, stage, cause)


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
