"""Where the core keeps its files.

Everything lives under one home folder, so that `CM_HOME` moves all of it at once.
"""

from __future__ import annotations

import os
import sys

from cmcore.hints import Mapping

_NAME = "cmcore"


class Paths:
    """The core's files and folders; computing a path creates nothing.

    Args:
        home: folder that holds all of them; made absolute.
    """

    __slots__ = ("home",)

    def __init__(self, home: str) -> None:
        self.home = os.path.abspath(os.path.expanduser(home))

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Paths:
        """The paths of the home that the environment chooses (see `default_home`)."""
        return cls(default_home(os.environ if environ is None else environ))

    @property
    def collections_file(self) -> str:
        """The registered collections."""
        return os.path.join(self.home, "collections.json")

    @property
    def collection_memo(self) -> str:
        """Parsed meta files of collections; can be deleted at any time."""
        return os.path.join(self.home, "collections-memo.json")

    @property
    def local(self) -> str:
        """The writable collection that new artifacts go to."""
        return os.path.join(self.home, "local")

    @property
    def index_file(self) -> str:
        """What is known of artifacts; can be deleted at any time.

        The number is that of its inner form, so that two versions of the core share a home.
        """
        return os.path.join(self.home, "index-1.sqlite")

    @property
    def cache(self) -> str:
        """Folder of cached outcomes."""
        return os.path.join(self.home, "cache")

    @property
    def records(self) -> str:
        """Folder of run records."""
        return os.path.join(self.home, "records")

    @property
    def locks(self) -> str:
        """Folder of lock files."""
        return os.path.join(self.home, "locks")

    @property
    def config_file(self) -> str:
        """The user's settings."""
        return os.path.join(self.home, "config.json")

    @property
    def logs(self) -> str:
        """Folder of log files."""
        return os.path.join(self.home, "logs")

    def __repr__(self) -> str:
        return f"Paths({self.home!r})"


def default_home(environ: Mapping[str, str]) -> str:
    """`$CM_HOME`, else the user's data folder of the platform with `cmcore` below it.

    On Linux and the BSDs the rule is short enough to spare the import of platformdirs, which
    costs more than the whole look-up of a recipe; a test holds the two equal.
    """
    chosen = environ.get("CM_HOME", "").strip()
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    if sys.platform in ("win32", "darwin", "ios", "android", "cygwin") or "ANDROID_DATA" in environ:
        from platformdirs import user_data_dir

        return user_data_dir(_NAME, appauthor=False)
    data = environ.get("XDG_DATA_HOME", "").strip() or os.path.expanduser("~/.local/share")
    return os.path.join(data, _NAME)
