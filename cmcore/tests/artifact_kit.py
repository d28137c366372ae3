"""What the suites of artifacts, collections, index and actions share."""

from __future__ import annotations

import json
import os
import traceback

from cmcore.collections import Collections
from cmcore.console import Console
from cmcore.context import Context
from cmcore.index import Index
from cmcore.paths import Paths
from cmcore.types import Request


def put(root, automation, folder, meta, name="_cm.json"):
    """Write an artifact's meta file the plain way; `meta` is data (as JSON) or text."""
    path = os.path.join(root, automation, folder)
    os.makedirs(path, exist_ok=True)
    text = meta if isinstance(meta, str) else json.dumps(meta)
    with open(os.path.join(path, name), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def uid(number):
    return f"{number:016x}"


class World:
    """A home with two registered collections, and an index on it."""

    def __init__(self, tmp_path):
        self.paths = Paths(str(tmp_path / "home"))
        self.roots = []
        self.collections = Collections(self.paths)
        for name in ("first", "second"):
            root = tmp_path / name
            root.mkdir()
            (root / "cmr.yaml").write_text(f"alias: {name}\n")
            self.collections.add(str(root))
            self.roots.append(str(root))
        self.index = self.again()

    def again(self):
        """What another process would have: an index of its own on the same files."""
        return Index(self.paths, Collections(self.paths))

    def names(self, *args, **kwargs):
        return [a.alias for a in self.index.search("thing", *args, **kwargs)]


class Scripted(Console):
    """A console with a person who answers yes or no, as told."""

    def __init__(self, answers=()):
        super().__init__(verbosity=-1)
        self.answers = list(answers)
        self.interactive = bool(self.answers)
        self.questions = []

    def confirm(self, question, default=False):
        self.questions.append(question)
        return self.answers.pop(0)


def context(home, answers=(), **environ):
    return Context(
        environ={"CM_HOME": str(home), **environ},
        console=Scripted(answers),
        paths=Paths(str(home)),
        no_plugins=True,
    )


def request(action, *artifacts, automation="thing", **flags):
    return Request(action, automation, tuple(artifacts), flags)


def in_child(work):
    """Run `work` in a forked process; its exit code, 1 after an exception."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - a child must never return into the test run
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


#: System calls that change files, by the name that Python code calls them by.
WRITES = ("write", "replace", "rename", "mkdir", "unlink", "rmdir", "open", "fsync")
KILLED = 77


def killed_at(number, work):
    """Run `work` in a process that dies at its `number`-th change of a file, before it is made.

    Returns:
        True when it died, False when it was through before.
    """

    def dying():
        left = [number]

        def wrap(real):
            def call(*args, **kwargs):
                left[0] -= 1
                if left[0] <= 0:
                    os._exit(KILLED)
                return real(*args, **kwargs)

            return call

        for name in WRITES:
            setattr(os, name, wrap(getattr(os, name)))
        work()

    code = in_child(dying)
    assert code in (0, KILLED), f"exit code {code}"
    return code == KILLED
