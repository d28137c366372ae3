"""Files and folders that are damaged, unreadable, or cannot be written."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from kit import Answer, User, must, run

TOP = ("run", "script", "make top", "--quiet")


def made(answer: Answer) -> None:
    """The recipe `make top` gave what it should."""
    assert must(answer).json()["new_env"] == {"CM_TOP": "made"}


@pytest.mark.parametrize(
    "text",
    [
        "alias: make-base\nuid: aaaa\ntags: [make, ba",
        "tags: {",
        "\x00\x01",
        "- just\n- a list\n",
        "",
    ],
    ids=["cut", "brace", "binary", "list", "empty"],
)
def test_a_damaged_recipe_spoils_only_itself(owner: User, collection: Path, text: str) -> None:
    damaged = collection / "script/make-base/_cm.yaml"
    whole = damaged.read_text()
    damaged.write_text(text)
    made_plain = owner.cm("run", "script", "make plain", "--quiet", "--out=json")
    assert must(made_plain).json()["new_env"] == {"CM_PLAIN": "made"}
    listed = must(owner.cm("find", "script"))
    assert "make-plain" in listed.out
    if text:
        assert str(damaged) in listed.err or str(damaged) in made_plain.err, listed.text
    assert owner.cm(*TOP).code == 16
    # Mended, and the next command sees it.
    damaged.write_text(whole)
    made(owner.cm(*TOP, "--out=json"))


def confined(user: User, *words: str) -> Answer:
    """`cm WORDS` by somebody for whom file modes count, as they do not for root."""
    argv = [str(user.machine.bin / "cm"), *words]
    if os.geteuid() == 0:
        tool = shutil.which("setpriv")
        if tool is None:
            pytest.skip("root reads everything here: setpriv (util-linux) is not installed")
        argv = [tool, "--bounding-set=-dac_override,-dac_read_search", *argv]
    answer = user.run(*argv)
    assert "Traceback" not in answer.out + answer.err, answer.text
    return answer


def test_an_unreadable_recipe_folder_spoils_only_itself(owner: User, collection: Path) -> None:
    folder = collection / "script/make-base"
    folder.chmod(0)
    try:
        assert "make-plain" in must(confined(owner, "find", "script")).out
        answer = confined(owner, *TOP)
        assert answer.code != 0, answer.text
        assert must(confined(owner, "run", "script", "make plain", "--quiet"))
    finally:
        folder.chmod(0o755)
    made(confined(owner, *TOP, "--out=json"))


def test_an_unreadable_collection_is_named(owner: User, collection: Path) -> None:
    collection.chmod(0)
    try:
        answer = confined(owner, "find", "script")
        assert str(collection) in answer.err, answer.text
    finally:
        collection.chmod(0o755)
    made(confined(owner, *TOP, "--out=json"))


def test_a_home_that_cannot_be_written(owner: User) -> None:
    """Reading still works; a run that must write says which folder it needs."""
    made(owner.cm(*TOP, "--out=json"))
    kept = [owner.cm_home, *(path for path in owner.cm_home.rglob("*") if path.is_dir())]
    modes = {path: path.stat().st_mode for path in kept}
    for path in kept:
        path.chmod(0o555)
    try:
        assert "make-top" in must(confined(owner, "find", "script")).out
        answer = confined(owner, "run", "script", "make slow", "--quiet")
        assert answer.code != 0, answer.text
        assert str(owner.cm_home) in answer.err, answer.text
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    made(owner.cm(*TOP, "--out=json"))


def test_a_collection_that_was_moved_away(owner: User, collection: Path) -> None:
    away = collection.rename(collection.with_name("elsewhere"))
    answer = owner.cm("find", "script")
    assert str(collection) in answer.err, answer.text
    away.rename(collection)
    made(owner.cm(*TOP, "--out=json"))


def with_limit(user: User, limit: int, words: Sequence[str]) -> Answer:
    """`cm WORDS` where no file may grow beyond `limit` bytes: what a full disk does to writes."""
    code = (
        "import os, resource, sys; n = int(sys.argv[1]);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)); os.execv(sys.argv[2], sys.argv[2:])"
    )
    argv = [sys.executable, "-c", code, str(limit), str(user.machine.bin / "cm"), *words]
    answer = user.run(*argv)
    assert "Traceback" not in answer.out + answer.err, answer.text
    return answer


@pytest.mark.parametrize("limit", [0, 10, 200, 2000])
def test_no_room_for_files(owner: User, limit: int) -> None:
    owner.ok("find", "script")
    answer = with_limit(owner, limit, TOP)
    if answer.code:
        assert answer.err.strip(), answer.text
    made(owner.cm(*TOP, "--out=json"))


@pytest.mark.parametrize("size", ["4k", "16k", "64k"])
def test_a_full_disk(owner: User, size: str) -> None:
    """A real file system without room, over `CM_HOME`."""
    mount = ["unshare", "--mount", "sh", "-c"]
    if os.geteuid() or run([*mount, "mount -t tmpfs none /mnt"]).code:
        pytest.skip("mounting a small file system needs root and mount namespaces")
    home = owner.cm_home
    steps = (
        f"cp -r '{home}' '{home}.copy' && mount -t tmpfs -o size={size} none '{home}' &&"
        f" cp -r '{home}.copy'/* '{home}' 2>/dev/null;"
        f" cat /dev/zero > '{home}/filler' 2>/dev/null;"
        f" '{owner.machine.bin}/cm' {TOP[0]} {TOP[1]} '{TOP[2]}' {TOP[3]}"
    )
    answer = owner.run(*mount, steps)
    assert "Traceback" not in answer.out + answer.err, answer.text
    assert answer.code != 0, answer.text
    assert "space" in answer.err.lower(), answer.text
    made(owner.cm(*TOP, "--out=json"))


def test_any_file_of_the_home_may_be_cut_short(owner: User, tmp_path: Path) -> None:
    """Each file that a run leaves behind, cut in half: told clearly or rebuilt."""
    made(owner.cm(*TOP, "--out=json"))
    owner.ok("find", "script")
    saved = tmp_path / "saved"
    shutil.copytree(owner.cm_home, saved, symlinks=True)
    files = [path.relative_to(saved) for path in saved.rglob("*") if path.is_file()]
    assert len(files) > 5
    for name in files:
        victim = owner.cm_home / name
        data = victim.read_bytes()
        victim.write_bytes(data[: len(data) // 2])
        answer = owner.cm(*TOP, "--out=json")
        if answer.code:
            assert str(victim) in answer.err + answer.out, f"{name}\n{answer.text}"
        else:
            assert answer.json()["new_env"] == {"CM_TOP": "made"}, f"{name}\n{answer.text}"
        shutil.rmtree(owner.cm_home)
        shutil.copytree(saved, owner.cm_home, symlinks=True)
