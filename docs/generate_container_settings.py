"""Write docs/reference/container-settings.md from the tables of cm-plugin-docker.

    python docs/generate_container_settings.py [--print]

The page is committed, so that it can be read without running anything; a test compares the two.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cm_docker import option_table, setting_keys

PAGE = Path(__file__).with_name("reference") / "container-settings.md"
HEAD = """# Container settings

<!-- Written by docs/generate_container_settings.py; change the tables in cm_docker instead. -->

What becomes of every key that recipes of CM and MLCFlow write into their `docker:` block, and of
every option that both know for containers. How containers work:
[recipes in containers](../containers.md).

## Keys of recipes

Values are merged over the recipe, its variations, its version and conditional blocks, in the order
of its dialect; an option of the command line wins. A value that cannot be read is an error that
names the recipe and the key. With `--verbose`, a key without effect is named when it is met.

| key | |
|---|---|
"""
WHAT = {
    "run": "how the container runs",
    "image": "what the image is made from",
    "host": "run on the host before the container; what they set names paths and arguments inside",
    "inside": "read by the engine of recipes while the image is prepared",
}


def rendered() -> str:
    """The page."""
    lines = [HEAD.rstrip("\n")]
    for key, treatment in sorted(setting_keys.TABLE.items()):
        text = (
            f"no effect: {treatment.why}" if treatment.what == "ignored" else WHAT[treatment.what]
        )
        if treatment.why and treatment.what != "ignored":
            text += f" ({treatment.why})"
        lines.append(f"| `{key}` | {text} |")
    lines += [
        "",
        "## Options",
        "",
        "`--docker.NAME` or `--docker_NAME`.",
        "",
        "| option | |",
        "|---|---|",
    ]
    for option in option_table.table():
        names = ", ".join(f"`{name}`" for name in (option.name, *option.also))
        told = {"": option.help, "ignored": f"no effect: {option.why}"}
        text = told.get(option.treat, f"refused: {option.why}")
        lines.append(f"| {names} | {text} |")
    words = ", ".join(f"`{name}`" for name in option_table.APPTAINER)
    lines += ["", f"For apptainer alone, `--apptainer.NAME` or `--apptainer_NAME`: {words}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(rendered())
    else:
        PAGE.write_text(rendered(), encoding="utf-8")
