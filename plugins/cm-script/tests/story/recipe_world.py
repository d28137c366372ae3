"""A home with a collection of recipes written by the test, and a way to run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cmcore.context import Context
from cmcore.naming import new_uid


class World:
    """Recipes in a folder, registered in a home of their own.

    Attributes:
        home, folder, here: CM_HOME, the collection, the current folder of the runs.
        log: file that hooks and steps of the test's recipes may append words to.
    """

    def __init__(self, top: Path, plugins: str | None = None) -> None:
        self.home, self.folder, self.here = top / "home", top / "recipes", top / "here"
        self.log = top / "log"
        for path in (self.home, self.folder / "script", self.here):
            path.mkdir(parents=True)
        (self.folder / "cmr.yaml").write_text("alias: test-recipes\nuid: 00112233445566aa\n")
        self.environ = {**os.environ, "CM_HOME": str(self.home)}
        self.environ.pop("CM_PLUGINS", None)
        if plugins is not None:
            self.environ["CM_PLUGINS"] = plugins
        answer = self.access("add", "collection", artifact=str(self.folder))
        assert answer["return"] == 0, answer

    def recipe(
        self,
        alias: str,
        *,
        form: str = "cm",
        customize: str = "",
        run: str = "",
        files: dict[str, str] | None = None,
        **meta: Any,
    ) -> Path:
        """Write a recipe; its tags are its alias unless `tags` says otherwise."""
        path = self.folder / "script" / meta.pop("dir", alias)
        path.mkdir()
        meta = {"alias": alias, "uid": new_uid(), "tags": [alias], **meta}
        name = "_cm.json" if form == "cm" else "meta.json"
        (path / name).write_text(json.dumps(meta))
        if customize:
            (path / "customize.py").write_text(customize)
        if run:
            (path / "run.sh").write_text(run)
        for file, text in (files or {}).items():
            (path / file).write_text(text)
        return path

    def notes(self, word: str) -> str:
        """A shell line that appends a word to the log."""
        return f"echo {word} >> '{self.log}'\n"

    def noted(self) -> list[str]:
        """The words in the log so far; the log is then empty."""
        words = self.log.read_text().split() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return words

    def context(self) -> Context:
        """Services of a new process, as far as the home goes."""
        return Context(environ=self.environ)

    def access(self, action: str, automation: str, **call: Any) -> dict[str, Any]:
        """One request, as a Python caller makes it."""
        before = os.getcwd()
        os.chdir(self.here)
        try:
            with self.context() as context:
                answer = context.access({"action": action, "automation": automation, **call})
            if answer["return"] > 0:  # pytest shows it beside a failed assert
                print(action, automation, call, "->", answer.get("error"))
            return answer
        finally:
            assert Path(os.getcwd()) == self.here, "a run must leave the current folder alone"
            os.chdir(before)

    def run(self, tags: str, **flags: Any) -> dict[str, Any]:
        """`cm run script --tags=TAGS`."""
        return self.access("run", "script", tags=tags, **flags)

    def told(self, tags: str, *flags: str) -> str:
        """What `cm run script TAGS` says on stderr; it has to succeed."""
        environ = {**self.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "cmcore", "run", "script", tags, "--quiet", *flags]
        done = subprocess.run(command, env=environ, cwd=self.here, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def entries(self) -> list[Path]:
        """Folders of finished cache entries."""
        return sorted(path.parent for path in (self.home / "cache").glob("*/_cm.json"))
