"""The suites' own ground: without it every later failure would be a riddle."""

from __future__ import annotations

from boxes import BASE, Person
from kit import must


def test_a_container_of_the_caller_runs(root: Person) -> None:
    said = must(root.podman("run", "--rm", "--network=host", BASE, "python3", "--version")).out
    assert said.startswith("Python 3."), said


def test_a_container_of_an_ordinary_user_runs(ordinary: Person) -> None:
    said = must(ordinary.podman("run", "--rm", "--network=host", BASE, "id", "-u")).out
    assert said == "0\n"
    assert ordinary.run("id", "-u").out.strip() == str(ordinary.who.pw_uid)
