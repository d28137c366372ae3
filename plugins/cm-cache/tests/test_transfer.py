"""`cm export|import cache`: to another machine and back, and what hostile files achieve."""

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cm_cache import archive, exporting, importing, layout, unpacking
from cmcore.errors import NotFoundError, StorageError, UsageError
from cmcore.types import Request


def export(cache, *words, to, **flags):
    return exporting.export(cache.ctx, Request("export", "cache", words, {"to": str(to), **flags}))


def load(cache, *paths):
    return importing.import_command(
        cache.ctx, Request("import", "cache", tuple(map(str, paths)), {})
    )


def tree(folder, skip=()):
    """Everything in a folder: kinds, rights, contents and times, without the cache's own files."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            rel = os.path.relpath(path, folder)
            if rel.startswith(layout.HIDDEN) or rel in (*layout.OWN, *skip):
                continue
            if os.path.islink(path):
                found[rel] = "link", os.readlink(path)
            elif os.path.isdir(path):
                found[rel] = "folder", stat.S_IMODE(os.stat(path).st_mode)
            else:
                with open(path, "rb") as file:
                    about = os.stat(path)
                    found[rel] = stat.S_IMODE(about.st_mode), about.st_mtime_ns, file.read()
    return found


@pytest.fixture
def other(new_cache):
    return new_cache("other machine")


def everything(cache):
    """All there is in a cache folder, for comparing."""
    found = {}
    for parent, folders, files in os.walk(cache.root):
        folders[:] = [name for name in folders if name != layout.INDEX]
        for name in files:
            with open(os.path.join(parent, name), "rb") as file:
                found[os.path.join(parent, name)] = file.read()
        if parent != cache.root:
            found[parent] = b""
    return found


def test_entry_arrives_whole_with_its_values_pointing_to_its_new_place(cache, other, tmp_path):
    run = {"id": "r"}
    files = {"bin/tool": "#!/bin/sh\nexec HERE/lib/x\n", "lib/x": b"\x7fELF\0HERE", "empty": ""}
    env = {"TOOL": "HERE/bin/tool", "+CFLAGS": "-IHERE/include", "N": "1"}
    entry = cache.store("get", "tool", "_v", files=files, env=env, run=run)
    os.chmod(os.path.join(entry.path, "bin/tool"), 0o755)
    os.mkdir(os.path.join(entry.path, "hollow"))
    os.symlink("../lib/x", os.path.join(entry.path, "bin/link"))
    os.symlink(os.path.join(entry.path, "lib"), os.path.join(entry.path, "absolute"))
    result = export(cache, "get tool", to=tmp_path / "x.tar")
    assert result.data["list"] == [{"uid": entry.uid, "tags": ["get", "tool", "_v"]}]
    shutil.rmtree(cache.root)

    assert [e["uid"] for e in load(other, tmp_path / "x.tar").data["imported"]] == [entry.uid]
    (found,) = other.find("get", "tool", "_v")
    here = found.path
    assert found.uid == entry.uid
    assert here.startswith(other.root)
    assert other.state(found)["new_env"] == {
        "TOOL": f"{here}/bin/tool",
        "+CFLAGS": f"-I{here}/include",
        "N": "1",
    }
    assert tree(here)["bin/tool"][0] == 0o755
    with open(os.path.join(here, "bin/tool")) as file:
        assert file.read() == f"#!/bin/sh\nexec {here}/lib/x\n"
    with open(os.path.join(here, "lib/x"), "rb") as file:
        assert file.read() == b"\x7fELF\0HERE"
    assert os.readlink(os.path.join(here, "bin/link")) == "../lib/x"
    assert os.readlink(os.path.join(here, "absolute")) == os.path.join(here, "lib")
    assert os.path.isdir(os.path.join(here, "hollow"))
    assert found.meta["run"] == run
    assert found.meta["imported"]["from"] == "x.tar"
    assert found.meta["key_digest"] == entry.meta["key_digest"]


def test_data_arrives_byte_for_byte_and_still_verifies(cache, other, tmp_path):
    entry = cache.store("set", files={"f": "path HERE/x\n", "g": os.urandom(99)}, kind="data")
    before = tree(entry.path)
    export(cache, entry.uid, to=tmp_path / "x.tar")
    load(other, tmp_path / "x.tar")
    (found,) = other.find("set")
    assert tree(found.path) == before
    from cm_cache import verifying

    result = verifying.verify(other.ctx, Request("verify", "cache", (), {"deep": True}))
    assert (result.code, result.data["checked"]) == (0, 1)


def test_closure_brings_what_is_needed_and_names_what_is_gone(cache, other, tmp_path):
    a = cache.store("a", files={"bin/x": "1"})
    b = cache.store("b", env={"A": f"{a.path}/bin/x"}, depends=[a.uid])
    c = cache.store(
        "c", files={"env.sh": f"PATH={a.path}/bin:{b.path}\n"}, depends=[b.uid, "f" * 16]
    )
    os.symlink(os.path.join(b.path, "payload"), os.path.join(c.path, "to-b"))
    alone = export(cache, "c", to=tmp_path / "c.tar")
    assert [e["uid"] for e in alone.data["list"]] == [c.uid]
    result = export(cache, "c", to=tmp_path / "all.tar", closure=True)
    assert [e["uid"] for e in result.data["list"]] == [a.uid, b.uid, c.uid]
    assert "f" * 16 in result.warnings[0]
    load(other, tmp_path / "all.tar")
    (found,) = other.find("c")
    with open(os.path.join(found.path, "env.sh")) as file:
        assert file.read() == f"PATH={other.root}/{a.uid}/bin:{other.root}/{b.uid}\n"
    assert os.readlink(os.path.join(found.path, "to-b")) == f"{other.root}/{b.uid}/payload"
    assert other.state(other.find("b")[0])["new_env"] == {"A": f"{other.root}/{a.uid}/bin/x"}


def test_entry_of_a_moved_cache_is_exported_with_todays_paths(cache, new_cache, other, tmp_path):
    entry = cache.store("a", env={"P": "HERE/x"}, files={"s.sh": "HERE/x"})
    moved = new_cache("moved")
    os.makedirs(moved.ctx.paths.home)
    os.rename(cache.root, moved.root)
    export(moved, "a", to=tmp_path / "x.tar")
    load(other, tmp_path / "x.tar")
    (found,) = other.find("a")
    assert other.state(found)["new_env"] == {"P": f"{other.root}/{entry.uid}/x"}
    with open(os.path.join(found.path, "s.sh")) as file:
        assert file.read() == f"{other.root}/{entry.uid}/x"


def test_what_is_here_is_recognised_by_uid_and_by_key(cache, other, tmp_path):
    entry = cache.store("a", key={"n": 1})
    export(cache, to=tmp_path / "x.tar")
    mine = other.store("a", key={"n": 1})
    result = load(other, tmp_path / "x.tar")
    assert (result.data["imported"], [e["uid"] for e in result.data["known"]]) == ([], [mine.uid])
    shutil.rmtree(mine.path)
    assert len(load(other, tmp_path / "x.tar").data["imported"]) == 1
    again = load(other, tmp_path / "x.tar")
    assert (again.data["imported"], again.data["known"][0]["uid"]) == ([], entry.uid)
    assert "already here" in again.view


def test_entry_with_the_same_uid_and_other_content_stops_the_import(cache, other, tmp_path):
    entry = cache.store("a", key={"n": 1})
    export(cache, to=tmp_path / "x.tar")
    load(other, tmp_path / "x.tar")
    other.alter(other.find("a")[0], key_digest="0" * 64)
    before = everything(other)
    with pytest.raises(StorageError, match="holds something else"):
        load(other, tmp_path / "x.tar")
    os.unlink(os.path.join(other.root, entry.uid, layout.STATE))
    with pytest.raises(StorageError, match="is here already, but damaged"):
        load(other, tmp_path / "x.tar")
    assert set(before) - set(everything(other)) == {
        os.path.join(other.root, entry.uid, layout.STATE)
    }


def test_links_out_of_the_cache_are_refused_or_left_out(cache, other, tmp_path):
    entry = cache.store("a")
    os.symlink("/bin/sh", os.path.join(entry.path, "sh"))
    os.symlink("../../..", os.path.join(entry.path, "up"))
    with pytest.raises(StorageError, match="link out of the cache") as raised:
        export(cache, to=tmp_path / "x.tar")
    assert "--skip-links" in str(raised.value.hint)
    assert os.listdir(tmp_path) == ["home"]
    export(cache, to=tmp_path / "x.tar", skip_links=True)
    load(other, tmp_path / "x.tar")
    assert {"sh", "up"}.isdisjoint(os.listdir(os.path.join(other.root, entry.uid)))


def test_link_to_a_needed_entry_is_taken_along_even_without_it(cache, other, tmp_path):
    a = cache.store("a")
    b = cache.store("b", depends=[a.uid])
    os.symlink(f"../{a.uid}/payload", os.path.join(b.path, "relative"))
    export(cache, "b", to=tmp_path / "x.tar")
    load(other, tmp_path / "x.tar")
    link = os.path.join(other.root, b.uid, "relative")
    assert os.readlink(link) == os.path.join(other.root, a.uid, "payload")


def test_damaged_data_is_not_exported(cache, tmp_path):
    entry = cache.store("set", files={"f": "content"}, kind="data")
    with open(os.path.join(entry.path, "f"), "w") as file:
        file.write("CONTENT")
    with pytest.raises(StorageError, match="f is not what was stored"):
        export(cache, to=tmp_path / "x.tar")
    assert os.listdir(tmp_path) == ["home"]


def test_export_needs_a_target_that_is_free(cache, tmp_path):
    cache.store("a")
    (tmp_path / "x.tar").write_text("mine")
    with pytest.raises(UsageError, match="--to="):
        exporting.export(cache.ctx, Request("export", "cache", (), {}))
    with pytest.raises(UsageError, match="there already"):
        export(cache, to=tmp_path / "x.tar")
    with pytest.raises(NotFoundError):
        export(cache, "nothing", to=tmp_path / "y.tar")
    assert (tmp_path / "x.tar").read_text() == "mine"
    export(cache, to=tmp_path / "x.tar", f=True)
    assert tarfile.is_tarfile(tmp_path / "x.tar")
    with pytest.raises(StorageError):
        export(cache, to="/proc/x.tar")


def test_import_needs_a_file_that_can_be_read(cache, tmp_path):
    with pytest.raises(UsageError, match="--foreign"):
        load(cache)
    with pytest.raises(StorageError, match="cannot read the file: No such file"):
        load(cache, tmp_path / "none.tar")
    assert not os.path.exists(cache.root)


@pytest.fixture
def exported(cache, tmp_path):
    """An archive, as bytes, of an entry with a little of everything, and its UID."""
    entry = cache.store("a", files={"d/f": "x" * 3000, "g": "y"}, env={"P": "HERE"}, kind="data")
    os.symlink("d/f", os.path.join(entry.path, "link"))
    export(cache, to=tmp_path / "x.tar")
    return (tmp_path / "x.tar").read_bytes(), entry.uid


def refused(other, path, content):
    """Importing these bytes says why not and changes nothing."""
    before = everything(other)
    path.write_bytes(content)
    with pytest.raises(StorageError) as raised:
        load(other, path)
    assert "\n" not in str(raised.value)
    assert everything(other) == before
    assert other.find("a") == []
    return str(raised.value)


def test_truncated_anywhere_changes_nothing(exported, other, tmp_path):
    content, _ = exported
    other.store("mine")
    end = content.rindex(b"manifest.json")
    for length in (*range(0, len(content), 700), end - 1, end + 600, content.rindex(b"}") - 1):
        if length <= content.rindex(b"}"):
            refused(other, tmp_path / "cut.tar", content[:length])


def test_changed_anywhere_imports_the_same_or_nothing(exported, other, tmp_path):
    content, uid = exported
    os.makedirs(other.root)
    for place in range(0, content.rindex(b"}"), 97):
        spoiled = bytearray(content)
        spoiled[place] ^= 0x55
        path = tmp_path / "spoiled.tar"
        path.write_bytes(spoiled)
        before = everything(other)
        try:
            load(other, path)
        except StorageError as error:
            assert "\n" not in str(error)  # noqa: PT017  # either of two ends is right
            assert everything(other) == before
            continue
        (found,) = [e for e in os.listdir(other.root) if not e.startswith(".")]
        # What no digest covers is where a file stands in the tar, its owner and the like.
        folder = os.path.join(other.root, found)
        with open(os.path.join(folder, "d/f"), "rb") as file:
            assert file.read() == b"x" * 3000
        assert found == uid
        shutil.rmtree(folder)
        other.restart()


def rebuilt(content, change=lambda manifest: None, members=()):
    """The archive with another manifest and further members."""
    target = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as old,
        tarfile.open(fileobj=target, mode="w") as new,
    ):
        for member in old:
            file = old.extractfile(member)
            if member.name != archive.MANIFEST:
                new.addfile(member, file)
                continue
            manifest = json.load(file)
            change(manifest)
        for member, text in members:
            member.size = len(text)
            new.addfile(member, io.BytesIO(text))
        info, text = tarfile.TarInfo(archive.MANIFEST), json.dumps(manifest).encode()
        info.size = len(text)
        new.addfile(info, io.BytesIO(text))
    return target.getvalue()


def test_rebuilt_archive_is_the_same(exported, other, tmp_path):
    path = tmp_path / "same.tar"
    path.write_bytes(rebuilt(exported[0]))
    assert len(load(other, path).data["imported"]) == 1


HOSTILE = [
    "../evil",
    "/etc/evil",
    "a/../../evil",
    "..",
    ".",
    "",
    "a//b",
    "a/",
    "./a",
    "a\0b",
    "a\\..\\b",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["files", "folders", "links"])
def test_names_that_lead_out_are_refused(exported, other, tmp_path, name, kind):
    content, uid = exported

    def change(manifest):
        about = {
            "files": [hashlib.sha256(b"x").hexdigest(), 1, 0, 0o644],
            "folders": 0o755,
            "links": "g",
        }
        manifest["entries"][0][kind][name] = about[kind]

    member = tarfile.TarInfo(f"{archive.ENTRIES}{uid}/{name}")
    text = refused(other, tmp_path / "x.tar", rebuilt(content, change, [(member, b"x")]))
    assert "outside" in text or "missing" in text
    assert not os.path.exists(tmp_path / "evil")


@pytest.mark.parametrize(
    "target",
    [
        *("/etc/passwd", "..", "../x", "d/../../x", "link/../../x", "", 7, "a\0b"),
        *("cache:../x", "cache:" + "f" * 16, "cache:.index/x"),
    ],
)
def test_links_that_lead_out_are_refused(exported, other, tmp_path, target):
    content, _ = exported

    def change(manifest):
        manifest["entries"][0]["links"]["bad"] = target

    assert "leads out" in refused(other, tmp_path / "x.tar", rebuilt(content, change))


def test_file_through_a_link_is_refused(exported, other, tmp_path):
    content, uid = exported

    def change(manifest):
        entry = manifest["entries"][0]
        entry["links"]["door"] = "d"
        entry["files"]["door/f2"] = [hashlib.sha256(b"x").hexdigest(), 1, 0, 0o644]

    member = tarfile.TarInfo(f"{archive.ENTRIES}{uid}/door/f2")
    refused(other, tmp_path / "x.tar", rebuilt(content, change, [(member, b"x")]))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_members_that_are_no_plain_files_are_refused(exported, other, tmp_path, kind):
    content, uid = exported
    member = tarfile.TarInfo(f"{archive.ENTRIES}{uid}/special")
    member.type, member.linkname = kind, "/etc/passwd"
    text = refused(other, tmp_path / "x.tar", rebuilt(content, members=[(member, b"")]))
    assert "does not name" in text


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(format="zip"),
        lambda m: m.update(version=2),
        lambda m: m.update(entries={}),
        lambda m: m.update(entries=[7]),
        lambda m: m["entries"].append(m["entries"][0]),
        lambda m: m["entries"][0].update(uid="../../etc/passwd"),
        lambda m: m["entries"][0].update(uid="." * 16),
        lambda m: m["entries"][0].update(uid=None),
        lambda m: m["entries"][0].update(files=[]),
        lambda m: m["entries"][0].pop("links"),
        lambda m: m["entries"][0].update(depends=None),
        lambda m: m["entries"][0]["folders"].update(d=0o4755),
        lambda m: m["entries"][0]["files"]["g"].__setitem__(3, 0o4755),
        lambda m: m["entries"][0]["files"]["g"].__setitem__(0, "0" * 64),
        lambda m: m["entries"][0]["files"]["g"].__setitem__(1, 2),
        lambda m: m["entries"][0]["files"].pop("g"),
    ],
)
def test_manifest_that_is_none_is_refused(exported, other, tmp_path, change):
    text = refused(other, tmp_path / "x.tar", rebuilt(exported[0], change))
    assert "archive" in text


def test_import_killed_on_the_way_leaves_nothing_to_be_seen(exported, other, tmp_path, monkeypatch):
    content, _ = exported
    (tmp_path / "x.tar").write_bytes(content)
    pid = os.fork()
    if pid == 0:
        monkeypatch.setattr(importing, "move_in", lambda *_: os.kill(os.getpid(), 9))
        load(other, tmp_path / "x.tar")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 9
    assert other.find("a") == []
    assert [name for name in os.listdir(other.root) if name.startswith(layout.ARRIVING)]
    assert len(load(other, tmp_path / "x.tar").data["imported"]) == 1


def test_full_disk_changes_nothing(exported, other, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unpacking.Archive, "finish", full)
    text = refused(other, tmp_path / "x.tar", exported[0])
    assert "No space left" in text


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"),
    min_size=1,
    max_size=12,
).filter(
    lambda n: n not in (".", "..") and not n.startswith((".cm-", "tmp-")) and len(n.encode()) < 99
)
contents = st.binary(max_size=300)
trees = st.recursive(
    st.dictionaries(names, contents, max_size=4),
    lambda inner: st.dictionaries(names, inner | contents, max_size=3),
    max_leaves=8,
)


def write_tree(folder, data):
    for name, content in data.items():
        path = os.path.join(folder, name)
        if isinstance(content, dict):
            os.makedirs(path, exist_ok=True)
            write_tree(path, content)
        else:
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, 0o644 if len(content) % 2 else 0o755)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=trees, kind=st.sampled_from(["data", "built"]), undecodable=st.booleans())
def test_round_trip_of_any_tree(new_cache, tmp_path, data, kind, undecodable):
    number = len(os.listdir(tmp_path))
    here, there = new_cache(f"here-{number}"), new_cache(f"there-{number}")
    reservation = here.reserve(here.ask("a", key={"class": kind}), fresh=True)
    own = set(os.listdir(reservation.path)) | {"payload", *layout.OWN}
    write_tree(reservation.path, {k: v for k, v in data.items() if k not in own})
    if undecodable:
        with open(os.path.join(os.fsencode(reservation.path), b"\xff\xfe"), "wb") as file:
            file.write(b"odd")
    entry = here.publish(reservation)
    before = tree(entry.path)
    path = tmp_path / f"{number}.tar"
    export(here, to=path)
    load(there, path)
    (found,) = there.find("a")
    assert tree(found.path) == before
    back = tmp_path / f"back-{number}.tar"
    export(there, to=back)
    shutil.rmtree(here.root)
    here.restart()
    load(here, back)
    assert tree(here.find("a")[0].path) == before


@given(st.text(max_size=12) | st.sampled_from(HOSTILE))
def test_safe_names_stay_below(name):
    if archive.safe(name):
        base = "/base/folder"
        path = os.path.normpath(os.path.join(base, name))
        assert path.startswith(base + "/")
        assert path == f"{base}/{name}"


parts = st.sampled_from(["a", "b", "..", ".", "", "c:"])


@given(st.lists(parts, max_size=4), st.lists(parts, max_size=6))
def test_safe_links_stay_below_whatever_their_folders_are(rel, target):
    rel, target = "/".join(rel), "/".join(target)
    if archive.safe(rel) and unpacking.safe_link(rel, target, ()):
        at = os.path.dirname(os.path.join("/base/folder", rel))
        end = os.path.normpath(os.path.join(at, target))
        assert end == "/base/folder" or end.startswith("/base/folder/")
        assert ".." not in target.lstrip("./").split("/")


@pytest.mark.parametrize("key", ["uid", "root", "tags", "key_digest", "depends", "files", "links"])
def test_a_manifest_that_lacks_a_key_is_refused(exported, other, tmp_path, key):
    for spoil in (lambda entry: entry.pop(key), lambda entry: entry.update({key: 7})):
        spoiled = rebuilt(exported[0], lambda manifest, s=spoil: s(manifest["entries"][0]))
        refused(other, tmp_path / "spoiled.tar", spoiled)
