"""A shared cache behind the local one: a folder, and a real web server."""

import functools
import http.server
import json
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from cm_cache import host, layout, lookup, offering, upstream, verifying
from cm_cache.exporting import export
from cmcore.config import Settings
from cmcore.errors import StorageError
from cmcore.types import CacheEntry, Request, Reservation

KEY = {"digest": "d", "inputs": {"n": 1}}


class Server:
    """A web server on a folder, which counts what it is asked for and can misbehave."""

    def __init__(self, folder):
        self.asked = []
        self.status = 0
        self.cut = 0
        server = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                if server.status:
                    return self.send_error(server.status)
                if not server.cut:
                    return super().do_GET()
                content = Path(self.translate_path(self.path)).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: server.cut])
                return None

            def log_message(self, *_):
                pass

        handler = functools.partial(Handler, directory=str(folder))
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def shared(tmp_path):
    return tmp_path / "shared"


@pytest.fixture
def server(shared):
    shared.mkdir()
    server = Server(shared)
    yield server
    server.stop()


@pytest.fixture
def behind(new_cache):
    """A cache with shared ones behind it."""

    def make(*places, name="local"):
        cache = new_cache(name)
        cache.ctx.environ = {"CM_SETTING_CACHE_UPSTREAM": json.dumps([str(p) for p in places])}
        cache.ctx._settings = Settings(
            cache.ctx.paths, cache.ctx.environ, lambda: [upstream.SETTING]
        )
        return cache

    return make


def offer(cache, shared, *words, **flags):
    flags = {"to": f"{shared}/", **flags}
    return export(cache.ctx, Request("export", "cache", words, flags))


def state(cache, entry):
    return lookup.state(entry, cache.ctx)


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_entry_is_found_by_key_and_copied_when_it_is_used(cache, behind, shared, server, kind):
    theirs = cache.store("get", "set", files={"f": "x"}, env={"F": "HERE/f"}, kind="data", key=KEY)
    cache.store("get", "set", kind="data", key={**KEY, "inputs": {"n": 2}})
    offer(cache, shared)
    local = behind(shared if kind == "folder" else server.url)
    (found,) = local.find("get", "set", key=KEY)
    assert (found.uid, found.version) == (theirs.uid, theirs.version)
    assert not os.path.exists(local.root)  # looking is not using
    got = state(local, found)
    assert got["new_env"] == {"F": f"{local.root}/{theirs.uid}/f"}
    assert Path(got["new_env"]["F"]).read_text() == "x"
    result = verifying.verify(local.ctx, Request("verify", "cache", (), {"deep": True}))
    assert (result.code, result.data["checked"]) == (0, 1)
    server.asked.clear()
    shutil.rmtree(shared)
    local.restart()
    (again,) = local.find("get", "set", key=KEY)
    assert state(local, again) == got
    assert (server.asked, local.said) == ([], [])


def test_reservation_takes_what_a_shared_cache_has_instead_of_building(cache, behind, shared):
    theirs = cache.store("get", "set", kind="data", key=KEY)
    offer(cache, shared)
    local = behind(shared)
    entry = local.reserve(local.ask("get", "set", key=KEY))
    assert isinstance(entry, CacheEntry)
    assert entry.uid == theirs.uid
    state(local, entry)
    assert isinstance(local.reserve(local.ask("get", "set", key={"digest": "e"})), Reservation)


def test_when_what_is_here_does_not_fit_the_others_are_asked(cache, behind, shared):
    theirs = cache.store("get", "set", kind="data", key=KEY)
    offer(cache, shared)
    local = behind(shared)
    mine = local.store("get", "set", kind="data", key={"digest": "mine"})
    request = local.ask("get", "set", key={"inputs": {}})
    assert lookup.find(local.ctx, request) == [mine]
    (found,) = lookup.find(local.ctx, request._replace(unfit=(mine.uid,)))
    assert found.uid == theirs.uid
    state(local, found)
    # What was copied before is here, and was judged here.
    assert lookup.find(local.ctx, request._replace(unfit=(mine.uid,))) == []
    local.ctx.environ = {}
    assert lookup.find(local.ctx, request._replace(unfit=(mine.uid,))) == []


def test_without_a_digest_in_the_key_tags_decide_when_nothing_is_here(cache, behind, shared):
    theirs = cache.store("get", "set", "_v", kind="data", key=KEY)
    offer(cache, shared)
    local = behind(shared)
    key = {"inputs": {}}
    assert [e.uid for e in local.find("get", "set", key=key)] == [theirs.uid]
    assert local.find("get", "other", key=key) == []
    assert local.find("get", excluded=("_v",), key=key) == []
    assert local.find("get", dialect="mlc", key=key) == []
    assert local.find("get", recipe="00000000000000bb", key=key) == []
    mine = local.store("get", "set", "_v", key=key)
    assert local.find("get", "set", key=key) == [mine]


