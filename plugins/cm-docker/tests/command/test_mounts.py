"""Mounts: what a value names is seen inside under the name that is passed, and nothing else is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cm_docker import hostpaths, mounts, recipe_mounts
from cm_docker.records import Mount
from cmcore.errors import CmError, UsageError

#: Folders and files of the world in which the tests live; `->` is a link.
_WORLD = """
    work/ work/data/ work/data/a.txt work/out/ elsewhere/ elsewhere/b.txt elsewhere/deep/c.bin
    elsewhere/deep/ cache/ cache/1234/ cache/1234/model.onnx cache/1234/more.bin
    work/link->elsewhere work/away.txt->elsewhere/b.txt elsewhere/back->work home/ home/x.txt
""".split()  # noqa: SIM905


def build(root: Path) -> Path:
    for name in _WORLD:
        path, _, target = name.partition("->")
        if target:
            (root / path).symlink_to(root / target)
        elif path.endswith("/"):
            (root / path).mkdir(parents=True, exist_ok=True)
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(path)
    return root


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Path]:
    old = os.environ.get("HOME")
    os.environ["HOME"] = str(tmp_path / "home")
    yield build(tmp_path)
    if old is not None:
        os.environ["HOME"] = old


def view_of(world: Path, **how: Any) -> mounts.View:
    return mounts.View(str(world / "work"), str(world / "home"), str(world / "cache"), **how)


def seen(view: mounts.View, value: str) -> str:
    """The path of the host that a value means inside; "" when nothing is there.

    As a container resolves it: the mount nearest above, then links, each again from the top.
    """
    path = os.path.normpath(os.path.join(view.workdir or "/opt/cm/user", value))
    table = {m.target: m.source for m in view.mounts()}
    for _ in range(20):
        above = [t for t in table if hostpaths.below(path, t)]
        if not above:
            return ""
        target = max(above, key=len)
        place = table[target]
        parts = [part for part in path[len(target) :].split("/") if part]
        # The engine follows links of a source; those further in are followed inside.
        real = os.path.realpath(place)
        for number, part in enumerate(parts):
            real = os.path.join(real, part)
            if os.path.islink(real):
                rest = parts[number + 1 :]
                path = os.path.normpath(os.path.join(os.readlink(real), *rest))
                break
        else:
            return real
    return ""


def through_a_link(view: mounts.View) -> list[Mount]:
    """Mounts whose place lies behind a link of another mount: engines would follow it."""
    found = []
    for mount in view.mounts():
        for other in view.mounts():
            if other != mount and hostpaths.below(mount.target, other.target):
                place = other.source + mount.target[len(other.target) :]
                real = os.path.realpath(place)
                if not hostpaths.below(real, os.path.realpath(other.source)):
                    found.append(mount)
    return found


_PLACES = [name.partition("->")[0].rstrip("/") for name in _WORLD]


@st.composite
def values(draw: st.DrawFn) -> tuple[str, str]:
    """A place of the world and one of the ways to write it from `work`."""
    place = draw(st.sampled_from([*_PLACES, ""]))
    form = draw(st.sampled_from(["absolute", "relative", "dotted", "slash", "roundabout"]))
    return place, form


def spelled(world: Path, place: str, form: str) -> str:
    path = str(world / place) if place else str(world)
    if form == "absolute":
        return path
    relative = os.path.relpath(path, world / "work")
    if form == "slash" and os.path.isdir(path):
        return path + "/"
    if form == "roundabout":
        return f"{world}/cache/../{place}" if place else f"{world}/cache/.."
    return relative if relative.startswith("..") or form == "relative" else f"./{relative}"


@settings(deadline=None, max_examples=150)
@given(st.lists(values(), min_size=1, max_size=5), st.booleans(), st.data())
def test_a_path_that_is_given_is_seen_under_the_name_that_is_passed(
    given_values: list[tuple[str, str]], mount_cwd: bool, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(os.path.realpath(folder)))
        view = view_of(world, mount_cwd=mount_cwd)
        flags = {f"flag{n}": spelled(world, *one) for n, one in enumerate(given_values)}
        sure = frozenset(data.draw(st.sets(st.sampled_from(list(flags)))))
        # What is given in a form that no path has counts only where a path is declared.
        declared = mounts.Declared(
            inputs=sure | {n for n, v in flags.items() if not hostpaths.says_path(v)}
        )
        passed = mounts.rewrite(view, flags, declared)
        for name, value in flags.items():
            wanted = os.path.realpath(os.path.join(world, "work", value))
            assert seen(view, passed[name]) == wanted, (name, value, passed[name], view.mounts())
        assert not through_a_link(view)
        allowed = {os.path.realpath(os.path.join(world, "work", v)) for v in flags.values()}
        if mount_cwd:
            allowed.add(str(world / "work"))
        for mount in view.mounts():
            source = os.path.realpath(mount.source)
            entry = source == str(world / "cache/1234")
            assert source in allowed or (entry and any("cache/1234" in one for one in allowed))
            assert mount.writable == (mount_cwd and mount.source == str(world / "work"))


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(["usr", "lib64", "home", "data", "root", "cm-mount", "x"]), min_size=1)
)
def test_names_inside_are_one_to_one_and_keep_what_is_below(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    there = hostpaths.inside(path)
    assert there == path or there == hostpaths.PREFIX + path
    # Back again, from the name alone.
    outside = there.removeprefix(hostpaths.PREFIX) if there.startswith("/cm-mount/") else there
    assert outside == path
    assert hostpaths.inside(path + "/more") == there + "/more"
    assert not there.startswith(("/usr", "/lib", "/root"))


def test_what_the_image_has_itself_is_not_hidden() -> None:
    for path in ("/etc/hosts", "/lib/x", "/lib64/x", "/usr/share/y", "/var/data", "/opt/z"):
        assert hostpaths.inside(path) == "/cm-mount" + path
    for path in ("/home/me/x", "/data", "/tmp/x", "/library/x", "/mnt/usr"):
        assert hostpaths.inside(path) == path


def test_tools_are_those_of_the_image() -> None:
    assert hostpaths.is_tool("/usr/bin")
    assert hostpaths.is_tool("/bin/sh")
    assert hostpaths.is_tool("/usr/lib/x.so")
    assert hostpaths.is_tool("/dev/null")
    assert not hostpaths.is_tool("/usr/share/dict")
    assert not hostpaths.is_tool("/data/bin/x")


def test_an_output_elsewhere_is_made_and_can_be_written(world: Path) -> None:
    view = view_of(world)
    flags = {"output": str(world / "new/deep/r.json"), "results_dir": str(world / "res")}
    assert mounts.rewrite(view, flags, mounts.Declared()) == flags
    assert (world / "new/deep").is_dir()
    assert not (world / "new/deep/r.json").exists()
    assert Mount(str(world / "new/deep"), str(world / "new/deep"), True) in view.mounts()
    assert Mount(str(world / "res"), str(world / "res"), True) in view.mounts()
    view.forget()
    assert not (world / "new").exists()
    assert not (world / "res").exists()


def test_names_without_links_are_passed(world: Path) -> None:
    view = view_of(world)
    flags = {"a": str(world / "elsewhere/back/data"), "b": str(world / "elsewhere")}
    passed = mounts.rewrite(view, flags, mounts.Declared())
    assert passed == {"a": str(world / "work/data"), "b": flags["b"]}
    assert not through_a_link(view)


def test_what_was_made_for_outputs_stays_when_something_is_in_it(world: Path) -> None:
    view = view_of(world)
    mounts.rewrite(view, {"output_dir": str(world / "new/deep")}, mounts.Declared())
    (world / "new/deep/r.txt").write_text("x")
    view.forget()
    assert (world / "new/deep/r.txt").exists()


def test_an_output_in_the_current_folder_needs_nothing(world: Path) -> None:
    view = view_of(world)
    assert mounts.rewrite(view, {"output": "r/s.txt"}, mounts.Declared()) == {"output": "r/s.txt"}
    assert view.mounts() == (Mount(str(world / "work"), str(world / "work"), True),)
    assert not (world / "work/r").exists()


def test_without_looking_at_outputs_nothing_is_made(world: Path) -> None:
    view = view_of(world, make=False)
    mounts.rewrite(view, {"output_dir": str(world / "new")}, mounts.Declared())
    assert not (world / "new").exists()


def test_an_input_that_is_not_there_is_one_sentence(world: Path) -> None:
    view = view_of(world)
    with pytest.raises(CmError, match=r"there is no .*/nothing, which --input names") as caught:
        mounts.rewrite(view, {"input": "./nothing"}, mounts.Declared())
    assert caught.value.code == 16
    declared = mounts.Declared(mapping={"model": "M_PATH"}, mounted=frozenset({"M_PATH"}))
    with pytest.raises(CmError, match="--model"):
        mounts.rewrite(view, {"model": "gone.onnx"}, declared)


def test_what_only_looks_like_a_path_is_left_alone(world: Path) -> None:
    flags = {
        "url": "https://example.org/x",
        "text": "a/b",
        "multi": "/etc/hosts\n/etc",
        "other": "/no/such/place",
        "n": 5,
        "output_format": "json",
        "words": ["x", "/nowhere"],
    }
    view = view_of(world)
    assert mounts.rewrite(view, flags, mounts.Declared()) == flags
    assert len(view.mounts()) == 1


def test_values_in_lists_and_groups_count(world: Path) -> None:
    view = view_of(world)
    flags = {"files": [str(world / "elsewhere/b.txt")], "env": {"X": "~/x.txt"}}
    passed = mounts.rewrite(view, flags, mounts.Declared())
    assert passed["files"] == flags["files"]
    assert passed["env"] == {"X": str(world / "home/x.txt")}
    assert {m.source for m in view.mounts()} == {
        str(world / "work"), str(world / "elsewhere/b.txt"), str(world / "home/x.txt")
    }  # fmt: skip


def test_all_of_the_host_is_never_mounted(world: Path) -> None:
    with pytest.raises(UsageError, match="all of the host"):
        mounts.rewrite(view_of(world), {"input": "/"}, mounts.Declared())
    assert mounts.rewrite(view_of(world), {"prefix": "/"}, mounts.Declared()) == {"prefix": "/"}
    with pytest.raises(UsageError, match="all of the host"):
        recipe_mounts.of_user(view_of(world), ("/:/host",), {})
    view = mounts.View("/", str(world / "home"), str(world / "cache"))
    assert (view.workdir, view.mounts(), len(view.warnings)) == ("", (), 1)
    view = mounts.View(str(world / "home"), str(world / "home"), str(world / "cache"))
    assert view.mounts() == ()
    assert "your home folder" in view.warnings[0]


KNOWN = recipe_mounts.Known


def test_mounts_of_a_recipe(world: Path) -> None:
    view = view_of(world)
    data, results = str(world / "elsewhere"), str(world / "res")
    env = {"DATA": data, "RESULTS_DIR": results, "N": 1, "EMPTY": ""}
    spelled_out = (
        "${{ DATA }}:${{ DATA }}",
        "${{ RESULTS_DIR }}:/home/cmuser/results",
        "${{ MISSING }}:${{ MISSING }}",
        "${{ EMPTY }}:/x",
    )
    named = recipe_mounts.of_recipe(view, spelled_out, KNOWN(env, {}), "r")
    assert named == [("DATA", data), ("RESULTS_DIR", "/home/cmuser/results")]
    found = {m.target: m for m in view.mounts()}
    assert found["/home/cmuser/results"] == Mount(results, "/home/cmuser/results", True)
    assert found[data].writable
    assert os.path.isdir(results)
    assert len(view.notes) == 2


def test_a_brace_that_an_author_forgot_is_forgiven(world: Path) -> None:
    view = view_of(world)
    data = str(world / "elsewhere")
    mount = "${{ DATA }}:${{ DATA }"
    assert recipe_mounts.of_recipe(view, (mount,), KNOWN({"DATA": data}, {}), "r") == [
        ("DATA", data)
    ]


def test_a_mount_of_a_recipe_whose_input_the_user_named_wrongly(world: Path) -> None:
    known = KNOWN({"DATA": "/no/such"}, {"DATA": "data_path"})
    with pytest.raises(CmError, match="--data_path"):
        recipe_mounts.of_recipe(view_of(world), ("${{ DATA }}:/d",), known, "r")
    with pytest.raises(CmError, match="no place in the container"):
        recipe_mounts.of_recipe(view_of(world), ("${{ DATA }}",), known, "r")


def test_mounts_of_the_user(world: Path) -> None:
    view = view_of(world)
    data = str(world / "elsewhere")
    recipe_mounts.of_user(view, (f"{data}:/d", "data:/e:rw", f"{data}/b.txt"), {})
    found = {m.target: m for m in view.mounts()}
    assert found["/d"] == Mount(data, "/d", False)
    assert found["/e"] == Mount(str(world / "work/data"), "/e", True)
    assert found[f"{data}/b.txt"].writable is False
    for wrong in ("/no/such:/d", "data:relative", "data:/", "data:/opt/cm/home", "a:b:c:rw", ":x"):
        with pytest.raises((CmError, UsageError)):
            recipe_mounts.of_user(view_of(world), (wrong,), {})
