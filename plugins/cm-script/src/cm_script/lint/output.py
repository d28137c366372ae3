"""Findings as text for people, as commands for GitHub's log, and as SARIF 2.1.0 for CI.

SARIF is the OASIS standard `sarif-v2.1.0`; its levels are called as ours are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from cm_script.lint.findings import Finding
from cm_script.lint.rules import RULES

FORMATS = ("text", "github", "sarif")
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def text(findings: Sequence[Finding]) -> str:
    """Two lines per finding: place and mistake, and what to do."""
    return "\n".join(_line(finding) for finding in findings)


def _line(finding: Finding) -> str:
    place = finding._replace(file=_short(finding.file)).place
    key = f" [{finding.key}]" if finding.key else ""
    told = f"{finding.level}: {finding.message}{key} ({finding.rule})"
    return f"{place}: {told}\n    fix: {finding.fix}"


def _short(path: str) -> str:
    """A path as seen from here, where that is shorter."""
    here = os.path.relpath(path) if os.path.isabs(path) else path
    return here if len(here) < len(path) else path


def github(findings: Sequence[Finding]) -> str:
    """One workflow command per finding, which GitHub shows beside the line in a pull request."""
    lines = []
    for finding in findings:
        fields = {"file": _short(finding.file), "title": f"cm lint: {finding.rule}"}
        if finding.line:
            fields["line"] = str(finding.line)
        if finding.column:
            fields["col"] = str(finding.column)
        told = ",".join(f"{name}={_field(value)}" for name, value in fields.items())
        level = "notice" if finding.level == "note" else finding.level
        key = f" [{finding.key}]" if finding.key else ""
        lines.append(f"::{level} {told}::{_data(f'{finding.message}{key} (fix: {finding.fix})')}")
    return "\n".join(lines)


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _field(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding]) -> str:
    """One SARIF log with one run; paths below the current folder are relative to it."""
    from cmcore import __version__

    used = sorted({finding.rule for finding in findings})
    run = {
        "tool": {
            "driver": {
                "name": "cm lint script",
                "version": __version__,
                "rules": [
                    {"id": rule, "shortDescription": {"text": _plain(RULES[rule])}} for rule in used
                ],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"HERE": {"uri": _uri(os.getcwd()) + "/"}},
        "results": [_result(finding, used) for finding in findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False)


def _result(finding: Finding, used: list[str]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _location(finding.file)}
    if finding.line:
        place["region"] = {"startLine": finding.line}
        if finding.column:
            place["region"]["startColumn"] = finding.column
    location: dict[str, Any] = {"physicalLocation": place}
    if finding.key:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.key}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": used.index(finding.rule),
        "level": finding.level,
        "message": {"text": f"{finding.message}. Fix: {finding.fix}"},
        "locations": [location],
    }


def _location(path: str) -> dict[str, str]:
    here = os.path.relpath(path)
    if here.startswith(os.pardir):
        return {"uri": _uri(path)}
    from urllib.parse import quote

    return {"uri": quote(here.replace(os.sep, "/")), "uriBaseId": "HERE"}


def _uri(path: str) -> str:
    from urllib.request import pathname2url

    return "file://" + pathname2url(os.path.abspath(path))


def _plain(sentence: str) -> str:
    return sentence.replace("`", "")
