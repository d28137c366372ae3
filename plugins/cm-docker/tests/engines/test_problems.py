"""What engines write becomes one sentence with a remedy."""

from __future__ import annotations

import pytest

from cm_docker.engines import problems

# Messages as podman 4.3, docker 20 to 28, runc, crun and buildah write them.
SAID = [
    (
        "permission denied while trying to connect to the Docker daemon socket at unix:///x.sock",
        "may not talk to docker's daemon",
        "usermod -aG docker",
    ),
    (
        "Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?",
        "docker's daemon does not run",
        "systemctl start docker",
    ),
    (
        'Error: exec: "newuidmap": executable file not found in $PATH',
        "newuidmap is missing",
        "uidmap",
    ),
    (
        "ERRO[0000] cannot find UID/GID for user x: no subuid ranges found for user",
        "/etc/subuid",
        "--add-subuids",
    ),
    (
        "potentially insufficient UIDs or GIDs available in user namespace (requested 0:42)",
        "/etc/subuid",
        "podman system migrate",
    ),
    (
        "runc create failed: error setting rlimit type 7: operation not permitted",
        "limits that the engine sets",
        "default_ulimits",
    ),
    ("crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted", "limits", "default_ulimits"),
    (
        "crun: cgroups in hybrid mode not supported, drop all controllers from cgroupv2",
        "crun does not work with the cgroup layout",
        "install runc",
    ),
    (
        '/usr/bin/slirp4netns failed: "open(\\"/dev/net/tun\\"): Permission denied"',
        "/dev/net/tun",
        "--docker.network=host",
    ),
    ("write /x: no space left on device", "the disk is full", "cm prune container"),
    ('exec: "nope": executable file not found in $PATH', "no program nope", ""),
    ('exec: "/etc": permission denied: OCI permission denied', "/etc in the image cannot be", ""),
    (
        'could not select device driver "" with capabilities: [[gpu]]',
        "GPUs",
        "nvidia-ctk",
    ),
    (
        "Error: initializing source docker://localhost/x:1: pinging container registry localhost",
        "the image localhost/x:1 is not on this machine",
        "--docker.base_image",
    ),
    (
        'short-name "nonono:1" did not resolve to an alias and no unqualified-search',
        "the image nonono:1 is not on this machine",
        "--docker.base_image",
    ),
    (
        "Error response from daemon: pull access denied for nope, repository does not exist",
        "the image nope is not",
        "",
    ),
    (
        'Error: creating container storage: the container name "cm-a" is already in use by 12ab',
        "there is a container cm-a already",
        "cm stop container cm-a",
    ),
    (
        " > [internal] load metadata for localhost/x:1:\n------\nfailed to solve with frontend"
        ' dockerfile.v0: failed to create LLB definition: failed to do request: Head "http://l"',
        "the image localhost/x:1 is not on this machine",
        "--docker.base_image",
    ),
    (
        'Step 1/9 : FROM localhost/x:1 AS ground\nGet "http://localhost/v2/": dial tcp',
        "the image localhost/x:1 is not on this machine",
        "--docker.base_image",
    ),
    ("ERROR: BuildKit is enabled but the buildx component is missing or broken.", "buildx", ""),
    ("listen tcp4 0.0.0.0:80: bind: address already in use", "a port", "port_maps"),
]


@pytest.mark.parametrize(("text", "wrong", "remedy"), SAID)
def test_a_known_trouble(text: str, wrong: str, remedy: str) -> None:
    found = problems.explain(f"some line before\n{text}\n")
    assert found
    assert wrong in found[0]
    assert remedy in found[1]
    assert "\n" not in found[0] + found[1]
    assert "{" not in found[0].replace("{0}", "{") + found[1]


def test_an_unknown_trouble_is_the_engines_last_error() -> None:
    error = problems.failure("podman", "start it", "warning: x\nError: it is Tuesday.\nusage: y\n")
    assert str(error) == "podman cannot start it: it is Tuesday"
    assert problems.explain("it is Tuesday") is None
    assert str(problems.failure("podman", "start it", "")) == (
        "podman cannot start it: it gives no reason"
    )


def test_a_long_line_is_shortened() -> None:
    assert len(problems.last_words("x" * 10000)) == 300


@pytest.mark.parametrize(
    "line",
    [
        'Error: building at STEP "RUN make it": while running runtime: exit status 2',
        "The command 'RUN make it' returned a non-zero code: 2",
        'ERROR: failed to solve: process "RUN make it" did not complete successfully: exit code: 2',
    ],
)
def test_the_step_that_failed(line: str) -> None:
    lines = ["STEP 2/2: RUN make it", "make: no rule", line]
    error = problems.build_failure("docker", "x:1", lines)
    assert str(error) == (
        "the image x:1 cannot be built: step `RUN make it` ended with code 2;"
        " its last words: make: no rule"
    )
    assert error.code == 2


def test_the_step_that_failed_among_others_of_buildkit() -> None:
    """docker 20.10; the image's other stages are built at the same time."""
    lines = [
        "#5 [tools 2/3] RUN make it",
        "#5 sha256:5ff0",
        "#6 [stage-1 2/4] RUN other",
        "#5 1.234 cm-build: no rule",
        "#5 1.250 make: gave up",
        "#6 2.345 cm-build: not this one",
        "#5 ERROR: executor failed running [/bin/sh -c make it]: exit code: 2",
        "#6 CANCELED",
        "------",
        " > [tools 2/3] RUN make it:",
        "------",
        "executor failed running [/bin/sh -c make it]: exit code: 2",
    ]
    error = problems.build_failure("docker", "x:1", lines)
    assert str(error) == (
        "the image x:1 cannot be built: step `RUN make it` ended with code 2; no rule"
    )
    assert error.code == 2


def test_the_step_that_failed_of_the_old_builder() -> None:
    lines = [
        "Step 2/2 : RUN make it",
        " ---> Running in 0123456789ab",
        "make: no rule",
        "The command '/bin/sh -c make it' returned a non-zero code: 2",
    ]
    assert str(problems.build_failure("docker", "x:1", lines)) == (
        "the image x:1 cannot be built: step `RUN make it` ended with code 2;"
        " its last words: make: no rule"
    )


def test_an_engine_that_does_not_answer() -> None:
    problem = problems.as_problem("podman", "Error: database disk image is malformed")
    assert problem.text == "podman does not work: database disk image is malformed"
    assert problem.fatal
