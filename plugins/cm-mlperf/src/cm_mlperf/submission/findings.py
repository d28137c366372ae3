"""What a check found wrong: file, rule, what is there, what would be right."""

from __future__ import annotations

from cmcore.hints import NamedTuple, Sequence


class Finding(NamedTuple):
    """One violated rule.

    Attributes:
        rule: its short name, the same for every file that violates it.
        file: path relative to the tree.
        text: what was found, without a final full stop.
        remedy: what to do; a setting, a file, a command.
    """

    rule: str
    file: str
    text: str
    remedy: str = ""


def listing(findings: Sequence[Finding]) -> str:
    """For people: a paragraph for each file, a line for each finding."""
    lines: list[str] = []
    last = None
    for finding in findings:
        if finding.file != last:
            lines.append(finding.file or "the whole tree")
            last = finding.file
        lines.append(f"  {finding.rule}: {finding.text}")
        if finding.remedy:
            lines.append(f"    {finding.remedy}")
    return "\n".join(lines)


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Sorted by file, each once, in the order of discovery within a file."""
    known = dict.fromkeys(findings)
    return sorted(known, key=lambda finding: finding.file)
