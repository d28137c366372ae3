"""Small recipes whose executions can be counted; for the fault tests."""

from __future__ import annotations

from pathlib import Path

RUN = """#!/bin/bash
echo "{name} ran" >> "$RUN_LOG"
echo payload > file.txt
echo "CM_{key}=made" > tmp-run-env.out
"""


def recipe(
    name: str, uid: str, *, deps: str = "", cache: bool = True, run: str = ""
) -> dict[str, str]:
    """Files of one recipe tagged `make,<name>` that yields `CM_<NAME>`."""
    key = name.upper().replace("-", "_")
    meta = [f"alias: make-{name}", f"uid: {uid}", f"tags: [make, {name}]"]
    meta += [f"new_env_keys: [CM_{key}]", f"cache: {'true' if cache else 'false'}"]
    meta += [f"deps:\n- tags: {deps}"] if deps else []
    script = run or RUN.replace("{name}", name).replace("{key}", key)
    return {
        f"script/make-{name}/_cm.yaml": "\n".join(meta) + "\n",
        f"script/make-{name}/run.sh": script,
    }


class RunLog:
    """The file to which the recipes' native steps write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """Recipes in the order of execution."""
        return [line.split()[0] for line in self.path.read_text().splitlines()]
