"""The command inside: each value is data, and the recipe's own shell commands come before."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cm_docker import launch, written
from cm_docker.settings import RunSettings
from cmcore import grammar

_KEYS = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(
    lambda key: key not in (*grammar.STRUCTURE, *grammar.OPTIONS, "help", "h", "quiet")
)


@given(
    st.dictionaries(_KEYS, st.one_of(st.text(), st.booleans(), st.lists(st.text()))),
    st.one_of(st.none(), st.lists(st.text().filter(lambda t: "\0" not in t))),
)
def test_the_inner_command_is_the_same_request(
    flags: dict[str, Any], command: list[str] | None
) -> None:
    inner = launch.Inner(("get gcc",), flags, None if command is None else tuple(command))
    words = launch.words(inner)
    parsed = grammar.parse(list(words[1:])).request
    assert words[0] == "cm"
    assert (parsed.action, parsed.automation, parsed.artifacts) == ("run", "script", ("get gcc",))
    assert parsed.flags == {**flags, "quiet": True}
    assert parsed.command == inner.command


def test_somebody_who_can_be_asked_is_asked() -> None:
    assert "--quiet" not in launch.words(launch.Inner(("x",), {}, interactive=True))


def test_answers_and_secrets_have_their_places() -> None:
    inner = launch.Inner(("x",), {}, ("a", "b"), secret_file=True, answers=True)
    words = launch.words(inner)
    assert words[-3:] == ("--", "a", "b")
    assert f"--save_to_json={launch.ANSWER}" in words
    assert f"--input_file={launch.REQUEST}" in words


def run(
    line: tuple[str, ...], before: tuple[str, ...], cwd: Path
) -> subprocess.CompletedProcess[str]:
    whole = launch.around(line, before)
    return subprocess.run(whole, capture_output=True, text=True, cwd=cwd, check=False)


def test_commands_before_are_for_a_shell_and_values_are_not(tmp_path: Path) -> None:
    value = 'it\'s $(touch evil) `touch evil` "q"\nnew line'
    line = ("printf", "%s", value)
    done = run(line, ("touch one && cd .", "sudo touch two # a comment"), tmp_path)
    assert done.stdout == value
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_a_command_before_that_fails_stops_all(tmp_path: Path) -> None:
    done = run(("touch", "recipe"), ("false || exit 7", "touch later"), tmp_path)
    assert done.returncode == 7
    assert list(tmp_path.iterdir()) == []
    assert launch.around(("x",), ()) == ("x",)


def test_variables_that_a_command_before_exports_are_seen(tmp_path: Path) -> None:
    assert run(("sh", "-c", "echo $A"), ("export A=5",), tmp_path).stdout == "5\n"


def test_the_cache_of_a_container(tmp_path: Path) -> None:
    paths = SimpleNamespace(home=str(tmp_path), cache=str(tmp_path / "cache"))
    ctx: Any = SimpleNamespace(paths=paths)
    digest = "0123456789abcdef"

    def cache(where: str, engine: str) -> Any:
        return launch.cache_of(ctx, RunSettings(cache=where), engine, "/opt/cm/home", digest)

    assert cache("image", "podman") == ((), {}, ())
    ((mount,), env, words) = cache("host", "podman")
    assert mount == (str(tmp_path / "cache"), "/opt/cm/home/cache", True)
    assert env == {"CMCORE_IMAGE": digest}
    assert words == ()
    (mounts, _, words) = cache("volume", "docker")
    assert mounts == ()
    assert words[0] == "--volume"
    assert words[1].endswith(":/opt/cm/home/cache")
    ((mount,), _, words) = cache("volume", "apptainer")
    assert mount.source.startswith(str(tmp_path / "containers"))
    assert words == ()


def test_words_for_apptainer() -> None:
    words = launch.words_of_apptainer(
        {"nv": "yes", "bind": "/a:/b", "cleanenv": "no"}, {"writable_tmpfs": False, "rocm": True}
    )
    assert words == ("--nv", "--rocm", "--bind", "/a:/b")


@given(st.lists(st.text().filter(lambda t: "\0" not in t), min_size=1))
def test_the_file_ends_with_the_command(words: list[str]) -> None:
    text = written.with_command('FROM x\nENTRYPOINT ["e"]\nCMD ["/bin/sh"]\n', tuple(words))
    *first, last = text.rstrip("\n").split("\n")
    assert first == ["FROM x", 'ENTRYPOINT ["e"]']
    assert json.loads(last.removeprefix("CMD ")) == words
