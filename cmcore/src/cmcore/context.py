"""What every action gets: the services of one process, each made when it is first used."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cmcore.collections import Collections
    from cmcore.config import Settings
    from cmcore.console import Console
    from cmcore.index import Index
    from cmcore.manager import Manager
    from cmcore.paths import Paths
    from cmcore.registry import Registry
    from cmcore.types import Artifact, Collection, Request, Result, Setting


class Context:
    """The services of the core. Making one costs nothing; it reads and imports on demand.

    Args:
        environ: environment variables to go by, `os.environ` by default.
        console: the person at the terminal; by default one for Python callers, who are never asked.
        paths: the home; by default the one that the environment names.
        no_plugins: leave all plugins out, as `--no-plugins` does.
        registry: what plugins offer; by default found by discovery.
    """

    __slots__ = (
        "_collections",
        "_console",
        "_index",
        "_manager",
        "_paths",
        "_registry",
        "_settings",
        "environ",
        "no_plugins",
    )

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        console: Console | None = None,
        paths: Paths | None = None,
        no_plugins: bool = False,
        registry: Registry | None = None,
    ) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.no_plugins = no_plugins
        self._console = console
        self._paths = paths
        self._registry = registry
        self._manager: Manager | None = None
        self._settings: Settings | None = None
        self._collections: Collections | None = None
        self._index: Index | None = None

    @property
    def paths(self) -> Paths:
        """Where the home's files are."""
        if self._paths is None:
            from cmcore.paths import Paths

            self._paths = Paths.from_environ(self.environ)
        return self._paths

    @property
    def console(self) -> Console:
        """The person at the terminal."""
        if self._console is None:
            from cmcore.console import Console

            self._console = Console.for_python()
        return self._console

    @property
    def registry(self) -> Registry:
        """What the installed plugins offer; importing none of them."""
        if self._registry is None:
            from cmcore.registry import Registry

            self._registry = Registry.build(self.paths, self.environ, no_plugins=self.no_plugins)
        return self._registry

    @property
    def manager(self) -> Manager:
        """The way to call plugins."""
        if self._manager is None:
            from cmcore.manager import Manager

            self._manager = Manager(self.registry, self.console, self.environ)
        return self._manager

    @property
    def settings(self) -> Settings:
        """The user's settings."""
        if self._settings is None:
            from cmcore.config import Settings

            self._settings = Settings(
                self.paths,
                self.environ,
                self._declared_settings,
                lambda text: self.console.warn(text),
            )
        return self._settings

    @property
    def collections(self) -> Collections:
        """The places artifacts come from."""
        if self._collections is None:
            from cmcore.collections import Collections

            self._collections = Collections(self.paths, self._package_collections)
        return self._collections

    @property
    def index(self) -> Index:
        """All artifacts, always fresh."""
        if self._index is None:
            from cmcore.index import Index

            self._index = Index(self.paths, self.collections)
        return self._index

    def call(self, request: Request) -> Result:
        """Carry out one request.

        Raises:
            CmError: it failed.
        """
        from cmcore.dispatch import run

        return run(self, request)

    def access(self, request: Mapping[str, Any] | list[str] | str) -> dict[str, Any]:
        """The same with dictionaries, as `cmind.access` does it: failures are in the answer."""
        from cmcore.dispatch import access

        return access(request, self)

    def search(self, automation: str, artifact: str = "", tags: str = "") -> list[Artifact]:
        """Artifacts of a noun that fit a name (wildcards allowed) and tags (`a,b,-c`).

        Raises:
            UsageError: the name or the tags cannot be read.
        """
        return self.index.search(automation, artifact, tags)

    def close(self) -> None:
        """Give back the files that are held open; the next question opens them again.

        Without it they are given back when Python collects the context, which can take a while:
        worth a call, or a `with`, in a program that makes many.
        """
        if self._index is not None:
            self._index.close()

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warnings(self) -> list[str]:
        """What collections and index have to say of what was used so far; each text once."""
        said = self._collections.warnings() if self._collections is not None else []
        return said + (self._index.warnings() if self._index is not None else [])

    def _declared_settings(self) -> Iterable[Setting]:
        # Asked here, because the manager is worth its import only when somebody answers.
        return self.manager.settings() if self.registry.with_hook("cm_settings") else ()

    def _package_collections(self) -> Iterable[Collection]:
        from cmcore.collection_meta import package_collections

        yield from package_collections(self.registry.package_folders(), self.paths.collection_memo)
        if self.registry.with_hook("cm_collections"):
            yield from self.manager.collections(self)
