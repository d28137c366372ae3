"""Build folders under a real builder; needs podman and a base image, like the suite `real`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from boxes import BASE, Person
from kit import must
from plans import collection, context, plan, recipe

from cm_docker.image import ImageWishes, prepare

FACT = """\
{
  "alias": "get-fact", "uid": "0123456789abc010", "automation_alias": "script",
  "tags": ["get", "fact"], "cache": true, "cache_class": "detected",
  "new_env_keys": ["CM_FACT"]
}
"""


@pytest.fixture(scope="module")
def made(root: Person, tmp_path_factory: pytest.TempPathFactory):
    """An image with one fact that was detected while it was built."""
    folder = tmp_path_factory.mktemp("image")
    row = collection(folder / "tools")
    path = recipe(folder / "tools", "get-fact", "0123456789abc010")
    (path / "_cm.yaml").unlink()
    (path / "_cm.json").write_text(FACT)
    (path / "run.sh").write_text(
        'echo "CM_FACT=$(cat /proc/sys/kernel/random/uuid)" >tmp-run-env.out\n'
    )
    fact = {"uid": "0123456789abc010", "path": str(path), "collection": row, "private": False}
    about = plan(row)
    about["recipes"].append(fact)
    about["prefetch"] = [{"tags": "get,fact", "label": "get-fact", "recipes": [fact["uid"]]}]
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    index = root.station.index.url.replace("://", "://somebody:hunter2@")
    with context(folder / "home", PATH=os.environ["PATH"], PIP_INDEX_URL=index) as ctx:
        block = {"build_env": {"NOTE": 'a "b" $HOME \\'}}
        yield prepare(ctx, ImageWishes(base_image=BASE), about, block, secrets=str(secrets))


def build(root: Person, made) -> list[str]:
    given = [f"--secret=id={key},src={path}" for key, path in made.secrets.items()]
    words = ["build", "--layers", "--network=host", *given, "-t", made.tag, "-f", made.file]
    return must(root.podman(*words, made.folder, timeout=900)).text.splitlines()


def run(root: Person, made, *words: str, user: str = "0:0") -> str:
    command = ["run", "--rm", "--network=host", f"--user={user}", made.tag, *words]
    return must(root.podman(*command)).out


def test_a_build_folder_is_built_and_its_facts_are_believed(root: Person, made) -> None:
    build(root, made)
    asked = ("cm", "run", "script", "--tags=get,fact", "--quiet", "--out=json")
    asked += ("--env.CM_RUN_STATE_DOCKER=True",)
    # Two containers, each with a host name of its own, and two users.
    answers = [run(root, made, *asked, user=user) for user in ("0:0", "12345:12345")]
    facts = [json.loads(answer)["new_env"]["CM_FACT"] for answer in answers]
    assert facts[0] == facts[1]
    assert run(root, made, "sh", "-c", 'printf "%s" "$NOTE"') == 'a "b" $HOME \\'
    assert run(root, made, "id", "-u", user="7:7") == "7\n"


def test_the_second_build_runs_nothing(root: Person, made) -> None:
    build(root, made)
    lines = build(root, made)
    runs = [number for number, line in enumerate(lines) if "STEP" in line and "RUN" in line]
    assert len(runs) == 4
    assert all("Using cache" in lines[number + 1] for number in runs)


def test_no_layer_and_no_history_holds_a_secret(root: Person, made, tmp_path: Path) -> None:
    build(root, made)
    assert "hunter2" not in must(root.podman("history", "--no-trunc", made.tag)).out
    assert "hunter2" not in must(root.podman("inspect", made.tag)).out
    search = "grep -rlI hunter2 / --exclude-dir=proc --exclude-dir=sys || true"
    assert run(root, made, "sh", "-c", search) == ""
    assert "hunter2" in Path(made.secrets["cm-pip"]).read_text()
