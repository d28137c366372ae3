"""What a step seems to need from outside: root, network, a token, a GPU.

Read from tags, variations and the text of scripts. It is an indication: a script may contain a
download that a given run does not reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_script.planning.source import Source
    from cm_script.run import RecipeRun

#: In the order in which they are told.
NEEDS = ("root", "network", "token", "gpu")

_WORDS = {
    "root": re.compile(r"\bsudo\b|\b(?:CM|MLC)_SUDO\b"),
    "network": re.compile(
        r"\b(?:wget|curl|rclone|gdown|huggingface-cli|aria2c?)\b"
        r"|\bgit (?:clone|pull|fetch|submodule)\b|\bpip3? install\b|\bconda install\b"
        r"|\bnpm (?:ci|install)\b|\bdocker pull\b|\bapt(?:-get)? (?:update|install)\b"
        r"|\b(?:yum|dnf|brew|apk) install\b|\baws s3\b|\bdownload_file\b"
    ),
    "token": re.compile(r"\b\w*(?:GH_TOKEN|GH_AUTH_TOKEN|HF_TOKEN|GITHUB_PAT|API_KEY|_SECRET)\b"),
    "gpu": re.compile(r"\bnvidia-smi\b|\bnvcc\b|\brocm-smi\b|--gpus\b"),
}
_TAGS = {
    "root": {"sys-utils", "sys-util", "generic-sys-util", "sys-utils-cm", "sys-utils-min"},
    "network": {"download", "download-file", "rclone", "wget", "curl"},
    "token": {"needs_pat", "gated"},
    "gpu": {"cuda", "nvidia", "cudnn", "tensorrt", "rocm", "gpu"},
}
_TAG_PAIRS = {"network": ({"git", "repo"}, {"generic-python-lib"}, {"pip"})}


def of(run: RecipeRun, source: Source) -> dict[str, list[str]]:
    """`need -> grounds in words` of one step that would run."""
    tags = set(run.artifact.tags) | set(run.query.tags)
    chosen = {part for v in run.scope.variations if v[0] not in "-~" for part in _parts(v)}
    found: dict[str, list[str]] = {}
    for need in NEEDS:
        grounds = [f"tag {tag}" for tag in sorted(tags & _TAGS[need])]
        grounds += [f"tags {','.join(sorted(p))}" for p in _TAG_PAIRS.get(need, ()) if p <= tags]
        grounds += [f"variation _{name}" for name in sorted(chosen & _TAGS[need])]
        grounds += _in_code(source)[need]
        if need == "token" and _asks_for_token(run):
            grounds.append("meta: needs_pat")
        if grounds:
            found[need] = grounds
    if _uses_no_root(run):
        # A script that spells `sudo` out does not care what the variables say.
        literal = [ground for ground in found.pop("root", []) if re.search(r"\bsudo\b", ground)]
        if literal:
            found["root"] = literal
    return found


def _in_code(source: Source) -> dict[str, list[str]]:
    """`need -> grounds` that the texts of a recipe give: the same for each of its steps."""
    if not source.grounds:
        code = {**source.scripts, **({"customize.py": source.code} if source.code else {})}
        found = {
            need: [(name, _first(_WORDS[need].findall(text))) for name, text in code.items()]
            for need in NEEDS
        }
        source.grounds = {
            need: [f"{name}: {words}" for name, words in pairs if words]
            for need, pairs in found.items()
        }
    return source.grounds


def _parts(variation: str) -> Iterable[str]:
    return variation.split(",") if "." not in variation else ()


def _first(words: list[str]) -> str:
    return ", ".join(dict.fromkeys(words[:3]))


def _asks_for_token(run: RecipeRun) -> bool:
    meta = run.scope.meta
    tests = meta.get("tests")
    return bool(meta.get("needs_pat") or (isinstance(tests, dict) and tests.get("needs_pat")))


def _uses_no_root(run: RecipeRun) -> bool:
    """`--skip_sudo`, `--skip_sys_utils`, or an environment that says that sudo is not wanted."""
    from cm_script.flags import is_on

    env, sudo = run.env, run.key("SUDO")
    if is_on(env.get(run.dialect.skip_sudo_key)) or is_on(env.get(run.key("SKIP_SYS_UTILS"))):
        return True
    return sudo in env and not str(env[sudo]).strip()
