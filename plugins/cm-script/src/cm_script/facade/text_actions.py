"""Actions of CM's `utils` automation that turn one file into another, or show it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from cm_script.facade.files import (
    Answer,
    load_json,
    load_yaml,
    read_text,
    save_json,
    save_txt,
    save_yaml,
)
from cmcore.hints import Any


def json2yaml(i: Mapping[str, Any]) -> Answer:
    """Write the JSON file `input` as YAML file `output` (the same name with .yaml)."""
    return _converted(i, ".json", ".yaml", load_json, save_yaml)


def yaml2json(i: Mapping[str, Any]) -> Answer:
    """Write the YAML file `input` as JSON file `output` (the same name with .json)."""
    return _converted(i, ".yaml", ".json", load_yaml, save_json)


def sort_json(i: Mapping[str, Any]) -> Answer:
    """Write the JSON file `input` with its keys sorted, to `output` or in place."""
    return _converted(i, "", "", load_json, save_json)


def _converted(
    i: Mapping[str, Any],
    old: str,
    new: str,
    load: Callable[[str], Answer],
    save: Callable[[str, Any], Answer],
) -> Answer:
    source = str(i.get("input") or "")
    if not source:
        return _lacks("input")
    answer = load(source)
    if answer["return"]:
        return answer
    target = str(i.get("output") or "") or source.removesuffix(old) + new
    return save(target, answer["meta"])


def dos2unix(i: Mapping[str, Any]) -> Answer:
    """Write the text file `input` without carriage returns, to `output` or in place."""
    return _changed(i, lambda text: text)


def replace_string_in_file(i: Mapping[str, Any]) -> Answer:
    """Replace `string` by `replacement` in the text file `input`, to `output` or in place.

    Carriage returns go, too. `update` says whether something was replaced.
    """
    for key in ("string", "replacement"):
        if not i.get(key) and i.get("input"):
            return _lacks(key)
    old, new = str(i.get("string")), str(i.get("replacement"))
    seen = []

    def replaced(text: str) -> str:
        seen.append(old in text)
        return text.replace(old, new)

    answer = _changed(i, replaced)
    return answer if answer["return"] else {**answer, "update": seen[0]}


def create_toc_from_md(i: Mapping[str, Any]) -> Answer:
    """Write a table of contents of the Markdown file `input` to `output` (`<input>.toc`)."""
    given = {**i, "output": i.get("output") or f"{i.get('input', '')}.toc"}
    return _changed(given, _contents)


def _contents(text: str) -> str:
    summary = "Click here to see the table of contents."
    lines = ["<details>", f"<summary>{summary}</summary>", ""]
    for line in map(str.strip, text.split("\n")):
        marks, blank, rest = line.partition(" ")
        if line.startswith("#") and blank:
            title = rest.strip()
            anchor = title.lower().replace(" ", "-")
            for _ in range(2):
                anchor = anchor.removeprefix("*").removesuffix("*")
            anchor = "".join(char for char in anchor if char not in ":+.(),")
            lines.append(f"{'  ' * (len(marks) - 1)}* [{title}](#{anchor})")
    return "\n".join([*lines, "", "</details>"]) + "\n"


def _changed(i: Mapping[str, Any], change: Callable[[str], str]) -> Answer:
    source = str(i.get("input") or "")
    if not source:
        return _lacks("input")
    answer = read_text(source)
    if answer["return"]:
        return answer
    return save_txt(str(i.get("output") or source), change(answer["string"].replace("\r", "")))


def print_yaml(i: Mapping[str, Any]) -> Answer:
    """Print the YAML file `file` as JSON."""
    return _printed(i, load_yaml)


def print_json(i: Mapping[str, Any]) -> Answer:
    """Print the JSON file `file`, indented."""
    return _printed(i, load_json)


def _printed(i: Mapping[str, Any], load: Callable[[str], Answer]) -> Answer:
    import json

    if not i.get("file"):
        return _lacks("file")
    answer = load(str(i["file"]))
    if answer["return"]:
        return answer
    print(json.dumps(answer["meta"], indent=2, default=str))  # noqa: T201 - that is its job
    return {"return": 0}


def list_files_recursively(i: Mapping[str, Any]) -> Answer:
    """Print every file below the current folder, separated by commas; also in `files`."""
    found = []
    for folder, below, names in os.walk(os.curdir):
        below.sort()
        found += [
            os.path.normpath(os.path.join(folder, name)).replace("\\", "/")
            for name in sorted(names)
        ]
    print(",".join(found))  # noqa: T201 - that is its job
    return {"return": 0, "files": found}


def generate_secret(i: Mapping[str, Any]) -> Answer:
    """Print a random text for web applications; also in `secret`."""
    import secrets

    secret = secrets.token_urlsafe(16)
    print(secret)  # noqa: T201 - that is its job
    return {"return": 0, "secret": secret}


def copy_to_clipboard(i: Mapping[str, Any]) -> Answer:
    """Put `string` (with `add_quotes` in double quotes) on the clipboard.

    Needs the Python module pyperclip, or tkinter and a display. With `skip_fail` a failure is
    only a `warning`.
    """
    text = str(i.get("string", ""))
    if i.get("add_quotes"):
        text = f'"{text}"'
    problem = _to_clipboard(text)
    if problem and not i.get("skip_fail"):
        return {"return": 1, "error": problem}
    return {"return": 0, "warning": problem} if problem else {"return": 0}


def _to_clipboard(text: str) -> str:
    """Why it did not work, or ""."""
    import importlib

    try:
        importlib.import_module("pyperclip").copy(text)
        return ""
    except Exception as error:  # noqa: BLE001 - whatever a foreign module or display has to say
        first = str(error)
    try:
        window = importlib.import_module("tkinter").Tk()
        window.withdraw()
        window.clipboard_clear()
        window.clipboard_append(text)
        window.update()
        window.destroy()
        return ""
    except Exception as error:  # noqa: BLE001 - as above
        return f"nothing was copied: {first}; {error}"


def _lacks(key: str) -> Answer:
    return {"return": 1, "error": f"please say --{key}=..."}
