"""Results, exit codes, owners of files, and recipes that are not for containers."""

from __future__ import annotations

from boxes import BASE, Person

GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--quiet")


def _written(person: Person) -> None:
    # Outside of the current folder, and not there yet.
    out = person.home / "results"
    told = person.docker(
        "--tags=use,tool", "--text=kept", f"--output_folder={out}", *GIVEN, cwd=person.work
    )
    assert told["new_env"]["CM_TEXT"] == "kept"
    said = out / "said.txt"
    assert said.read_text() == "kept\n"
    assert (said.stat().st_uid, said.stat().st_gid) == (person.who.pw_uid, person.who.pw_gid)
    assert (out.stat().st_uid, out.stat().st_gid) == (person.who.pw_uid, person.who.pw_gid)
    assert person.containers() == []


def test_files_belong_to_the_caller(caller: Person) -> None:
    _written(caller)


def test_files_belong_to_an_ordinary_user(ordinary: Person, trials: object) -> None:
    ordinary.ok("add", "collection", str(trials))
    _written(ordinary)


def test_a_failure_inside_is_ours(caller: Person) -> None:
    inside = caller.cm("docker", "script", "--tags=use,tool", "--exit=7", *GIVEN)
    outside = caller.cm("run", "script", "--tags=use,tool", "--exit=7", "--quiet")
    assert inside.code == outside.code != 0, inside.text
    assert "no luck today" in inside.out + inside.err
    # What the step said is kept here, although the container is gone.
    kept = [path for path in (caller.cm_home / "logs").iterdir() if "tool" in path.name]
    assert len(kept) == 2, inside.text
    assert f"logs of the steps in the container: {caller.cm_home / 'logs'}" in inside.err
    assert caller.containers() == []


def test_what_is_not_for_containers_is_refused(caller: Person) -> None:
    said = caller.refused("docker", "script", "--tags=keep,out", *GIVEN)
    assert "docker.run_override" in said, said
