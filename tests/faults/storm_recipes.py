"""Recipes whose outcomes are known beforehand, to the byte; what the storm fills a cache with.

`app` (CM) needs `lib` (MLCFlow), `data` (MLCFlow, downloads into a partial file) and `tool` (CM,
found on the host). Each exists once per number N: `cm run script storm,app,_n.7`. Native steps
write a line when they begin and one when they end to the file `STORM_LOG`. `lib`
appends and makes no room for itself first, so that whatever is left of an earlier attempt shows.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from kit import write_tree

#: Size of a block of a download and number of blocks; a kill between two leaves a partial file.
BLOCK, BLOCKS = 4096, 12
#: Files that `lib` writes, and lines of each.
PARTS, LINES = 5, 300
#: What is built once per number; `tool` is there once.
KINDS = ("app", "lib", "data")

_BEGIN = '#!/bin/bash\nset -e\necho "start {kind} {number} $$" >> "$STORM_LOG"\n'
_END = 'echo "end {kind} {number} $$" >> "$STORM_LOG"\n'

_TOOL = """
def postprocess(i):
    env = i['env']
    import os
    env['CM_STORM_TOOL'] = os.path.join(os.environ['STORM_BIN'], 'storm-tool')
    return {'return': 0}
"""

_LIB = """
mkdir -p parts
for part in 0 1 2 3 4; do
  seq -f "lib $MLC_STORM_N $part %.0f" 1 150 >> parts/$part.txt
  sleep 0.01
  seq -f "lib $MLC_STORM_N $part %.0f" 151 300 >> parts/$part.txt
done
echo "MLC_STORM_LIB=$PWD/parts" > tmp-run-env.out
"""

_DATA = """
from=$STORM_SOURCE/data-$MLC_STORM_N.bin
total=$(stat -c %s "$from")
have=0
if [ -f data.part ]; then
  have=$(stat -c %s data.part)
  echo "resume data $MLC_STORM_N $have" >> "$STORM_LOG"
fi
while [ "$have" -lt "$total" ]; do
  tail -c +$((have + 1)) "$from" | head -c 4096 >> data.part
  have=$(stat -c %s data.part)
  sleep 0.01
