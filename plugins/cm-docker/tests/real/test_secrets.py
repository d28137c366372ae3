"""A token reaches the recipe, and nothing else."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from boxes import BASE, Person
from kit import must

GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--quiet")


def _token(way: str) -> str:
    # Looks like no word that could be there by accident.
    return f"planted{hashlib.sha256(way.encode()).hexdigest()[:24]}"


def _command_lines(but: int) -> str:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in (but, os.getpid()):
            try:
                found.append((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue  # it has ended
    return "\n".join(found)


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_a_token_is_nowhere_but_in_the_recipe(caller: Person, way: str) -> None:
    token = _token(way)
    # A name that says what it is needs no word that it is to be passed.
    env = {"CM_TRIAL_TOKEN": token} if way == "variable" else {}
    words = [f"--trial_token={token}"] if way == "flag" else ["--docker.secret=CM_TRIAL_TOKEN"]
    asked = ("docker", "script", "--tags=use,token", "--seconds=8", *words, *GIVEN)
    started = caller.start(*asked, env=env)
    try:
        caller.waits_for("ps", "--format", "{{.Names}} {{.Status}}", says="Up", seconds=300)
        lines = _command_lines(started.pid)
        assert "podman" in lines
        assert token not in lines
        names = caller.containers()
        assert token not in must(caller.podman("inspect", *names)).out
    finally:
        said, _ = started.communicate(timeout=300)
    assert started.returncode == 0, said
    assert hashlib.sha256(token.encode()).hexdigest() in said
    assert token not in said
    _nowhere(caller, token)


def _nowhere(person: Person, token: str) -> None:
    """Neither in a file of this person, in an image, nor in what the engine tells of images."""
    for identifier, names in person.images().items():
        for words in (("history", "--no-trunc"), ("inspect",)):
            assert token not in must(person.podman(*words, identifier)).out
        if any("cm-test" in name for name in names) or not names:
            continue
        saved = person.folder / "saved.tar"
        must(person.podman("save", "--format=docker-archive", "-o", saved, identifier))
        found = token.encode() in saved.read_bytes()
        saved.unlink()
        assert not found, names
    hits = []
    for folder, _, files in os.walk(person.folder):
        for name in files:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink() and token.encode() in path.read_bytes():
                hits.append(str(path))
    assert hits == []
    secrets = [p for p in Path("/dev/shm").glob("cm*") if p.is_dir()]
    assert [p for p in secrets if p.stat().st_uid == person.who.pw_uid and _fresh(p)] == []


def _fresh(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < 600
