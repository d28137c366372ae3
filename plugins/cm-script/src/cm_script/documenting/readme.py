"""The README of one recipe, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cm_script.documenting import cells
from cm_script.documenting.facts import flag_text
from cm_script.documenting.folder import hook_time
from cm_script.documenting.markdown import (
    Anchors,
    block,
    code,
    escape,
    link,
    path,
    prose,
    table,
)
from cm_script.documenting.sections import dependencies, maybe_folded, variations, versions
from cm_script.documenting.wording import counted
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.documenting.formats import Surroundings

_DIALECTS = {"cm": ("CM", "_cm.yaml", "_cm.json"), "mlc": ("MLCFlow", "meta.yaml", "meta.json")}

#: `(heading, lines)`; headings of lower levels stand among the lines.
Section = tuple[str, list[str]]


def page(found: Mapping[str, Any], around: Surroundings) -> list[str]:
    """The page, line by line, without the mark that it is generated.

    Args:
        found: the recipe's description, see `facts`.
        around: where other pages and the recipe's own files are, as seen from this page.
    """
    title = found["alias"] or found["uid"]
    sections = [(heading, lines) for heading, lines in _sections(found, around) if lines]
    anchors = Anchors()
    anchors.of(title)
    contents = []
    for heading, lines in sections:
        contents.append(link(heading, "#" + anchors.of(heading)))
        for line in lines:
            if line.startswith("### "):
                anchors.of(_plain(line[4:]))
    text = [f"# {escape(title)}", ""]
    if found["name"]:
        text += [prose(found["name"]), ""]
    text += [*_card(found, around), "", " · ".join(contents)]
    for heading, lines in sections:
        text += ["", f"## {heading}", "", *lines]
    return text


def _plain(heading: str) -> str:
    return heading.replace("\\", "")


def _sections(found: Mapping[str, Any], around: Surroundings) -> Iterator[Section]:
    yield "Run it", _run(found)
    yield "Flags", _flags(found)
    yield "Variations", variations(found, around.href)
    yield "Versions", versions(found, around.href)
    yield "Dependencies", dependencies(found, around.href)
    yield "Variables", _variables(found)
    yield "What it gives back", _outputs(found)
    yield "In a container", _docker(found)
    yield "Files", _files(found, around)


def _card(found: Mapping[str, Any], around: Surroundings) -> list[str]:
    cache = found["cache"]
    cached = "yes" if cache["cached"] else "with `--force_cache`" if cache["on_request"] else "no"
    if cache["cached"] and cache["expires"]:
        cached += f", for {escape(cache['expires'])}"
    category, catalogue = escape(found["category"]), around.catalogue(found["category"])
    if catalogue:
        category = link(category or "Unsorted", catalogue)
    rows = [
        ("Category", category),
        ("Tags", " ".join(map(code, found["tags"]))),
        ("Result cached", cached),
        ("Dialect", _DIALECTS[found["dialect"]][0]),
        ("UID", code(found["uid"]) if found["uid"] else ""),
        ("Developers", prose(found["developers"])),
        ("Note", cells.BREAK.join(map(prose, found["warnings"]))),
        ("Private", "yes" if found["private"] else ""),
        (
            "More to read",
            ", ".join(link(escape(n), path(n)) for n in found["more"]) if around.at_home else "",
        ),
    ]
    return table(("", ""), [(f"**{term}**", text) for term, text in rows if text])


def _run(found: Mapping[str, Any]) -> list[str]:
    import json

    width = max(len(example["command"]) for example in found["examples"])
    commands = [f"{e['command']:<{width}}  # {e['shows']}" for e in found["examples"]]
    words = found["words"]
    key, asked = ("tags", words.replace(" ", ",")) if " " in words else ("artifact", words)
    python = [
        "import cmcore",
        "",
        "answer = cmcore.access(",
        f'    {{"action": "run", "automation": "script", "{key}": {json.dumps(asked)}}}',
        ")",
        'print(answer.get("error") or answer["new_env"])',
    ]
    return [
        *block("\n".join(commands), "sh"),
        "",
        "From Python:",
        "",
        *block("\n".join(python), "python"),
    ]


def _flags(found: Mapping[str, Any]) -> list[str]:
    rows = []
    for row in found["inputs"]:
        choices = " ".join(map(code, row["choices"]))
        about = prose(row["help"])
        if row["only_with"]:
            about = f"{about} (only {escape(row['only_with'])})".strip()
        rows.append(
            (
                code(flag_text({**row, "choices": []})),
                about,
                choices,
                code(row["default"]) if row["default"] else "",
                code(row["variable"]) if row["variable"] else "",
            )
        )
    if not rows:
        return []
    lines = table(("flag", "meaning", "choices", "default", "variable"), rows)
    return [
        "Beside the flags of every run, which `cm help run script` lists:",
        "",
        *maybe_folded(counted(len(rows), "flag"), rows, lines),
    ]


def _variables(found: Mapping[str, Any]) -> list[str]:
    env = found["env"]
    lines: list[str] = []
    if env["defaults"]:
        rows = [(code(key), code(text)) for key, text in env["defaults"].items()]
        told = table(("default", "value"), rows)
        lines += [
            "Defaults, which `--env.NAME=VALUE` changes:",
            "",
            *maybe_folded(counted(len(rows), "variable"), rows, told),
        ]
    if env["set"]:
        rows = [(code(key), code(text)) for key, text in env["set"].items()]
        told = table(("variable", "value"), rows)
        lines += [*([""] if lines else []), "Set by every run:", ""]
        lines += maybe_folded(counted(len(rows), "variable"), rows, told)
    return lines


def _outputs(found: Mapping[str, Any]) -> list[str]:
    outputs = found["outputs"]
    lines = []
    if outputs["env"]:
        lines.append("- variables: " + " ".join(map(code, outputs["env"])))
    if outputs["state"]:
        lines.append("- state: " + " ".join(map(code, outputs["state"])))
    for key, label in outputs["printed"].items():
        named = f"{prose(label)} ({code(key)})" if label not in ("", key) else code(key)
        lines.append(f"- prints {named}")
    return lines


def _docker(found: Mapping[str, Any]) -> list[str]:
    docker = found["docker"]
    lines = []
    if not docker["run"]:
        lines.append("It is left out in a container.")
    elif not docker["real_run"]:
        lines.append("In a container its own steps are left out; its dependencies run.")
    rows = [(code(key), code(text)) for key, text in docker["settings"].items()]
    if rows:
        told = table(("setting", "value"), rows)
        lines += [
            *([""] if lines else []),
            *maybe_folded(counted(len(rows), "setting"), rows, told),
        ]
    return lines


def _files(found: Mapping[str, Any], around: Surroundings) -> list[str]:
    def named(name: str) -> str:
        return link(code(name), path(name)) if around.at_home else code(name)

    rows = (
        [(named(found["meta_file"]), "what this page is made from")] if found["meta_file"] else []
    )
    if found["hooks"]:
        told = ", ".join(f"`{name}` {hook_time(name)}" for name in found["hooks"])
        rows.append((named("customize.py"), told))
    rows += [(named(row["file"]), _system(row["system"])) for row in found["scripts"]]
    lines = table(("file", "what it is for"), rows) if rows else []
    if found["tests"]:
        name = found["alias"] or found["uid"]
        told = f"{counted(found['tests'], 'test')}: {code(f'cm test script {name}')}"
        lines += [*([""] if lines else []), told]
    return lines


def _system(system: str) -> str:
    return escape(system) if system.startswith("used") else f"native step on {escape(system)}"
