"""The published recipes: every error that is reported there was looked at and is listed.

The list is `docs/reference/corpus-findings.md`; when it changes on purpose, write it anew with
`PYTHONPATH=tests python plugins/cm-script/tests/lint/test_corpora.py`.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from cm_script.lint.rules import RULES
from cmcore.context import Context

PAGE = Path(__file__).resolve().parents[4] / "docs/reference/corpus-findings.md"


def errors(root: Path, home: Path) -> list[dict[str, Any]]:
    """What `cm lint script` reports in a home that knows this collection only."""
    context = Context(environ={**os.environ, "CM_HOME": str(home)})
    add = {"action": "add", "automation": "collection", "artifact": str(root)}
    assert context.access(add)["return"] == 0
    lint = {"action": "lint", "automation": "script", "artifact": str(root), "level": "error"}
    answer = context.access(lint)
    assert answer["recipes"] > 200
    found: list[dict[str, Any]] = answer["findings"]
    return found


def section(name: str, found: list[dict[str, Any]]) -> str:
    """One table: a row per rule, recipes with the lines of their findings."""
    rows = [f"## {name}: {len(found)}", "", "| what | where: recipe and lines |", "|---|---|"]
    for rule, words in RULES.items():
        lines: dict[str, list[int]] = defaultdict(list)
        for finding in found:
            if finding["rule"] == rule:
                lines[Path(finding["file"]).parent.name].append(finding["line"])
        if not lines:
            continue
        told = [f"{recipe} {','.join(map(str, at))}" for recipe, at in sorted(lines.items())]
        rows.append(f"| {words} ({sum(map(len, lines.values()))}) | {'; '.join(told)} |")
    assert {finding["rule"] for finding in found} <= set(RULES)
    return "\n".join(rows) + "\n"


def page(cm: list[dict[str, Any]], mlc: list[dict[str, Any]]) -> str:
    return "\n".join(
        [
            "# Defects that `cm lint script` finds in the published recipes",
            "",
            "Errors only: each was looked at and is a defect of the recipe. Recipes with them may",
            "still work; what is listed fails, or has no effect, when that part is used. Lines are",
            "those of the meta file, or of `customize.py`. Each collection was checked alone.",
            "",
            section("cmx4mlops 1.0.1", cm),
            section("mlc-scripts 1.2.0a8", mlc),
        ]
    )


@pytest.mark.slow
def test_every_error_in_the_corpora_is_a_known_defect(tmp_path: Path) -> None:
    import corpora

    cm = errors(corpora.cm_root(), tmp_path / "cm")
    mlc = errors(corpora.mlc_root(), tmp_path / "mlc")
    assert page(cm, mlc) == PAGE.read_text("utf-8")


@pytest.mark.slow
def test_the_schema_and_lint_find_the_same_recipes() -> None:
    jsonschema: Any = pytest.importorskip("jsonschema")
    import corpora

    from cm_script.lint import shape
    from cm_script.lint.document import Document
    from cm_script.lint.findings import Report

    validator = jsonschema.Draft202012Validator(shape.schema())
    folders = [*corpora.cm_root().glob("repo/script/*/"), *corpora.mlc_root().glob("script/*/")]
    wrong = 0
    for folder in folders:
        document = Document(str(folder))
        if not document.data:
            continue
        report = Report(document)
        shape.check(document.data, report, lambda kind, key, path: True)
        mine = any(finding.level != "note" for finding in report.findings)
        assert mine == (not validator.is_valid(document.data)), folder.name
        wrong += mine
    assert 0 < wrong < 40


if __name__ == "__main__":
    import corpora

    with tempfile.TemporaryDirectory() as scratch:
        PAGE.write_text(
            page(
                errors(corpora.cm_root(), Path(scratch, "cm")),
                errors(corpora.mlc_root(), Path(scratch, "mlc")),
            ),
            "utf-8",
        )
