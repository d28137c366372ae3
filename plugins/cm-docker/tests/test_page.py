"""The page on containers names every option, setting and key there is, and no other."""

from __future__ import annotations

import re

from kit import CHECKOUT

from cm_docker import contributions, option_table, setting_keys

PAGE = (CHECKOUT / "docs/containers.md").read_text("utf-8")


def _words(text: str) -> set[str]:
    """What stands in code quotes in the first column of a table."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return {word for cell in cells for word in re.findall(r"`([a-z0-9_]+)(?:\.\.\.)?`", cell)}


def _section(title: str) -> str:
    return PAGE.split(f"## {title}", 1)[1].split("\n## ", 1)[0]


def test_options() -> None:
    known = {option.name: option for option in option_table.table()}
    told = _words(_section("Options"))
    spelled = {name for option in known.values() for name in (option.name, *option.also)}
    assert told <= spelled
    honoured = {name for name, option in known.items() if not option.treat}
    assert honoured - told <= _in_text(_section("Options")), honoured - told


def _in_text(text: str) -> set[str]:
    return set(re.findall(r"`(?:docker\.)?([a-z0-9_]+)`", text))


def test_settings() -> None:
    names = {setting.name for setting in contributions.settings()}
    assert names <= set(re.findall(r"`(docker\.[a-z_]+)`", PAGE)), names


def test_keys_of_recipes() -> None:
    section = _section("The `docker:` block of recipes")
    told = _words(section) | _in_text(section)
    assert _words(section) <= set(setting_keys.TABLE) | {"cm_repo", "mlc_repo"}
    # What is switched off by its name, or one of a group that the page names, needs no line.
    prefixes = ("cm_repo", "mlc_repo", "base_image_off", "run_final_cmds")
    rest = {key for key in setting_keys.TABLE if key not in told and not key.startswith(prefixes)}
    apptainer = set(option_table.APPTAINER)
    assert rest - apptainer == set(), sorted(rest - apptainer)