def test_without_a_digest_all_that_fit_are_given_to_choose_from(cache, behind, shared):
    theirs = [cache.store("set", kind="data", key={**KEY, "n": n}) for n in range(3)]
    offer(cache, shared)
    local = behind(shared)
    assert [e.uid for e in local.find("set", key={"n": 1})] == [e.uid for e in theirs]
    turned_down = local.reserve(local.ask("set", key={**KEY, "n": 2}))
    assert isinstance(turned_down, Reservation)
    local.release(turned_down)
    local.restart()
    assert local.reserve(local.ask("set", key={**KEY, "n": 2})).uid == theirs[2].uid


def test_local_entry_of_the_same_key_comes_first_and_asks_nobody(cache, behind, shared, server):
    cache.store("set", kind="data", key=KEY)
    offer(cache, shared)
    local = behind(server.url)
    mine = local.store("set", key=KEY)
    server.asked.clear()
    assert local.find("set", key=KEY) == [mine]
    assert server.asked == []


def test_lists_are_asked_for_once_per_process(cache, behind, shared, server):
    cache.store("set", kind="data", key=KEY)
    offer(cache, shared)
    local = behind(server.url)
    for number in range(5):
        assert local.find("set", key={"digest": str(number)}) == []
    assert local.find("other", recipe="00000000000000bb", key=KEY) == []
    assert server.asked == ["/index.json", "/recipes/00000000000000aa.json"]


def test_what_an_entry_needs_comes_with_it(cache, behind, shared):
    a = cache.store("a", files={"x": "1"}, key=KEY)
    b = cache.store("b", env={"A": f"{a.path}/x"}, depends=[a.uid], key=KEY)
    offer(cache, shared, "b")
    local = behind(shared)
    (found,) = local.find("b", key=KEY)
    got = state(local, found)["new_env"]["A"]
    assert got == f"{local.root}/{a.uid}/x"
    assert Path(got).read_text() == "1"
    assert set(layout.names(local.root)) == {a.uid, b.uid}


def test_results_and_tools_of_one_machine_are_not_offered(cache, shared, tmp_path):
    cache.store("m", kind="measured")
    cache.store("d", kind="detected")
    built = cache.store("b")
    result = offer(cache, shared)
    assert [e["uid"] for e in result.data["list"]] == [built.uid]
    assert len(result.warnings) == 2
    assert len(os.listdir(shared / "entries")) == 1


def test_what_was_built_on_another_kind_of_machine_is_not_taken(cache, behind, shared, monkeypatch):
    cache.store("tool", key=KEY)
    data = cache.store("set", kind="data", key=KEY)
    offer(cache, shared)
    other = {"os": "debian", "version": "99", "arch": "riscv64"}
    monkeypatch.setattr(host, "identity", lambda: other)
    local = behind(shared)
    assert local.find("tool", key=KEY) == []
    assert [e.uid for e in local.find("set", key=KEY)] == [data.uid]


def test_publishing_again_adds_and_replaces(cache, new_cache, behind, shared):
    one = cache.store("one", kind="data", key=KEY)
    offer(cache, shared)
    other = new_cache("another publisher")
    two = other.store("two", kind="data", key=KEY)
    assert "published 1" in offer(other, shared).view
    assert "published 0" in offer(cache, shared).view
    local = behind(shared)
    assert [e.uid for e in local.find("one", key=KEY)] == [one.uid]
    assert [e.uid for e in local.find("two", key=KEY)] == [two.uid]
    anew = cache.publish(cache.reserve(cache.ask("one", key=KEY), refresh=one), "9")
    assert "published 1" in offer(cache, shared, "one").view
    upstream.reset()
    (found,) = local.find("one", key=KEY)
    assert (found.uid, found.version) == (anew.uid, "9")


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(path.read_bytes()[:700]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"content", b"CONTENT")),
        lambda path: path.unlink(),
    ],
)
def test_file_that_is_not_what_was_announced_is_refused(cache, behind, shared, harm):
    entry = cache.store("set", files={"f": "content"}, kind="data", key=KEY)
    offer(cache, shared)
    harm(shared / "entries" / f"{entry.uid}.tar")
    local = behind(shared)
    (found,) = local.find("set", key=KEY)
    with pytest.raises(StorageError) as raised:
        state(local, found)
    assert str(shared) in str(raised.value)
    assert layout.names(local.root) == []
    assert isinstance(local.reserve(local.ask("set", key=KEY), refresh=found), Reservation)


