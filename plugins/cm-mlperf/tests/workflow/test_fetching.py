"""Downloads: resumed, refused, gated; nothing wrong is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from cm_mlperf.workflow import fetch
from cmcore.errors import CmError

DATA = bytes(range(256)) * 4096
MD5 = hashlib.md5(DATA).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def served(files: Any) -> Any:
    files.files = {"/file": DATA, "/gated/file": DATA}
    return files


@pytest.mark.parametrize("digest", ["", MD5, SHA256, SHA256.upper(), f" {MD5}\n".strip()])
def test_a_file_arrives(served: Any, tmp_path: Path, digest: str) -> None:
    target = tmp_path / "model"
    assert fetch.into(str(target), [served.url("/file")], digest) == SHA256
    assert target.read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_broken_connection_goes_on_where_it_stopped(served: Any, tmp_path: Path) -> None:
    served.breaks = 2
    target = tmp_path / "model"
    fetch.into(str(target), [served.url("/file")], MD5)
    assert target.read_bytes() == DATA
    ranges = [asked for _, asked, _ in served.asked]
    half, quarter = len(DATA) // 2, len(DATA) // 4
    assert ranges == ["", f"bytes={half}-", f"bytes={half + quarter}-"]


def test_an_interrupted_download_goes_on_in_the_next_run(served: Any, tmp_path: Path) -> None:
    served.breaks = 4
    target = tmp_path / "model"
    with pytest.raises(CmError, match="the next run goes on there"):
        fetch.into(str(target), [served.url("/file")], MD5)
    assert not target.exists()
    kept = (tmp_path / "model.part").stat().st_size
    assert 0 < kept < len(DATA)
    served.asked.clear()
    fetch.into(str(target), [served.url("/file")], MD5)
    assert served.asked[0][1] == f"bytes={kept}-"
    assert target.read_bytes() == DATA


def test_a_file_that_changed_meanwhile_is_fetched_anew(served: Any, tmp_path: Path) -> None:
    served.breaks = 4
    target = tmp_path / "model"
    with pytest.raises(CmError):
        fetch.into(str(target), [served.url("/file")], "")
    served.tag, served.files["/file"] = '"two"', DATA[::-1]
    fetch.into(str(target), [served.url("/file")], "")
    assert target.read_bytes() == DATA[::-1]


def test_another_digest_keeps_nothing_and_tells_both(served: Any, tmp_path: Path) -> None:
    wanted = "0" * 32
    with pytest.raises(CmError) as refused:
        fetch.into(str(tmp_path / "model"), [served.url("/file")], wanted)
    assert MD5 in str(refused.value)
    assert wanted in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_digest_of_another_kind_is_refused_before_anything(served: Any, tmp_path: Path) -> None:
    with pytest.raises(CmError, match="no MD5, SHA-1 or SHA-256"):
        fetch.into(str(tmp_path / "model"), [served.url("/file")], "abc")
    assert not served.asked


def test_what_is_not_there_is_said(served: Any, tmp_path: Path) -> None:
    with pytest.raises(CmError, match="the server says 404"):
        fetch.into(str(tmp_path / "model"), [served.url("/none")], MD5)
    assert not list(tmp_path.iterdir())


def test_the_next_address_is_asked(served: Any, tmp_path: Path) -> None:
    urls = [served.url("/none"), "http://127.0.0.1:9/closed", served.url("/file")]
    assert fetch.into(str(tmp_path / "model"), urls, MD5) == SHA256


def test_all_addresses_are_named_when_none_has_it(served: Any, tmp_path: Path) -> None:
    with pytest.raises(CmError, match=r"/none.*404.*/nothing.*404"):
        fetch.into(str(tmp_path / "model"), [served.url("/none"), served.url("/nothing")], MD5)


def test_a_server_in_trouble_is_asked_again_and_then_named(served: Any, tmp_path: Path) -> None:
    with pytest.raises(CmError, match="the server says 503"):
        fetch.into(str(tmp_path / "model"), [served.url("/broken")], MD5)
    assert len(served.asked) == 4


@pytest.mark.parametrize("url", ["", "model", "http:///x", "ftp:/"])
def test_what_is_no_address_is_said(tmp_path: Path, url: str) -> None:
    with pytest.raises(CmError):
        fetch.into(str(tmp_path / "model"), [url], "")


GATE = fetch.Gate("HF_TOKEN", "https://example.org/terms")


def test_a_gated_file_says_which_token_and_terms(served: Any, tmp_path: Path) -> None:
    with pytest.raises(CmError) as refused:
        fetch.into(str(tmp_path / "model"), [served.url("/gated/file")], MD5, gate=GATE, environ={})
    assert "the server says 401" in str(refused.value)
    assert "https://example.org/terms" in str(refused.value)
    assert "set HF_TOKEN" in str(refused.value)


def test_a_token_that_is_not_enough_is_said(served: Any, tmp_path: Path) -> None:
    with pytest.raises(CmError, match="403") as refused:
        fetch.into(
            str(tmp_path / "model"),
            [served.url("/gated/file")],
            MD5,
            gate=GATE,
            environ={"HF_TOKEN": "wrong"},
        )
    assert "the token in HF_TOKEN" in str(refused.value)
    assert "wrong" not in str(refused.value)


def test_the_right_token_opens_the_gate(served: Any, tmp_path: Path) -> None:
    environ = {"HF_TOKEN": "right"}
    target = str(tmp_path / "model")
    assert fetch.into(target, [served.url("/gated/file")], MD5, gate=GATE, environ=environ)


def test_a_token_is_not_handed_on_to_where_a_server_leads(served: Any, tmp_path: Path) -> None:
    fetch.into(
        str(tmp_path / "model"),
        [served.url("/gated/elsewhere")],
        MD5,
        gate=GATE,
        environ={"HF_TOKEN": "right"},
    )
    assert [token for _, _, token in served.asked] == ["Bearer right", ""]


def test_a_file_that_is_gated_without_our_knowing(served: Any, tmp_path: Path) -> None:
    with pytest.raises(CmError, match="your own login"):
        fetch.into(str(tmp_path / "model"), [served.url("/gated/file")], MD5)
