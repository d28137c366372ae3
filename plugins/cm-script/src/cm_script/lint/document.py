"""A recipe's meta files, with the line of every key."""

from __future__ import annotations

import os
from typing import Any

from cm_script.lint.findings import Finding, Path, key_text
from cmcore.errors import CmError, StorageError


class Document:
    """The meta of one recipe folder.

    Attributes:
        folder: the recipe's folder.
        form: `cm` or `mlc`.
        data: the meta; empty when it cannot be read.
        problems: findings of the reading itself: YAML errors, repeated keys.
    """

    def __init__(self, folder: str) -> None:
        from cmcore.artifacts import meta_files

        self.folder = folder
        self.data: dict[str, Any] = {}
        self.problems: list[Finding] = []
        self._marks: dict[Path, tuple[str, int, int]] = {}
        self.form, names = meta_files(set(os.listdir(folder)))
        self.file = os.path.join(folder, names[0]) if names else folder
        for name in names:
            self._read(os.path.join(folder, name))

    @property
    def readable(self) -> bool:
        """Whether there is a meta to check."""
        return not any(problem.rule == "syntax" for problem in self.problems)

    def place(self, path: Path) -> tuple[str, int, int]:
        """File, line and column of a key; of the nearest one around it that has a line."""
        while path:
            if path in self._marks:
                return self._marks[path]
            path = path[:-1]
        return self.file, 1, 0

    def _read(self, file: str) -> None:
        from cmcore.storage import read_bytes
        from cmcore.yamlio import layout

        content = b""
        try:
            content = read_bytes(file)
            data = _parsed(file, content)
        except CmError as error:
            self._syntax(file, error, content)
            return
        try:
            marks, repeats = layout(content)
        except StorageError:
            # JSON that is no YAML, because of tabs: right, but without lines.
            marks, repeats = {}, []
        for path, (line, column) in marks.items():
            self._marks[path] = (file, line, column)
        for repeat in repeats:
            self.problems.append(
                Finding(
                    "warning" if repeat.same else "error",
                    "repeated-key",
                    file,
                    repeat.line,
                    marks[repeat.path][1] if marks[repeat.path][0] == repeat.line else 0,
                    key_text(repeat.path),
                    f"key '{repeat.path[-1]}' is repeated: line {repeat.first} "
                    + ("says the same" if repeat.same else "is ignored"),
                    "keep one of the two" if repeat.same else "join the two",
                )
            )
        self.data.update(data)

    def _syntax(self, file: str, error: CmError, content: bytes) -> None:
        where, _, line = error.where.rpartition(":")
        # A JSON error ends in `:line:column`.
        head, _, earlier = where.rpartition(":")
        at = earlier if head == file else line if where == file else ""
        number = int(at) if at.isdigit() else 0
        text = b"".join(content.split(b"\n")[number - 1 : number])
        tabbed = b"\t" in text[: len(text) - len(text.lstrip())]
        fix = "indent with blanks: YAML takes no tabs" if tabbed else "correct the file"
        self.problems.append(Finding("error", "syntax", file, number, 0, "", error.message, fix))


def _parsed(file: str, content: bytes) -> dict[str, Any]:
    from cmcore.artifacts import parse_meta

    name = os.path.basename(file)
    return parse_meta(os.path.dirname(file), "", {name: content}).data
