"""What engines say when they fail, in one sentence each, with what helps."""

from __future__ import annotations

import re

from cm_docker.records import Problem
from cmcore.errors import CmError
from cmcore.hints import Sequence

#: What an engine writes -> what is wrong, what helps. `{0}` is the first group of the pattern.
#: The first that fits counts, so causes stand before what they bring about.
_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"permission denied while trying to connect to the [Dd]ocker"
        r"|dial unix \S+: connect: permission denied",
        "this user may not talk to docker's daemon",
        "sudo usermod -aG docker $USER, then log in again; or use --docker.engine=podman",
    ),
    (
        r"[Cc]annot connect to the Docker daemon at|error during connect",
        "docker's daemon does not run",
        "start it (sudo systemctl start docker), or use --docker.engine=podman",
    ),
    (
        r"[Cc]annot connect to Podman|unable to connect to Podman socket",
        "podman's machine or service does not run",
        "podman machine start",
    ),
    (
        r'"newuidmap": executable file not found|newuidmap: not found|exec: "newgidmap"',
        "the program newuidmap is missing, which podman needs for ordinary users",
        "install the package uidmap (shadow-utils on Fedora)",
    ),
    (
        r"newuidmap[^\n]*(?:not permitted|write to uid_map failed)",
        "newuidmap may not set up users for containers",
        "sudo chmod u+s $(which newuidmap) $(which newgidmap)",
    ),
    (
        r"insufficient UIDs or GIDs available|no subuid ranges found|no subgid ranges found",
        "this user has no range of user ids for containers in /etc/subuid and /etc/subgid",
        "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER"
        " && podman system migrate",
    ),
    (
        r"cannot clone: (?:Operation not permitted|No space)|user namespaces are not enabled",
        "this system lets ordinary users make no containers (user namespaces)",
        "sudo sysctl -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1",
    ),
    (
        r"setting rlimit|setrlimit",
        "the limits that the engine sets for containers are above those of this user",
        "lower default_ulimits in containers.conf, or raise the hard limits (ulimit -Hn, -Hu)",
    ),
    (
        r"cgroups in hybrid mode not supported|invalid file system type on '/sys/fs/cgroup'",
        "crun does not work with the cgroup layout of this machine",
        "install runc",
    ),
    (
        r"/dev/net/tun",
        "this user may not open /dev/net/tun, which a network for containers needs",
        "sudo chmod 666 /dev/net/tun, or use --docker.network=host",
    ),
    (
        r"controller `?(\w+)`? is not available|the requested cgroup controller `?(\w+)`?",
        "this user may not limit containers: the cgroup controller {0} is not handed to users",
        "leave out the limit, or hand it on (Delegate=yes for user@.service in systemd)",
    ),
    (
        r"[Nn]o space left on device|disk quota exceeded",
        "the disk is full",
        "make room, for example with `cm prune container`",
    ),
    (
        r"address already in use|port is already allocated",
        "a port of this machine is taken already",
        "choose another one with --docker.port_maps",
    ),
    (
        r'name "?([^"\s]+)"? is already in use|container name "/?([^"]+)" is already in use',
        "there is a container {0} already",
        "choose another name, or `cm stop container {0}`",
    ),
    (
        r"(?:exec: )?\"([^\"]+)\": (?:executable file not found|stat [^:]+: no such file)"
        r"|executable file `([^`]+)` not found",
        "the image has no program {0}",
        "",
    ),
    (
        r"exec: \"([^\"]+)\": permission denied|open executable: Permission denied",
        "the program {0} in the image cannot be executed",
        "",
    ),
    (
        r"could not select device driver|unknown or invalid runtime name: nvidia"
        r"|unresolvable CDI devices ([^\s:]+)|stat nvidia.com/gpu",
        "the engine cannot give GPUs to containers",
        "install the NVIDIA container toolkit; for podman: "
        "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
    ),
    (
        r"short-name \"?([^\s\"]+)\"? did not resolve|docker://([^\s:]+:?[^\s:]*): "
        r"|pull access denied for ([^\s,]+)|manifest for ([^\s]+) not found"
        r"|failed to resolve source metadata for ([^\s:]+:?[^\s:]*):"
        # BuildKit's summary, and what the old builder says, of a registry that does not answer.
        r"|(?m:^ > \[internal\] load metadata for (\S+):$)"
        r"|Step \d+/\d+ : FROM (\S+)(?: (?:AS|as) \S+)?\n(?:Get|Head) "
        r"|(?:image not known|No such image):? ?([^\s]*)",
        "the image {0} is not on this machine and cannot be fetched",
        "check its name and the network, or name another one with --docker.base_image",
    ),
    (
        r"buildx component is missing|BuildKit is enabled but",
        "docker's buildx is missing, which this build needs",
        "install docker-buildx-plugin (docker-buildx), or use --docker.engine=podman",
    ),
)

