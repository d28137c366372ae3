"""Small recipes of our own whose steps can be counted, fail, wait, or hold a secret."""

from __future__ import annotations

from pathlib import Path

from kit import write_tree

TOOL = """#!/bin/bash
echo "payload" > tool.txt
echo "CM_TOOL_MADE=$(date +%s%N)" > tmp-run-env.out
"""
OTHER = TOOL.replace("CM_TOOL_MADE", "CM_OTHER_MADE")
#: Does what its options say, all in one image: speak, write, wait, fail. Of the token it shows
#: that it is there, without showing it.
USE = """#!/bin/bash
echo "text: ${CM_TEXT}"
if [ -n "${CM_OUTPUT_FOLDER}" ]; then
  echo "${CM_TEXT}" > "${CM_OUTPUT_FOLDER}/said.txt"
fi
if [ -n "${CM_TRIAL_TOKEN}" ]; then
  echo "digest: $(printf %s "${CM_TRIAL_TOKEN}" | sha256sum | cut -c1-64)"
fi
sleep ${CM_SECONDS:-0}
if [ -n "${CM_EXIT}" ]; then
  echo "no luck today"
  exit ${CM_EXIT}
fi
"""


def _recipe(name: str, number: int, run: str, **more: object) -> dict[str, str]:
    import json

    meta = {"alias": name, "uid": f"b0c0d0e0f0a1{number:04x}", "tags": name.split("-"), **more}
    return {
        f"script/{name}/_cm.json": json.dumps(meta, indent=1),
        f"script/{name}/run.sh": run,
    }


def trials(folder: Path) -> Path:
    """Write the collection into a new folder."""
    tool = {"cache": True, "new_env_keys": ["CM_TOOL_MADE"]}
    files = {"cmr.yaml": "alias: box-trials\nuid: 1f0e1d2c3b4a59aa\n"}
    files |= _recipe("make-tool", 1, TOOL, **tool)
    files |= _recipe("make-other", 2, OTHER, cache=True, new_env_keys=["CM_OTHER_MADE"])
    files |= _recipe(
        "use-tool",
        3,
        USE,
        deps=[{"tags": "make,tool"}],
        input_mapping={
            "text": "CM_TEXT",
            "output_folder": "CM_OUTPUT_FOLDER",
            "trial_token": "CM_TRIAL_TOKEN",
            "seconds": "CM_SECONDS",
            "exit": "CM_EXIT",
        },
        new_env_keys=["CM_TEXT", "CM_TOOL_MADE", "CM_OTHER_MADE"],
        variations={"more": {"deps": [{"tags": "make,other"}]}},
    )
    files |= _recipe("break-tool", 5, "#!/bin/bash\necho out of luck\nexit 3\n", **tool)
    files |= _recipe("use-broken", 6, USE, deps=[{"tags": "break,tool"}])
    files |= _recipe("slow-tool", 7, "#!/bin/bash\necho waiting\nsleep 600\n", **tool)
    files |= _recipe("use-slow", 8, USE, deps=[{"tags": "slow,tool"}])
    files |= _recipe("keep-out", 11, USE, docker={"run": False})
    return write_tree(folder, dict(files))
