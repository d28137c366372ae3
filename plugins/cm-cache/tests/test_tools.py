"""What was built with a tool is not served any more when the tool is another one."""

import os

import pytest

from cm_cache import machine, tools


@pytest.fixture
def gcc(tmp_path):
    path = tmp_path / "bin" / "gcc"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho 12\n")
    return path


@pytest.fixture
def built(cache, gcc):
    """A library that was built with another library, that was built with a tool."""
    tool = cache.store("get", "gcc", kind="detected", env={"CC": str(gcc)}, version="12.2")
    lib = cache.store("build", "lib", files={"lib.a": "x"}, depends=[tool.uid])
    app = cache.store("build", "app", files={"app": "x"}, depends=[lib.uid])
    cache.restart()
    return tool, lib, app


def upgrade(gcc):
    new = gcc.with_name("new")
    new.write_text("#!/bin/sh\necho this is 13\n")
    os.replace(new, gcc)


def test_nothing_changed_is_a_hit(cache, built):
    assert [e.uid for e in cache.find("build", "app")] == [built[2].uid]
    assert [e.uid for e in cache.find("build", "lib")] == [built[1].uid]


def test_upgraded_tool_is_a_miss_for_all_that_was_built_with_it(cache, built, gcc):
    upgrade(gcc)
    assert cache.find("build", "app") == cache.find("build", "lib") == []
    assert f"tool thing: 12.2 ({gcc}) there; {gcc} has changed since" in "\n".join(cache.said)


def test_tool_that_is_gone(cache, built, gcc):
    gcc.unlink()
    assert cache.find("build", "app") == []
    assert f"{gcc} is gone" in "\n".join(cache.said)


def test_same_package_on_another_machine_is_the_same_tool(cache, built, gcc):
    then = gcc.stat()
    copy = gcc.with_name("copy")
    copy.write_bytes(gcc.read_bytes())
    os.utime(copy, ns=(then.st_atime_ns, then.st_mtime_ns))
    os.replace(copy, gcc)
    assert gcc.stat().st_ino != then.st_ino
    assert len(cache.find("build", "app")) == 1


def test_tool_detected_again_as_another_one_is_named_with_both_versions(cache, built, gcc):
    other = gcc.with_name("gcc-13")
    other.write_text("#!/bin/sh\necho 13\n")
    again = cache.reserve(cache.ask("get", "gcc"), refresh=built[0])
    cache.publish_env(again, {"CC": str(other)}, "13.1", kind="detected")
    cache.restart()
    assert cache.find("build", "app") == []
    assert f"12.2 ({gcc}) there, 13.1 ({other}) here" in "\n".join(cache.said)


def test_tool_detected_again_as_the_same_one_changes_nothing(cache, built, gcc):
    again = cache.reserve(cache.ask("get", "gcc"), refresh=built[0])
    cache.publish_env(again, {"CC": str(gcc)}, "12.2", kind="detected")
    cache.restart()
    assert len(cache.find("build", "app")) == 1


def test_new_version_is_named_once_it_was_detected(cache, built, gcc):
    upgrade(gcc)
    cache.store("get", "gcc", kind="detected", env={"CC": str(gcc)}, version="13.1")
    cache.restart()
    assert cache.find("build", "app") == []
    assert f"12.2 ({gcc}) there, 13.1 ({gcc}) here" in "\n".join(cache.said)


@pytest.mark.parametrize("kind", ["data", "measured", "detected"])
def test_only_what_was_built_depends_on_tools(cache, gcc, kind):
    tool = cache.store("get", "gcc", kind="detected", env={"CC": str(gcc)})
    cache.store("other", kind=kind, files={"f": "x"}, depends=[tool.uid])
    upgrade(gcc)
    assert len(cache.find("other")) == 1


def test_what_data_was_fetched_with_is_no_tool_of_what_is_built_on_it(cache, gcc):
    tool = cache.store("get", "wget", kind="detected", env={"WGET": str(gcc)})
    data = cache.store("get", "data", kind="data", files={"f": "x"}, depends=[tool.uid])
    cache.store("build", files={"f": "x"}, depends=[data.uid])
    upgrade(gcc)
    assert len(cache.find("build")) == 1


def test_through_a_detected_tool_to_another(cache, gcc):
    first = cache.store("get", "gcc", kind="detected", env={"CC": str(gcc)})
    second = cache.store("get", "mpi", kind="detected", env={"M": "/bin/sh"}, depends=[first.uid])
    cache.store("build", files={"f": "x"}, depends=[second.uid])
    upgrade(gcc)
    assert cache.find("build") == []


def test_the_old_one_is_found_again_when_its_tool_is_back(cache, built, gcc):
    kept = gcc.rename(gcc.with_name("kept"))
    assert cache.find("build", "app") == []
    new = cache.store("build", "app", files={"app": "y"})
    assert new.uid != built[2].uid
    kept.rename(gcc)
    assert {e.uid for e in cache.find("build", "app")} == {new.uid, built[2].uid}


