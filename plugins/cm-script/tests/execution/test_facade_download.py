from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cm_script.facade.archive import unzip_file
from cm_script.facade.download import download_file

DATA = bytes(range(256)) * 1024


class Server(ThreadingHTTPServer):
    """Serves `DATA`; breaks off after `limit` bytes as often as `breaks` says."""

    breaks = 0
    limit = 100_000
    tag = '"one"'
    ranges: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path.startswith("/gone"):
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = 0
        if asked and self.headers.get("If-Range") == self.server.tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        body = DATA[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", self.server.tag)
        if self.path.startswith("/named"):
            self.send_header("Content-Disposition", 'attachment; filename="../real name.bin"')
        self.end_headers()
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: self.server.limit]
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.ranges = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def url(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return f"http://127.0.0.1:{server.server_port}"


def test_a_file_arrives_under_the_name_in_the_address(work, url):
    (work / "data.bin").write_text("older")
    answer = download_file({"url": f"{url}/sub/data.bin?x=1"})
    path = str(work / "data.bin")
    assert answer == {"return": 0, "filename": "data.bin", "path": path, "size": len(DATA)}
    assert (work / "data.bin").read_bytes() == DATA
    assert os.listdir(work) == ["data.bin"]


def test_the_server_or_the_caller_may_name_it(work, url, tmp_path):
    assert download_file({"url": f"{url}/named"})["path"] == str(work / "real name.bin")
    answer = download_file({"url": f"{url}/named", "filename": "mine", "path": str(tmp_path / "n")})
    assert answer["path"] == str(tmp_path / "n" / "mine")
    assert download_file({"url": f"{url}/"})["return"] == 1


def test_a_broken_connection_is_taken_up_where_it_broke(work, url, server):
    server.breaks = 2
    assert download_file({"url": f"{url}/data.bin"})["return"] == 0
    assert (work / "data.bin").read_bytes() == DATA
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_an_interrupted_download_goes_on_in_the_next_run(work, url, server):
    server.breaks = 99
    server.limit = 10
    answer = download_file({"url": f"{url}/data.bin"})
    assert answer["return"] == 1
    assert "broke after" in answer["error"]
    assert not (work / "data.bin").exists()
    server.breaks = 0
    assert download_file({"url": f"{url}/data.bin"})["return"] == 0
    assert server.ranges[-1] == "bytes=40-"
    assert (work / "data.bin").read_bytes() == DATA


def test_a_part_of_another_version_of_the_file_is_not_used(work, url, server):
    server.breaks = 99
    download_file({"url": f"{url}/data.bin"})
    server.breaks = 0
    server.tag = '"two"'
    assert download_file({"url": f"{url}/data.bin"})["return"] == 0
    assert (work / "data.bin").read_bytes() == DATA


def test_digest_and_size_are_checked(work, url):
    good = hashlib.sha256(DATA).hexdigest()
    ask = {"url": f"{url}/data.bin"}
    assert download_file({**ask, "sha256": good, "size": len(DATA)})["return"] == 0
    answer = download_file({**ask, "md5sum": "0" * 32})
    assert answer["return"] == 1
    assert "md5" in answer["error"]
    assert "0" * 32 in answer["error"]
    assert "5 were expected" in download_file({**ask, "size": 5})["error"]


def test_failures_are_told_plainly(work, url, server):
    assert "404" in download_file({"url": f"{url}/gone"})["error"]
    assert "scheme" in download_file({"url": "no-url"})["error"]
    port = server.server_port
    answer = download_file({"url": "http://127.0.0.1:1/x"})
    assert (answer["return"], port != 1) == (1, True)
    assert "refused" in answer["error"].lower()
    assert os.listdir(work) == []


def archive(path, members: dict[str, str], mode: int = 0o644) -> str:
    with zipfile.ZipFile(path, "w") as made:
        for name, text in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, text)
    return str(path)


def test_an_archive_is_unpacked_with_its_permissions(work, tmp_path):
    name = archive(tmp_path / "a.zip", {"top/bin/tool": "x", "top/empty/": "", "top/é": "y"}, 0o755)
    assert unzip_file({"filename": name}) == {"return": 0}
    assert (work / "top/bin/tool").read_text() == "x"
    assert stat.S_IMODE((work / "top/bin/tool").stat().st_mode) == 0o755
    assert (work / "top/empty").is_dir()
    assert (work / "top/é").exists()


def test_leading_folders_can_be_left_out(work, tmp_path):
    name = archive(tmp_path / "a.zip", {"top/": "", "top/bin/tool": "x", "readme": "gone"})
    unzip_file({"filename": name, "strip_folders": 1, "path": str(work / "here")})
    assert (work / "here/bin/tool").read_text() == "x"
    assert os.listdir(work / "here") == ["bin"]


@pytest.mark.parametrize("member", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:/evil"])
def test_an_archive_that_reaches_outside_is_refused_as_a_whole(work, tmp_path, member):
    name = archive(tmp_path / "a.zip", {"good": "x", member: "y"})
    answer = unzip_file({"filename": name})
    assert answer["return"] == 1
    assert "would land outside" in answer["error"]
    assert os.listdir(work) == []


def test_a_link_in_the_way_is_not_followed(work, tmp_path):
    (tmp_path / "victim").write_text("safe")
    (work / "x").symlink_to(tmp_path / "victim")
    unzip_file({"filename": archive(tmp_path / "a.zip", {"x": "new"})})
    assert (tmp_path / "victim").read_text() == "safe"
    assert (work / "x").read_text() == "new"


def test_what_is_no_archive_is_told(work, tmp_path):
    assert "was not found" in unzip_file({"filename": "no.zip"})["error"]
    (tmp_path / "x.zip").write_bytes(b"PK no")
    assert "cannot be unpacked" in unzip_file({"filename": str(tmp_path / "x.zip")})["error"]
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as made:
        made.writestr("a", "x" * 1000)
    (tmp_path / "cut.zip").write_bytes(whole.getvalue()[:60])
    assert unzip_file({"filename": str(tmp_path / "cut.zip")})["return"] == 1