def test_transfer_that_breaks_off_is_refused(cache, behind, shared, server):
    cache.store("set", files={"f": "x" * 50000}, kind="data", key=KEY)
    offer(cache, shared)
    local = behind(server.url)
    (found,) = local.find("set", key=KEY)
    server.cut = 20000
    with pytest.raises(StorageError, match="entries/"):
        state(local, found)
    assert layout.names(local.root) == []
    server.cut = 0
    state(local, found)
    assert layout.names(local.root) == [found.uid]


def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_shared_cache_that_does_not_answer_is_one_warning_and_no_failure(cache, behind, tmp_path):
    places = [
        f"http://127.0.0.1:{closed_port()}",
        tmp_path / "nowhere",
        "http://no.such.host.invalid",
    ]
    local = behind(*places)
    for tag in ("a", "b", "c"):
        assert local.find(tag, key=KEY) == []
        assert isinstance(local.reserve(local.ask(tag, key=KEY)), Reservation)
    assert len(local.said) == 3
    assert all("is not used" in text for text in local.said)


def test_shared_cache_that_accepts_and_stays_silent_is_given_up(behind, monkeypatch):
    monkeypatch.setattr(upstream, "TIMEOUT", 0.2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        local = behind(f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert local.find("a", key=KEY) == []
        assert local.find("b", key=KEY) == []
    assert len(local.said) == 1
    assert "timed out" in local.said[0]


@pytest.mark.parametrize("status", [403, 404, 500])
def test_shared_cache_that_refuses_is_given_up(behind, server, status):
    server.status = status
    local = behind(server.url)
    assert local.find("a", key=KEY) == []
    assert local.find("b", key=KEY) == []
    assert len(server.asked) == 1
    assert str(status) in local.said[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"<html>", b"\xff\xfe", b'{"format": "x"}', b'{"format":', b"[" * 9999],
)
@pytest.mark.parametrize("name", ["index.json", "recipes/00000000000000aa.json"])
def test_rubbish_in_a_list_is_one_warning(cache, behind, shared, name, content):
    cache.store("set", kind="data", key=KEY)
    offer(cache, shared)
    (shared / name).write_bytes(content)
    local = behind(shared)
    assert local.find("set", key=KEY) == []
    assert len(local.said) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uid", "../../../etc"),
        ("uid", 7),
        ("tags", "set"),
        ("meta", None),
        ("files", [{"uid": "../x", "name": "entries/../x.tar", "sha256": ""}]),
        ("files", [7]),
        ("created", "now"),
        ("class", "measured"),
    ],
)
def test_entry_of_a_list_that_is_none_is_not_offered(cache, behind, shared, field, value):
    cache.store("set", kind="data", key=KEY)
    good = cache.store("set", "two", kind="data", key=KEY)
    offer(cache, shared)
    path = shared / "recipes" / "00000000000000aa.json"
    listed = json.loads(path.read_text())
    for entry in listed["entries"]:
        if entry["uid"] != good.uid:
            entry[field] = value
    path.write_text(json.dumps(listed))
    local = behind(shared)
    assert [e.uid for e in local.find("set", key=KEY)] == [good.uid]


def test_setting_in_the_file_of_settings_counts(cache, new_cache, shared):
    theirs = cache.store("set", kind="data", key=KEY)
    offer(cache, shared)
    local = new_cache("with a file")
    os.makedirs(local.ctx.paths.home)
    with open(local.ctx.paths.config_file, "w") as file:
        json.dump({"cache.upstream": [str(shared)]}, file)
    local.ctx._settings = Settings(local.ctx.paths, {}, lambda: [upstream.SETTING])
    assert [e.uid for e in local.find("set", key=KEY)] == [theirs.uid]


def test_processes_that_use_the_same_entry_copy_it_once(cache, behind, shared, server):
    cache.store("set", files={"f": "x" * 10000}, kind="data", key=KEY)
    offer(cache, shared)
    local = behind(server.url)
    (found,) = local.find("set", key=KEY)
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                state(local, found)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    assert len([path for path in server.asked if path.endswith(".tar")]) == 1


def test_names_of_lists_are_plain_files():
    assert offering.file_name("../x/y") == "..%2Fx%2Fy.json"
    assert offering.file_name("") == "none.json"
