"""Container settings of recipes: every key of the published ones has its treatment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpora
import pytest

from cm_docker import option_table, setting_keys, settings
from cm_docker.options import Wishes
from cmcore.errors import CmError
from cmcore.yamlio import load_yaml

NOTHING = Wishes()


def blocks(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every `docker:` block: of recipes, variations, versions, conditional blocks."""
    for path in sorted(root.glob("**/script/*/*.yaml")):
        if path.name not in ("_cm.yaml", "meta.yaml"):
            continue
        meta = load_yaml(str(path))[0]
        if not isinstance(meta, dict):
            continue
        found = [meta]
        for key in ("variations", "versions"):
            found += [block for block in (meta.get(key) or {}).values() if isinstance(block, dict)]
        for block in list(found):
            found += block.get("update_meta_if_env") or []
        for block in found:
            if isinstance(block.get("docker"), dict):
                yield str(meta.get("alias")), block["docker"]


@pytest.mark.network
@pytest.mark.parametrize(("root", "least"), [(corpora.cm_root, 60), (corpora.mlc_root, 80)])
def test_every_key_and_value_of_published_recipes_is_understood(root: Any, least: int) -> None:
    seen = 0
    for recipe, block in blocks(root()):
        seen += 1
        read = settings.read(block, recipe, NOTHING)
        assert [note for note in read.notes if "unknown" in note] == [], recipe
    assert seen >= least


def test_an_ignored_key_says_why_and_every_other_has_a_place() -> None:
    for key, treatment in setting_keys.TABLE.items():
        assert treatment.what in ("run", "image", "host", "inside", "ignored"), key
        assert treatment.why or treatment.what != "ignored", key
    # What a recipe may say, a user may say as well, apart from what is about other flags.
    options = option_table.by_name()
    names = {"port_maps", "docker_run_final_cmds", "run_final_cmds", "dockerfile_env"}
    for key, treatment in setting_keys.TABLE.items():
        if treatment.what == "image" and key not in names:
            assert key in options, key


def test_values_of_both_dialects_come_to_the_same() -> None:
    cm = {"all_gpus": "yes", "interactive": True, "shm_size": "32gb", "port_maps": ["80:80"]}
    mlc = {"all_gpus": True, "interactive": "yes", "shm_size": "32G", "port_maps": "80:80"}
    assert settings.read(cm, "r", NOTHING) == settings.read(mlc, "r", NOTHING)
    read = settings.read(cm, "r", NOTHING)
    assert (read.gpus, read.interactive, read.shm_size, read.ports) == (
        "all", True, "32g", ("80:80",)
    )  # fmt: skip


def test_a_version_that_yaml_took_for_a_number() -> None:
    assert settings.checked({"os_version": 22.04}, "r") == {"os_version": "22.04"}


def test_wishes_win() -> None:
    block = {"all_gpus": "yes", "shm_size": "32gb", "privileged": True, "interactive": True}
    wishes = Wishes(all_gpus=False, shm_size="1g", privileged=False, interactive=False)
    read = settings.read(block, "r", wishes)
    assert (read.gpus, read.shm_size, read.privileged, read.interactive) == ("", "1g", False, False)
    assert settings.read(block, "r", Wishes(num_gpus="2")).gpus == "2"


def test_rights_that_a_recipe_takes_are_told() -> None:
    read = settings.read({"extra_run_args": " --cap-add SYS_ADMIN"}, "r", NOTHING)
    assert read.extra == ("--cap-add", "SYS_ADMIN")
    assert read.told == ("the recipe asks the engine for: --cap-add SYS_ADMIN",)
    assert settings.read({"privileged": True}, "r", NOTHING).told
    assert settings.read({"shm_size": "1g"}, "r", NOTHING).told == ()


def test_bringing_the_references_repositories_up_to_date_is_left_out() -> None:
    block = {"pre_run_cmds": ["cm pull repo", "mlc pull repo x --branch=y", "cm pull repo; ls"]}
    read = settings.read(block, "r", NOTHING)
    assert read.before == ("cm pull repo; ls",)
    assert len(read.notes) == 2


def test_a_prefix_comes_last_before_the_recipe() -> None:
    block = {"pre_run_cmds": ["a"], "run_cmd_prefix": "sudo apt remove -y cmake"}
    read = settings.read(block, "r", Wishes(pre_run_cmds=("b",)))
    assert read.before == ("a", "b", "sudo apt remove -y cmake")


def test_a_wrong_value_names_recipe_and_key() -> None:
    with pytest.raises(CmError) as caught:
        settings.read({"shm_size": "much"}, "my-recipe", NOTHING)
    assert "my-recipe" in caught.value.message
    assert caught.value.where == "docker.shm_size"
    with pytest.raises(CmError, match="yes or no"):
        settings.read({"run": "perhaps"}, "my-recipe", NOTHING)


def test_a_recipe_that_is_not_for_containers() -> None:
    closed = settings.read({"run": False}, "r", NOTHING)
    with pytest.raises(CmError, match="not meant to run in a container"):
        settings.may_run(closed, "r", NOTHING)
    settings.may_run(closed, "r", Wishes(run_override=True))
    settings.may_run(settings.read({}, "r", NOTHING), "r", NOTHING)


def test_an_unknown_key_is_named_with_what_is_near() -> None:
    (note,) = settings.read({"shmsize": "1g"}, "r", NOTHING).notes
    assert "docker.shmsize" in note
    assert "'shm_size'" in note


def test_the_page_of_all_keys_and_options_is_current() -> None:
    docs = Path(__file__).parents[4] / "docs"
    script = docs / "generate_container_settings.py"
    made = subprocess.run(
        [sys.executable, script, "--print"], capture_output=True, text=True, check=True
    )
    page = (docs / "reference/container-settings.md").read_text(encoding="utf-8")
    assert made.stdout == page, "run: python docs/generate_container_settings.py"