_NOISE = re.compile(r"^(?:time=\S+ level=\w+ msg=|Error: |ERROR: |docker: |WARN\w*: ?)+", re.I)


def explain(text: str) -> tuple[str, str] | None:
    """What is wrong and what helps, None when the text is not known."""
    for pattern, wrong, remedy in _KNOWN:
        if found := re.search(pattern, text):
            word = next((group for group in found.groups() if group), "")
            return wrong.format(word).replace("  ", " "), remedy.format(word)
    return None


def last_words(text: str | Sequence[str]) -> str:
    """The line of an output that says most about its end, shortened."""
    lines = text.splitlines() if isinstance(text, str) else text
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if re.match(r"Error|ERROR|error|docker: ", line)]
    line = (errors or told or [""])[-1]
    line = _NOISE.sub("", line).strip().strip('"').rstrip(".")
    return line if len(line) <= 300 else line[:297] + "..."


def as_problem(engine: str, text: str) -> Problem:
    """Why an engine does not answer, from what it wrote."""
    known = explain(text)
    if known:
        return Problem(known[0], known[1])
    words = last_words(text) or "no reason given"
    return Problem(f"{engine} does not work: {words}", f"see what `{engine} info` says")


def failure(engine: str, doing: str, text: str | Sequence[str], code: int = 1) -> CmError:
    """The error of an engine that could not do something.

    Args:
        engine: its name.
        doing: what could not be done: `build the image x`.
        text: what it wrote.
        code: exit code of the error.
    """
    whole = text if isinstance(text, str) else "\n".join(text)
    known = explain(whole)
    if known:
        return CmError(f"{engine} cannot {doing}: {known[0]}", hint=known[1], code=code)
    words = last_words(whole) or "it gives no reason"
    return CmError(f"{engine} cannot {doing}: {words}", code=code)


_OURS = "cm-build: "
_STEP_FAILED = re.compile(
    r'building at STEP "(?P<step>.+)": while running runtime: exit status (?P<code>\d+)'
    r"|The command '(?P<step2>.+)' returned a non-zero code: (?P<code2>\d+)"
    r'|process "(?P<step3>.+)" did not complete successfully: exit code: (?P<code3>\d+)'
    r"|executor failed running \[(?P<step4>.+)\]: exit code: (?P<code4>\d+)"
)
#: A line of BuildKit: number of the step; how the file has it, or what a program in it wrote.
_KIT = re.compile(r"#(\d+) (?:\[[^\]]+\] (?P<step>.+)|\d+\.\d+ (?P<text>.+))?")
#: The old builder begins a step.
_BEGUN = re.compile(r"Step \d+/\d+ : (.+)")


def build_failure(engine: str, tag: str, lines: Sequence[str]) -> CmError:
    """The error of a build: which step failed and the last thing it said, or what was wrong."""
    for place, line in enumerate(lines):
        if found := _STEP_FAILED.search(line):
            parts = found.groupdict()
            code = next(value for key, value in parts.items() if value and key[:4] == "code")
            told = list(lines[:place])
            step = parts["step"] or _begun(told) or next(filter(None, parts.values()))
            if kit := _KIT.match(line):
                # Other steps run at the same time.
                mine = [one for one in map(_KIT.match, told) if one and one[1] == kit[1]]
                step = next((one["step"] for one in mine if one["step"]), step)
                told = [one["text"] for one in mine if one["text"]]
            known = explain("\n".join(told))
            if known and "disk" in known[0]:
                return CmError(f"{engine} cannot build {tag}: {known[0]}", hint=known[1])
            return CmError(
                f"the image {tag} cannot be built: step `{_short(step)}` ended with code {code}",
                hint=_said(told),
                code=2,
            )
    return failure(engine, f"build the image {tag}", [line for line in lines if line], 1)


def _begun(lines: Sequence[str]) -> str:
    begun = [found[1] for found in map(_BEGUN.match, lines) if found]
    return begun[-1] if begun else ""


def _said(lines: Sequence[str]) -> str:
    told = [line.strip() for line in lines if line.strip() and not _own(line)]
    # What a step of ours says about its failure, before what its programs said.
    ours = [line for line in told if line.startswith(_OURS)]
    if ours:
        return _short(ours[-1].removeprefix(_OURS))
    return f"its last words: {_short(told[-1])}" if told else ""


def _own(line: str) -> bool:
    about = r"(\[\d+/\d+\] )?STEP |Step \d| ?-+>|-+$|Removing intermediate container "
    return bool(re.match(about, line))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 160 else text[:157] + "..."
