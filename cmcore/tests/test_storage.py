import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from cmcore import storage
from cmcore.errors import StorageError
from cmcore.locking import Lock

sys.path.insert(0, os.path.dirname(__file__))

from artifact_kit import in_child, killed_at


def test_replacing_keeps_the_mode_and_the_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    storage.write_atomic(str(link), "new ü")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new ü"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_a_kill_leaves_the_old_or_the_new_file(tmp_path):
    path = tmp_path / "file"
    for number in range(1, 50):
        path.write_text("old" * 1000)
        died = killed_at(number, lambda: storage.write_atomic(str(path), "new" * 1000))
        assert path.read_text() in ("old" * 1000, "new" * 1000)
        if not died:
            assert path.read_text() == "new" * 1000
            assert number > 4
            return
    raise AssertionError("never through")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_failing_system_calls_name_path_and_remedy(tmp_path, monkeypatch, code):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", fail)
    for write in (storage.write_atomic, storage.append_line):
        with pytest.raises(StorageError) as caught:
            write(str(path), "new")
        assert caught.value.where == str(path)
        assert caught.value.hint
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StorageError, match="No such file") as caught:
        storage.write_atomic(str(tmp_path / "no" / "file"), "x")
    assert caught.value.where.endswith("no/file")


def test_a_line_after_a_torn_one_stands_alone(tmp_path):
    path = tmp_path / "log"
    storage.append_line(str(path), "one")
    with path.open("a") as file:
        file.write("torn")
    storage.append_line(str(path), "two\nlines")
    assert path.read_text() == "one\ntorn\ntwo lines\n"


def test_appending_from_many_processes_loses_nothing(tmp_path):
    path = str(tmp_path / "log")

    def work(number):
        for line in range(50):
            storage.append_line(path, f"{number}-{line}")

    children = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            work(number)
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    with open(path) as file:
        assert sorted(file) == sorted(f"{n}-{i}\n" for n in range(4) for i in range(50))


def test_json_errors_name_the_place(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"a": 1,\n "b": }')
    with pytest.raises(StorageError) as caught:
        storage.read_json(str(path))
    assert caught.value.where == f"{path}:2:7"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert storage.read_json(str(path)) == [1]
    path.write_bytes(b'"\xff"')
    with pytest.raises(StorageError, match="UTF-8"):
        storage.read_json(str(path))
    with pytest.raises(StorageError):
        storage.read_json(str(tmp_path / "none"))


def test_renaming_never_replaces_what_has_content(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_text("")
    with pytest.raises(FileExistsError):
        storage.rename(str(tmp_path / "a"), str(tmp_path / "b"))
    storage.rename(str(tmp_path / "a"), str(tmp_path / "c"))
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]


def test_removing_takes_everything_or_nothing_away(tmp_path):
    for number in range(1, 30):
        tree = tmp_path / "tree"
        (tree / "sub").mkdir(parents=True, exist_ok=True)
        (tree / "sub" / "file").write_text("x")
        (tree / "other").write_text("x")
        died = killed_at(number, lambda: storage.remove_tree(str(tmp_path / "tree")))
        if tree.exists():
            assert (tree / "sub" / "file").exists()
            assert (tree / "other").exists()
        if not died:
            assert not tree.exists()
            assert number > 2
            return
    raise AssertionError("never through")


def test_removing_a_link_keeps_its_target(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    storage.remove_tree(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["target"]


def test_locks_exclude_and_tell_for_whom_one_waits(tmp_path):
    path = str(tmp_path / "locks" / "x.lock")
    told = []
    code = (
        "import sys, time; from cmcore.storage import lock\n"
        f"with lock({path!r}, what='the thing'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout.readline() == b"held\n"
        began = time.monotonic()
        with (
            pytest.raises(StorageError, match=f"process {holder.pid}") as caught,
            storage.lock(path, what="the thing", timeout=0.2, on_wait=told.append),
        ):
            raise AssertionError("two holders")
        assert time.monotonic() - began >= 0.2
        assert caught.value.where == path
        assert len(told) == 1
        assert f"process {holder.pid}" in told[0]
        assert "the thing" in told[0]
        holder.stdin.close()
        holder.wait()
    with storage.lock(path, what="the thing", timeout=0) as held:
        assert held.previous is None
        assert held.owner().pid == os.getpid()
    assert held.owner() is None


def test_the_lock_of_a_killed_owner_is_free_and_he_is_known(tmp_path):
    path = str(tmp_path / "x.lock")

    def die():
        with storage.lock(path, what="x"):
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(die) == -signal.SIGKILL
    with storage.lock(path, what="x", timeout=0) as held:
        assert held.previous is not None
        assert held.previous.pid != os.getpid()


@pytest.mark.parametrize("suffix", ["", ".owner"])
@pytest.mark.parametrize("how", ["folder", "forbidden"])
def test_what_stands_where_a_lock_file_belongs_stops_nobody(tmp_path, how, suffix, monkeypatch):
    path = str(tmp_path / "x.lock")
    if how == "folder":
        os.mkdir(path + suffix)
    else:
        # Root may open everything, so that the system's answer is given here.
        open(path + suffix, "w").close()
        os.chmod(path + suffix, 0)
        plain = os.open

        def refuse(name, *more, **options):
            if str(name) == path + suffix and not os.stat(name).st_mode & 0o600:
                raise PermissionError(13, "Permission denied", name)
            return plain(name, *more, **options)

        monkeypatch.setattr(os, "open", refuse)
    with storage.lock(path, what="x", timeout=0) as held:
        assert held.owner().pid == os.getpid()
        other = "from cmcore.storage import lock; lock({!r}, what='x', timeout=0).__enter__()"
        done = subprocess.run([sys.executable, "-c", other.format(path)], check=False)
        assert done.returncode != 0


def test_what_somebody_keeps_in_place_of_a_lock_file_stays(tmp_path):
    path = tmp_path / "x.lock"
    path.mkdir()
    (path / "thesis").touch()
    with pytest.raises(StorageError, match="cannot lock it"), storage.lock(str(path), what="it"):
        pytest.fail("locked")
    assert (path / "thesis").exists()


def test_a_lock_is_given_back_after_an_error(tmp_path):
    path = str(tmp_path / "x.lock")
    with pytest.raises(ValueError, match="inside"), storage.lock(path, what="x"):
        raise ValueError("inside")
    with storage.lock(path, what="x", timeout=0):
        pass


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_file_systems_without_locks_are_refused(tmp_path, monkeypatch, code):
    import fcntl

    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StorageError) as caught, storage.lock(str(tmp_path / "x"), what="it"):
        pass
    assert "cannot lock it: the file system does not support locks" in str(caught.value)
    assert caught.value.where == str(tmp_path / "x")
    assert caught.value.hint


def test_a_garbled_owner_file_is_no_obstacle(tmp_path):
    path = tmp_path / "x.lock"
    for text in ("", "{", "[]", json.dumps({"pid": "x"})):
        (tmp_path / "x.lock.owner").write_text(text)
        with Lock(str(path), what="x", timeout=0) as held:
            assert held.previous is None


def test_what_is_no_regular_file_is_written_to_and_stays_what_it_is(tmp_path):
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    storage.write_atomic(str(pipe), "x" * 100_000)
    reader.join(10)
    assert got == [b"x" * 100_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
