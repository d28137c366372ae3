"""What a check reports, and where in a recipe's files it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cm_script.lint.document import Document

#: A place in the meta: keys and list indices from the top.
Path = tuple[str | int, ...]

#: What will fail or cannot take effect; what is probably not meant; what is good to know.
LEVELS = ("error", "warning", "note")


class Finding(NamedTuple):
    """One mistake.

    Attributes:
        level: one of `LEVELS`.
        rule: short name of the check.
        file: where.
        line, column: where in it, from 1; 0 when it is about the file, or the line, as a whole.
        key: place in the meta, such as `deps[2].tags`, or "".
        message: what is wrong.
        fix: what to do.
    """

    level: str
    rule: str
    file: str
    line: int
    column: int
    key: str
    message: str
    fix: str

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals make a link of."""
        return ":".join(map(str, (self.file, *filter(None, (self.line, self.column)))))


class Report:
    """Collects the findings of one recipe."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []

    def add(self, level: str, rule: str, path: Path, message: str, fix: str) -> None:
        """Report something about a place in the meta."""
        file, line, column = self.document.place(path)
        self.findings.append(Finding(level, rule, file, line, column, key_text(path), message, fix))

    def add_file(
        self, level: str, rule: str, file: str, message: str, fix: str, line: int = 0
    ) -> None:
        """Report something about a file."""
        self.findings.append(Finding(level, rule, file, line, 0, "", message, fix))


def key_text(path: Path) -> str:
    """`("deps", 2, "tags")` as `deps[2].tags`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
