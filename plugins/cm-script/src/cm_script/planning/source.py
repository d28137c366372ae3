"""What the code of a recipe says about itself, read as text and never run."""

from __future__ import annotations

import os
import re
from functools import cached_property

from cm_script import native
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.run import RecipeRun

CODE = "customize.py"
_ASSIGNED = re.compile(
    r"""\[\s*f?['"]\+?\s?([A-Za-z_]\w*)['"]\s*\]\s*\+?=(?!=)|setdefault\(\s*['"](\w+)['"]"""
)
_COMPUTED = re.compile(
    r"""\benv\s*\[\s*(?:[A-Za-z_]|f['"]|['"][^'"]*['"]\s*\+)[^\]]*\]\s*\+?=(?!=)"""
)
_EXPORTED = re.compile(r"\b([A-Z][A-Z0-9_]{2,})=")
_SCRIPT_NAME = re.compile(r"""['"]([\w.-]+)['"]""")
_SKIPS = re.compile(r"""['"]skip['"]\s*:\s*True""")
_SKIP_KEY = re.compile(r"""['"]skip['"]|\bskip\s*=""")
_SCRIPT_KEY = re.compile(r"""['"]script['"]\s*[:\]]|\bscript\s*=""")
_COMMENT = re.compile(r"(?:^|[^\S\n])#.*", re.MULTILINE)
_NESTED = re.compile(r"""['"]action['"]\s*:\s*['"]run['"]""")


class Source:
    """The files of one recipe as far as a run of it would use them.

    Attributes:
        folder: the recipe's.
        script: path of its native script, "" for none.
        code: text of `customize.py`, "" for none.
        names: of the files in the folder.
        grounds: what `needs` has found in the texts, once it was asked.
    """

    def __init__(self, run: RecipeRun) -> None:
        self.folder = run.artifact.path
        self.base = run.scope.script_name.strip() or "run"
        self.names = _names(self.folder)
        there = set(self.names)
        self.script = native.find_script(self.folder, self.base, run.env, run.dialect, there)
        self.code = _text(os.path.join(self.folder, "customize.py")) if CODE in there else ""
        self.grounds: dict[str, list[str]] = {}

    def has(self, hook: str) -> bool:
        """Whether `customize.py` defines a hook."""
        return f"def {hook}(" in self.code and bool(
            re.search(rf"^def {hook}\(", self.code, re.MULTILINE)
        )

    @cached_property
    def variants(self) -> bool:
        """Whether there are native scripts for some systems, whichever this one is."""
        start = self.base + "-"
        return any(n.startswith(start) and n.endswith((".sh", ".bat")) for n in self.names)

    @property
    def native(self) -> bool:
        """Whether a run may have a native step, as far as the host is known."""
        return bool(self.script or self.variants)

    @cached_property
    def acts(self) -> bool:
        """Whether anything but meta decides what the recipe exports."""
        hooks = ("predeps", "preprocess", "postprocess", "detect_version")
        return self.native or any(map(self.has, hooks))

    @cached_property
    def assigned(self) -> set[str]:
        """Variables that the hooks set by name."""
        return {a or b for a, b in _ASSIGNED.findall(self.code)}

    @property
    def computes_names(self) -> bool:
        """Whether the hooks also set variables whose names they compute."""
        return bool(_COMPUTED.search(self.code))

    @cached_property
    def scripts(self) -> dict[str, str]:
        """Native scripts that a run may use: name -> text without comments.

        The one that runs by itself, and those that `customize.py` names.
        """
        wanted = {self.base, *_SCRIPT_NAME.findall(self.code)}
        found = {}
        for name in sorted(self.names):
            base = name.removesuffix(".sh").partition("-")[0]
            chosen = os.path.join(self.folder, name) == self.script
            named = name.endswith(".sh") and (base in wanted or name[:-3] in wanted)
            if chosen or (named and base != self.base):
                found[name] = without_comments(_text(os.path.join(self.folder, name)))
        return found

    @property
    def exported(self) -> set[str]:
        """Variables that the native scripts seem to report."""
        return {key for text in self.scripts.values() for key in _EXPORTED.findall(text)}

    @property
    def may_skip(self) -> bool:
        """Whether `preprocess` may leave the recipe out."""
        return bool(_SKIPS.search(self.code))

    @property
    def may_run_another(self) -> bool:
        """Whether `preprocess` may have another recipe run in place of this one."""
        return bool(_SKIP_KEY.search(self.code) and _SCRIPT_KEY.search(self.code))

    @property
    def runs_recipes(self) -> bool:
        """Whether hooks run recipes themselves."""
        return "access(" in self.code and bool(_NESTED.search(self.code))


def without_comments(text: str) -> str:
    """`text` less the lines and line ends that begin with `#`."""
    return _COMMENT.sub("", text)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
