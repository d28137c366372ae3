"""A token reaches the recipe, and nothing else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import boxes
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


def test_a_token_is_nowhere_but_in_the_recipe(caller: Person) -> None:
    tokens = [_token(way) for way in ("flag", "variable")]
    _runs(caller, tokens[0], {}, f"--trial_token={tokens[0]}")
    _runs(caller, tokens[1], {"CM_TRIAL_TOKEN": tokens[1]}, "--docker.secret=CM_TRIAL_TOKEN")
    _nowhere(caller, tokens)


def _runs(person: Person, token: str, env: dict[str, str], *words: str) -> None:
    asked = ("docker", "script", "--tags=use,tool", "--seconds=8", *words, *GIVEN)
    started = person.start(*asked, env=env)
    try:
        person.waits_for("ps", "--format", "{{.Names}} {{.Status}}", says="Up", seconds=300)
        lines = _command_lines(started.pid)
        assert "podman" in lines
        assert token not in lines
        assert token not in must(person.podman("inspect", *person.containers())).out
    finally:
        said, _ = started.communicate(timeout=300)
    assert started.returncode == 0, said
    assert hashlib.sha256(token.encode()).hexdigest() in said
    assert token not in said


def _nowhere(person: Person, tokens: list[str]) -> None:
    """Neither in a file of this person, in an image, nor in what the engine tells of images."""
    patterns = [word for token in tokens for word in ("-e", token)]
    for identifier, names in person.images().items():
        for words in (("history", "--no-trunc"), ("inspect",)):
            told = must(person.podman(*words, identifier)).out
            assert not [token for token in tokens if token in told]
        if any("use-tool" in name for name in names):
            saved = person.folder / "saved.tar"
            must(person.podman("save", "--format=docker-archive", "-o", saved, identifier))
            assert person.run("grep", "-cF", *patterns, saved).out.strip() == "0"
            saved.unlink()
    # Layers, logs, build folders, caches and what lies in memory are files of this person, too.
    found = boxes.call(["grep", "-rlF", "--devices=skip", *patterns, str(person.folder)])
    assert found.out == ""