def test_another_processor_is_a_miss(cache, built):
    cache.alter(built[2], host={**cache.meta(built[2])["host"], "arch": "sparc"})
    assert cache.find("build", "app") == []
    assert "it was built on sparc" in "\n".join(cache.said)


@pytest.mark.parametrize("garbled", [3, [], [3], [{"uid": 1}], [{"uid": "x", "paths": [[]]}]])
def test_garbled_record_stops_nothing(cache, built, garbled):
    cache.alter(built[2], tools=garbled)
    assert len(cache.find("build", "app")) == 1


def test_on_another_machine_the_tools_of_that_machine_count(built, cache, gcc):
    meta = cache.meta(built[2])
    upgrade(gcc)
    assert tools.here(meta)[0]["paths"][0][1] == gcc.stat().st_size
    gcc.unlink()
    assert tools.here(meta) == []


# -- facts about one machine -------------------------------------------------------------------


def elsewhere(monkeypatch, **changes):
    here = machine.identity()
    monkeypatch.setattr(machine, "_known", {**here, **changes})


@pytest.mark.parametrize("change", ["name", "id", "cpu"])
@pytest.mark.parametrize("env", [{"CM_CPU_CORES": "64"}, {"CM_HOST_CPU": "x", "TOOL": "/bin/sh"}])
def test_facts_of_one_machine_are_not_served_to_another(cache, monkeypatch, change, env):
    facts = cache.store("detect", kind="detected", env=env)
    assert len(cache.find("detect")) == 1
    elsewhere(monkeypatch, **{change: "another"})
    assert cache.find("detect") == []
    # The machine that shares the home keeps its own entry beside this one.
    got = cache.reserve(cache.ask("detect"))
    assert got.uid != facts.uid
    cache.publish_env(got, {"CM_CPU_CORES": "8"}, "", kind="detected")
    assert [e.uid for e in cache.find("detect")] == [got.uid]
    monkeypatch.undo()
    assert [e.uid for e in cache.find("detect")] == [facts.uid]


def test_a_tool_in_a_file_is_served_where_its_file_is_the_same(cache, gcc, monkeypatch):
    cache.store("get", "gcc", kind="detected", env={"CC": str(gcc)})
    elsewhere(monkeypatch, name="another")
    assert len(cache.find("get", "gcc")) == 1


def test_containers_of_one_image_are_one_machine(cache, monkeypatch):
    monkeypatch.setattr(machine, "_known", {})
    monkeypatch.setenv(machine.IMAGE, "abc")
    cache.store("detect", kind="detected", env={"CM_CPU_CORES": "64"})
    # The next container has another host name, and perhaps a machine-id.
    monkeypatch.setattr(machine, "_known", {})
    monkeypatch.setattr(machine.host, "name", lambda: "f00d")
    monkeypatch.setattr(machine, "_machine_id", lambda: "12345678")
    assert len(cache.find("detect")) == 1
    monkeypatch.setattr(machine, "_known", {})
    monkeypatch.setenv(machine.IMAGE, "another")
    assert cache.find("detect") == []


@pytest.mark.parametrize("image", ["", "abc"])
def test_in_an_image_files_lose_their_inodes_and_parts_of_seconds(
    cache, built, gcc, monkeypatch, image
):
    monkeypatch.setenv(machine.IMAGE, image)
    text, time = gcc.read_bytes(), gcc.stat().st_mtime_ns
    other = gcc.with_name("packed")
    other.write_bytes(text)
    os.utime(other, ns=(time, time - time % 10**9))
    other.replace(gcc)
    assert [len(cache.find("get", "gcc")), len(cache.find("lib"))] == ([1, 1] if image else [0, 0])


def test_in_an_image_another_time_is_another_file(cache, built, gcc, monkeypatch):
    monkeypatch.setenv(machine.IMAGE, "abc")
    os.utime(gcc, ns=(1, 1))
    assert cache.find("get", "gcc") == []


def test_the_machine_id_is_not_told(cache):
    known = machine.identity()["id"]
    assert len(known) in (0, 8)


def test_what_is_found_instead_is_told(cache, built, gcc):
    upgrade(gcc)
    assert cache.find("get", "gcc") == []
    again = cache.reserve(cache.ask("get", "gcc"))
    assert again.uid == built[0].uid
    cache.publish_env(again, {"CC": str(gcc)}, "13.1", kind="detected")
    assert f"thing found another one: 13.1 ({gcc}), before 12.2 ({gcc})" in cache.said


def test_nothing_is_told_of_the_same_tool(cache, built, gcc):
    os.utime(gcc, ns=(1, 1))
    assert cache.find("get", "gcc") == []
    cache.publish_env(
        cache.reserve(cache.ask("get", "gcc")), {"CC": str(gcc)}, "12.2", kind="detected"
    )
    assert "found another one" not in "\n".join(cache.said)