done
mv data.part data.bin
echo "MLC_STORM_DATA=$PWD/data.bin" > tmp-run-env.out
"""

_APP = """
"$CM_STORM_TOOL" > made-with.txt
cat "$MLC_STORM_LIB"/?.txt > app.txt
sleep 0.01
cksum < "$MLC_STORM_DATA" > data.cksum
echo "CM_STORM_APP=$PWD/app.txt" > tmp-run-env.out
"""


class Expected(NamedTuple):
    """What a sound entry holds.

    Attributes:
        files: contents by path relative to the entry.
        env: exported variables that lead into the entry, and where to.
        outside: exported variables that lead elsewhere.
        since: the same files as they were with earlier versions of the tool, the newest first.
    """

    files: dict[str, bytes]
    env: dict[str, str]
    outside: dict[str, str]
    since: tuple[dict[str, bytes], ...] = ()


class Recipes:
    """The collection, the tool on the host and the files to download, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collection = write_tree(folder / "storm", _files())
        self.tool = folder / "bin" / "storm-tool"
        self.log = folder / "steps.log"
        self.source = folder / "source"
        self.source.mkdir()
        self.tool.parent.mkdir()
        self.version = 0
        self.change_tool()

    def env(self) -> dict[str, str]:
        """What the recipes look for in the environment of the process."""
        return {
            "STORM_BIN": str(self.tool.parent),
            "STORM_LOG": str(self.log),
            "STORM_SOURCE": str(self.source),
        }

    def change_tool(self) -> None:
        """Replace the tool by its next version, as an upgrade would."""
        self.version += 1
        new = self.tool.with_suffix(".new")
        new.write_text(f"#!/bin/sh\necho storm-tool 1.{self.version}\n")
        new.chmod(0o755)
        os.replace(new, self.tool)

    def offer(self, number: int) -> None:
        """Have the file that `data` number `number` downloads."""
        path = self.source / f"data-{number}.bin"
        if not path.exists():
            path.write_bytes(payload(number))

    def steps(self, since: int = 0) -> list[list[str]]:
        """Lines of the log from byte `since` on, as words: what, kind, number, process."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(since)
            return [line.split() for line in file.read().decode().splitlines()]

    def mark(self) -> int:
        """Where the log ends now; for `steps`."""
        return self.log.stat().st_size if self.log.exists() else 0

    def expected(self, kind: str, number: int) -> Expected:
        """What the entry of `kind` for `number` holds when it is sound."""
        if kind == "tool":
            return Expected({}, {}, {"CM_STORM_TOOL": str(self.tool)})
        if kind == "data":
            return Expected({"data.bin": payload(number)}, {"MLC_STORM_DATA": "data.bin"}, {})
        parts = {f"parts/{p}.txt": _lines(number, p) for p in range(PARTS)}
        if kind == "lib":
            return Expected(parts, {"MLC_STORM_LIB": "parts"}, {})
        whole = {"app.txt": b"".join(parts.values())}
        now, *earlier = (
            {**whole, "made-with.txt": b"storm-tool 1.%d\n" % version}
            for version in range(self.version, 0, -1)
        )
        return Expected(now, {"CM_STORM_APP": "app.txt"}, {}, tuple(earlier))


@cache
def payload(number: int) -> bytes:
    """Contents of download `number`."""
    import random

    return random.Random(number).randbytes(BLOCK * BLOCKS - 7)


@cache
def _lines(number: int, part: int) -> bytes:
    return b"".join(b"lib %d %d %d\n" % (number, part, k) for k in range(1, LINES + 1))


def _files() -> dict[str, str | dict[str, Any]]:
    def step(kind: str, key: str, body: str) -> str:
        words = {"kind": kind, "number": f"${key}" if key else "0"}
        return _BEGIN.format(**words) + body + _END.format(**words)

    def number(key: str, *needs: str) -> dict[str, Any]:
        deps = [{"tags": f"storm,{need},_n.#"} for need in needs]
        return {"n.#": {"env": {key: "#"}, **({"deps": deps} if deps else {})}}

    def meta(kind: str, uid: str, **more: Any) -> dict[str, Any]:
        common = {"alias": f"storm-{kind}", "uid": uid, "automation_alias": "script"}
        return {**common, "tags": ["storm", kind], "cache": True, **more}

    tool, app = "script/storm-tool", "script/storm-app"
    lib, data = "script/storm-lib", "script/storm-data"
    cm, mlc = "CM_STORM_N", "MLC_STORM_N"
    return {
        "cmr.yaml": "alias: storm\nuid: 5c0a1d2b3e4f6079\n",
        f"{tool}/_cm.json": meta("tool", "51a0000000000001", new_env_keys=["CM_STORM_TOOL"]),
        f"{tool}/customize.py": _TOOL,
        f"{tool}/run.sh": step("tool", "", '"$STORM_BIN/storm-tool" > tmp-ver.out\n'),
        f"{lib}/meta.json": meta(
            "lib", "51a0000000000002", new_env_keys=["MLC_STORM_LIB"], variations=number(mlc)
        ),
        f"{lib}/run.sh": step("lib", mlc, _LIB),
        f"{data}/meta.json": meta(
            "data",
            "51a0000000000003",
            cache_class="data",
            new_env_keys=["MLC_STORM_DATA"],
            variations=number(mlc),
        ),
        f"{data}/run.sh": step("data", mlc, _DATA),
        f"{app}/_cm.json": meta(
            "app",
            "51a0000000000004",
            deps=[{"tags": "storm,tool"}],
            new_env_keys=["CM_STORM_APP"],
            variations=number(cm, "lib", "data"),
        ),
        f"{app}/run.sh": step("app", cm, _APP),
    }
