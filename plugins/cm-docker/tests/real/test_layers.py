"""What is built once is not built again because an option changed."""

from __future__ import annotations

from pathlib import Path

from boxes import BASE, Person

GIVEN = (f"--docker.base_image={BASE}", "--docker.engine=podman", "--quiet")


def test_a_changed_option_builds_nothing(caller: Person, tmp_path: Path) -> None:
    first = caller.docker("--tags=use,tool", "--text=one", *GIVEN)
    images = caller.images()
    second = caller.docker("--tags=use,tool", "--text=two", *GIVEN)
    assert (first["new_env"]["CM_TEXT"], second["new_env"]["CM_TEXT"]) == ("one", "two")
    # The tool tells when it was made: it was made once, while the image was built.
    assert first["new_env"]["CM_TOOL_MADE"] == second["new_env"]["CM_TOOL_MADE"]
    assert first["image"] == second["image"]
    assert second["built"]["reused"] == second["built"]["steps"]
    assert caller.images() == images
    assert caller.containers() == []


def test_one_more_tool_is_one_more_layer(caller: Person) -> None:
    before = caller.docker("--tags=use,tool", *GIVEN)
    after = caller.docker("--tags=use,tool,_more", *GIVEN)
    assert after["new_env"]["CM_TOOL_MADE"] == before["new_env"]["CM_TOOL_MADE"]
    assert after["new_env"]["CM_OTHER_MADE"]
    built = after["built"]
    # The tool, its recipe, the recipe that asked for it, and what the image is started with.
    assert 0 < built["steps"] - built["reused"] <= 6, built


def test_the_file_is_the_same_byte_for_byte(caller: Person, tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        words = ("--tags=use,tool,_more", f"--text={name}", *GIVEN)
        caller.ok("dockerfile", "script", *words, f"--docker.folder={caller.folder}/{name}")
        (file,) = (caller.folder / name).glob("Containerfile*")
        texts.append([line for line in file.read_text().splitlines() if "--text=" not in line])
    assert texts[0] == texts[1]
    assert any(line.startswith("FROM ") for line in texts[0])
