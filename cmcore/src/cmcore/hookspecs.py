"""The contract between the core and its plugins: every hook, typed, with an example.

A plugin implements the hooks that its manifest names, as functions of its entry module marked
with `cmcore.hookimpl`. Three kinds exist:

* **Actions** (`cm_run`, `cm_search`, ...) are routed: only the one plugin whose manifest owns the
  (noun, verb) pair is imported and called. Returning None says "not mine" and ends in an error.
* **Contributions** (`cm_actions`, `cm_collections`, ...) return typed records and do no work.
* **Observers** (`cm_before_action`, `cm_after_action`, `cm_on_error`) watch every action. A failing
  observer is reported and skipped; only `cm_before_action` can stop an action, by raising
  `cmcore.errors.VetoedError`.

Hooks grow by new arguments only: an implementation may name fewer than the specification has.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping, Sequence
from cmcore.hookmarks import PROJECT, hookimpl, hookspec

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.errors import CmError
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

#: Version of this contract (semantic versioning). A manifest's `api` must have the same major
#: number and must not ask for a newer minor one.
API_VERSION = "1.0"

__all__ = ["API_VERSION", "PROJECT", "CmSpecs", "hookimpl", "hookspec"]


class CmSpecs:
    """All hook specifications; a namespace of hook specifications as pluggy has them."""

    @hookspec(firstresult=True)
    def cm_search(self, ctx: Context, request: Request) -> Result | None:
        """`cm search NOUN ...`: find artifacts of the noun.

        Artifacts that match names (wildcards allowed) and `--tags`.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_search(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"list": []}, view="nothing here yet")
        """

    @hookspec(firstresult=True)
    def cm_add(self, ctx: Context, request: Request) -> Result | None:
        """`cm add NOUN ...`: create an artifact.

        A new artifact, in the local collection unless `collection:name` says otherwise.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_add(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"path": "/tmp/x"})
        """

    @hookspec(firstresult=True)
    def cm_load(self, ctx: Context, request: Request) -> Result | None:
        """`cm load NOUN ...`: read one artifact's meta.

        Exactly one artifact with its whole meta.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_load(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"meta": {}})
        """

    @hookspec(firstresult=True)
    def cm_update(self, ctx: Context, request: Request) -> Result | None:
        """`cm update NOUN ...`: change an artifact's meta.

        Merge `meta` into the artifacts that match.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_update(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"updated": 1})
        """

    @hookspec(firstresult=True)
    def cm_remove(self, ctx: Context, request: Request) -> Result | None:
        """`cm remove NOUN ...`: delete artifacts.

        Delete the artifacts that match; never data of a read-only collection.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_remove(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"removed": []})
        """

    @hookspec(firstresult=True)
    def cm_move(self, ctx: Context, request: Request) -> Result | None:
        """`cm move NOUN ...`: rename an artifact or move it to another collection.

        Rename or move one artifact.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_move(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"path": "/tmp/y"})
        """

    @hookspec(firstresult=True)
    def cm_copy(self, ctx: Context, request: Request) -> Result | None:
        """`cm copy NOUN ...`: copy an artifact.

        Copy one artifact; the copy gets its own UID.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_copy(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"path": "/tmp/y"})
        """

    @hookspec(firstresult=True)
    def cm_show(self, ctx: Context, request: Request) -> Result | None:
        """`cm show NOUN ...`: describe artifacts for a person.

        What a person wants to know of the artifacts that match.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_show(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"uid": "x"}, view="a description")
        """

    @hookspec(firstresult=True)
    def cm_run(self, ctx: Context, request: Request) -> Result | None:
        """`cm run NOUN ...`: do what the artifact is for.

        Run an artifact, for example a recipe.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_run(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"new_env": {}}, view=f"ran {request.artifacts}")
        """

    @hookspec(firstresult=True)
    def cm_docker(self, ctx: Context, request: Request) -> Result | None:
        """`cm docker NOUN ...`: do it inside a container.

        The same request as `run`, inside a container.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_docker(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"image": "local/x"})
        """

    @hookspec(firstresult=True)
    def cm_plan(self, ctx: Context, request: Request) -> Result | None:
        """`cm plan NOUN ...`: say what `run` would do, without doing it.

        The resolved tree behind a `run` request; nothing is executed or written.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_plan(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"steps": []}, view="nothing to do")
        """

    @hookspec(firstresult=True)
    def cm_test(self, ctx: Context, request: Request) -> Result | None:
        """`cm test NOUN ...`: run an artifact's own tests.

        Run the tests that the artifact declares.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_test(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"passed": 1})
        """

    @hookspec(firstresult=True)
    def cm_doc(self, ctx: Context, request: Request) -> Result | None:
        """`cm doc NOUN ...`: write documentation for artifacts.

        Documentation made from the meta of the artifacts that match.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_doc(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"files": []})
        """

    @hookspec(firstresult=True)
    def cm_pull(self, ctx: Context, request: Request) -> Result | None:
        """`cm pull NOUN ...`: fetch artifacts from elsewhere.

        Fetch or refresh artifacts from a remote place.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_pull(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"path": "/tmp/x"})
        """

    @hookspec(firstresult=True)
    def cm_lint(self, ctx: Context, request: Request) -> Result | None:
        """`cm lint NOUN ...`: check artifacts for mistakes.

        Mistakes in the artifacts that match, each with file and fix.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_lint(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({"findings": []})
        """

    @hookspec(firstresult=True)
    def cm_help(self, ctx: Context, request: Request) -> Result | None:
        """`cm help NOUN ...`: explain one artifact.

        Inputs, variations and outputs of one artifact.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Result

            @hookimpl
            def cm_help(ctx, request):
                if request.automation != "notebook":
                    return None
                return Result({}, view="usage: ...")
        """

    @hookspec
    def cm_actions(self) -> Iterable[Action]:
        """Further verbs: for nouns of this plugin's own or of another one.

        The manifest lists each of them too (so that help and routing need no import); the record
        returned here carries the handler.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Action, Result

            def replay(ctx, request):
                return Result({"replayed": list(request.artifacts)})

            @hookimpl
            def cm_actions():
                return [Action("replay", "notebook", "run a notebook again", handler=replay)]
        """
        return ()

    @hookspec
    def cm_automations(self) -> Iterable[Automation]:
        """Nouns, as the manifest lists them; `cm plugins verify` compares the two.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Automation

            @hookimpl
            def cm_automations():
                return [Automation("notebook", "notebooks that can be run")]
        """
        return ()

    @hookspec
    def cm_collections(self, ctx: Context) -> Iterable[Collection]:
        """Collections whose place is only known at run time; static ones stand in the manifest.

        Example::

            import os
            from cmcore import hookimpl
            from cmcore.types import Collection

            @hookimpl
            def cm_collections(ctx):
                path = os.path.join(ctx.paths.home, "shared")
                return [Collection("shared", "", path, path, "folder")]
        """
        return ()

    @hookspec(firstresult=True)
    def cm_cache_find(self, ctx: Context, request: CacheRequest) -> Sequence[CacheEntry] | None:
        """Finished entries that may answer `request`, best first; an empty list for none.

        None says that this plugin keeps no cache. The asker still validates an entry (paths,
        versions) before it uses it.

        Example::

            from cmcore import hookimpl

            @hookimpl
            def cm_cache_find(ctx, request):
                return []
        """

    @hookspec(firstresult=True)
    def cm_cache_reserve(
        self, ctx: Context, request: CacheRequest, refresh: CacheEntry | None, fresh: bool
    ) -> Reservation | CacheEntry | None:
        """The right to build one entry, or the entry that another process just finished.

        Waits, with a message, while another live process builds the same entry. `refresh` names a
        finished entry that is to be built again in its folder; `fresh` asks for a new entry beside
        existing ones. A reservation that is neither published nor released (the process died) is
        taken over by the next one who asks.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Reservation

            @hookimpl
            def cm_cache_reserve(ctx, request, refresh, fresh):
                return Reservation("0123456789abcdef", "/tmp/entry", False, token=None)
        """

    @hookspec(firstresult=True)
    def cm_cache_publish(
        self, ctx: Context, reservation: Reservation, outcome: Outcome
    ) -> CacheEntry | None:
        """Make a reserved entry visible, all at once and durably.

        Example::

            import time
            from cmcore import hookimpl
            from cmcore.types import CacheEntry

            @hookimpl
            def cm_cache_publish(ctx, reservation, outcome):
                return CacheEntry(reservation.uid, reservation.path, outcome.tags,
                                  outcome.version, outcome.meta, time.time())
        """

    @hookspec(firstresult=True)
    def cm_cache_release(self, ctx: Context, reservation: Reservation, error: str) -> bool | None:
        """Give a reservation back unpublished; `error` says why, in one line.

        The folder stays for a later attempt to resume, but no look-up ever sees it.

        Example::

            from cmcore import hookimpl

            @hookimpl
            def cm_cache_release(ctx, reservation, error):
                return True
        """

    @hookspec(firstresult=True)
    def cm_cache_state(self, ctx: Context, entry: CacheEntry) -> Mapping[str, Any] | None:
        """What `Outcome.state` held when the entry was published.

        Raises:
            StorageError: the entry is damaged; the asker then treats it as a miss.

        Example::

            from cmcore import hookimpl

            @hookimpl
            def cm_cache_state(ctx, entry):
                return {"new_env": {}, "new_state": {}}
        """

    @hookspec
    def cm_complete(self, ctx: Context, request: Request, incomplete: str) -> Iterable[str]:
        """Words for shell completion of an artifact or `--tags=` value of this plugin's noun.

        Example::

            from cmcore import hookimpl

            @hookimpl
            def cm_complete(ctx, request, incomplete):
                return [w for w in ("first", "second") if w.startswith(incomplete)]
        """
        return ()

    @hookspec
    def cm_settings(self) -> Iterable[Setting]:
        """Keys of `cm config` that this plugin reads, named `<plugin>.<key>`.

        Example::

            from cmcore import hookimpl
            from cmcore.types import Setting

            @hookimpl
            def cm_settings():
                return [Setting("notebook.kernel", "kernel to start", "python3")]
        """
        return ()

    @hookspec
    def cm_health_checks(self, ctx: Context) -> Iterable[HealthCheck]:
        """Lines of `cm plugins doctor`: whether this plugin finds what it needs.

        Example::

            import shutil
            from cmcore import hookimpl
            from cmcore.types import HealthCheck

            @hookimpl
            def cm_health_checks(ctx):
                found = shutil.which("git")
                return [HealthCheck("git", bool(found), found or "", "install git")]
        """
        return ()

    @hookspec
    def cm_container_engines(self, ctx: Context) -> Iterable[object]:
        """Container engines that `cm docker` can use, objects of class `cm_docker.engine.Engine`.

        Example::

            from cmcore import hookimpl

            @hookimpl
            def cm_container_engines(ctx):
                from my_engine import MyEngine

                return [MyEngine(ctx.environ)]
        """
        return ()

    @hookspec
    def cm_before_action(self, ctx: Context, request: Request) -> None:
        """Called before every action; raise `VetoedError` to stop it.

        Example::

            from cmcore import hookimpl
            from cmcore.errors import VetoedError

            @hookimpl
            def cm_before_action(ctx, request):
                if request.action == "remove" and ctx.settings.get("core.keep"):
                    raise VetoedError("this installation keeps everything")
        """

    @hookspec
    def cm_after_action(self, ctx: Context, request: Request, result: Result) -> None:
        """Called after every action that succeeded; cannot change the result.

        Example::

            from cmcore import hookimpl

            @hookimpl
            def cm_after_action(ctx, request, result):
                ctx.console.log(f"{request.action} {request.automation}: done")
        """

    @hookspec
    def cm_on_error(self, ctx: Context, request: Request, error: CmError) -> None:
        """Called after every action that failed; cannot change the error.

        Example::

            from cmcore import hookimpl

            @hookimpl
            def cm_on_error(ctx, request, error):
                ctx.console.log(f"{request.action} {request.automation}: {error}")
        """
