"""Checks of variables: placeholders that nothing fills, settings without effect, flags."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cm_script.conditions import falsy, truthy
from cm_script.dialects import Dialect, for_form
from cm_script.flags import ENGINE_FLAGS, REQUEST_FLAGS, SHORT
from cm_script.lint.findings import Path, Report
from cm_script.lint.universe import Universe, blocks, items, mapping

_PLACEHOLDER = re.compile(r"<<<(.*?)>>>")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENGINE = {*ENGINE_FLAGS, *REQUEST_FLAGS, *SHORT, "j", "json", "repro", "shell", "debug"}
_CODE = (".py", ".sh", ".bat", ".ps1")


def check(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    """Check what a recipe does with variables and flags."""
    dialect = for_form(report.document.form)
    _placeholders(meta, report, universe, dialect)
    for path, block in blocks(meta):
        _defaults(block, path, report)
    _descriptions(meta, report, dialect)


def _placeholders(
    meta: Mapping[str, Any], report: Report, universe: Universe, dialect: Dialect
) -> None:
    for path, text in _texts(meta, ()):
        for name in _PLACEHOLDER.findall(text):
            if not name.strip() or name != name.strip():
                report.add(
                    "warning",
                    "placeholder",
                    path,
                    f"<<<{name}>>> names no variable",
                    "write the name alone between the brackets",
                )
            elif "#" not in name and not _is_set(name, universe, dialect):
                report.add(
                    "warning",
                    "placeholder",
                    path,
                    f"nothing sets {name}: <<<{name}>>> stays as it is unless a user gives "
                    f"--env.{name}",
                    _similar(name, _settable(universe)),
                )


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Texts that hold a placeholder, with their places; conditions and help do not fill any."""
    if isinstance(value, str):
        if "<<<" in value:
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(item, (*path, at))


def _is_set(name: str, universe: Universe, dialect: Dialect) -> bool:
    if name in dialect.host_env or name in os.environ:
        return True
    engine = (dialect.key("TMP_"), dialect.key("VERSION"), dialect.key("HOST_"))
    return name.startswith(engine) or name in _settable(universe)


def _settable(universe: Universe) -> set[str]:
    """Every word of any recipe's meta and code that is not itself a placeholder."""
    words: set[str] | None = universe.memo.get("words")
    if words is None:
        words = universe.memo["words"] = set()
        for recipe in universe.recipes.values():
            _collect(recipe.meta, words)
            for text in _code(recipe.folder):
                words.update(_WORD.findall(text))
            dialect = for_form(recipe.form)
            words.update(dialect.key(flag.upper()) for flag in dialect.flag_env)
            words.update(dialect.key(fact) for fact, _ in dialect.host_facts)
    return words


def _collect(value: Any, words: set[str]) -> None:
    if isinstance(value, str):
        words.update(_WORD.findall(_PLACEHOLDER.sub(" ", value)))
    elif isinstance(value, dict):
        for key, item in value.items():
            words.add(key)
            words.update(_WORD.findall(_PLACEHOLDER.sub(" ", key)))
            _collect(item, words)
    elif isinstance(value, list):
        for item in value:
            _collect(item, words)


def _code(folder: str) -> Iterator[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if name.endswith(_CODE):
            try:
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    yield file.read()
            except OSError:
                continue


def _similar(name: str, words: set[str]) -> str:
    import difflib

    prefix = name.partition("_")[0]
    near = difflib.get_close_matches(name, [w for w in words if w.startswith(prefix)], n=1)
    return f"did you mean '{near[0]}'?" if near else "set it, or remove the placeholder"


def _defaults(block: Mapping[str, Any], path: Path, report: Report) -> None:
    sure = mapping(block.get("env"))
    for key in mapping(block.get("default_env")):
        if key in sure and not key.startswith("+") and f"<<<{key}>>>" not in str(sure[key]):
            report.add(
                "warning",
                "default-overridden",
                (*path, "default_env", key),
                f"the default of {key} has no effect: 'env' beside it always sets {key}",
                "remove one of the two",
            )


def _descriptions(meta: Mapping[str, Any], report: Report, dialect: Dialect) -> None:
    mapped: dict[str, str] = {}
    for _, block in blocks(meta):
        docker = mapping(block.get("docker"))
        for table in (
            block.get("input_mapping"),
            docker.get("input_mapping"),
            docker.get("docker_input_mapping"),
        ):
            mapped.update((flag, str(key)) for flag, key in mapping(table).items())
    code: str | None = None
    for flag, info in mapping(meta.get("input_description")).items():
        place: Path = ("input_description", flag)
        if flag not in mapped and flag not in _ENGINE:
            if code is None:
                code = "\n".join(_code(report.document.folder))
            if not _is_read(flag, code):
                report.add(
                    "warning",
                    "flag-not-read",
                    place,
                    f"flag --{flag} is described, but nothing reads it",
                    "map it to a variable in input_mapping, or remove it",
                )
        _one(
            mapping(info), place, mapping(meta.get("default_env")).get(mapped.get(flag, "")), report
        )


def _is_read(flag: str, code: str) -> bool:
    """Whether code may read a flag; `env.NAME` and `adr.x` are spelled out in some recipes."""
    base = flag.partition(".")[0]
    names = (flag, flag.replace("-", "_"))
    quoted = any(f"'{name}'" in code or f'"{name}"' in code for name in names)
    return quoted or (base != flag and base in REQUEST_FLAGS)


def _one(info: Mapping[str, Any], place: Path, real: object, report: Report) -> None:
    default, choices = info.get("default"), items(info.get("choices"))
    if default not in (None, "") and choices and _plain(default) not in map(_plain, choices):
        report.add(
            "warning",
            "description",
            (*place, "default"),
            f"the default '{default}' is none of the choices",
            "add it to them, or correct it",
        )
    known = isinstance(real, (str, int, float)) and "<<<" not in str(real)
    if default not in (None, "") and known and _plain(real) != _plain(default):
        report.add(
            "note",
            "description",
            (*place, "default"),
            f"described is the default '{default}', set is '{real}' in default_env",
            "let both say the same",
        )


def _plain(value: object) -> str:
    """A value for comparison: yes and true are one."""
    return "yes" if truthy(value) else "no" if falsy(value) else str(value).lower()
