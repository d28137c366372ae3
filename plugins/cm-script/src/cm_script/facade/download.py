"""Downloading one file for recipe code.

The data goes to `<file>.part` beside the target and becomes the target only when it is complete.
An interrupted download goes on where it stopped, if the server can prove that it still has the
same file (`ETag` or `Last-Modified`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPResponse

_CHUNK = 65536
_TIMEOUT = 60
_TRIES = 4
_SCHEMES = ("http", "https", "ftp", "file")
_NO = ("0", "false", "off", "no")


class _Problem(Exception):
    """Why a download failed; `again` when another try may help."""

    def __init__(self, text: str, again: bool = False) -> None:
        super().__init__(text)
        self.again = again


class _Wish(NamedTuple):
    url: str
    folder: str
    filename: str
    context: ssl.SSLContext | None
    text: str


def download_file(i: Mapping[str, Any]) -> dict[str, Any]:
    """Download `url` into folder `path` (the current one by default).

    Keys of `i`: `filename` (else the server's or the address's name); `verify` or `verify_ssl`
    (False accepts any certificate); `ssl_ca_file`; `md5sum`, `sha256` and `size` to check.
    `CM_UTILS_DOWNLOAD_VERIFY_SSL`, `MLC_VERIFY_SSL` and `MLC_SSL_CA_FILE` in the process
    environment win.

    Returns:
        `filename`, `path` and `size` in bytes; 1 and the reason when it failed.
    """
    url = str(i.get("url") or "").strip()
    scheme = url.partition(":")[0].lower()
    if scheme not in _SCHEMES:
        return _failed(url, f"its scheme must be one of {', '.join(_SCHEMES)}")
    try:
        wish = _Wish(
            url,
            os.path.abspath(str(i.get("path") or os.curdir)),
            os.path.basename(str(i.get("filename") or "")),
            _context(i) if scheme == "https" else None,
            str(i.get("text") or "Downloaded: "),
        )
        if i.get("filename") and os.path.dirname(str(i["filename"])):
            wish = wish._replace(
                folder=os.path.join(wish.folder, os.path.dirname(str(i["filename"])))
            )
        path = _with_retries(wish)
        _check(path, i)
        name = str(i.get("filename") or os.path.basename(path))
        return {"return": 0, "filename": name, "path": path, "size": os.path.getsize(path)}
    except _Problem as problem:
        return _failed(url, str(problem))
    except OSError as error:
        return _failed(url, f"{error.strerror or error} {error.filename or ''}".strip())


def _failed(url: str, why: str) -> dict[str, Any]:
    return {"return": 1, "error": f"download of {url or 'nothing'} failed: {why}"}


def _context(i: Mapping[str, Any]) -> ssl.SSLContext:
    import ssl

    verify: object = i.get("verify", i.get("verify_ssl", True))
    for key in ("CM_UTILS_DOWNLOAD_VERIFY_SSL", "MLC_VERIFY_SSL"):
        verify = os.environ.get(key, verify)
    authority = os.environ.get("MLC_SSL_CA_FILE") or str(i.get("ssl_ca_file") or "")
    if authority and os.path.isfile(authority):
        return ssl.create_default_context(cafile=authority)
    context = ssl.create_default_context()
    if str(verify).lower() in _NO:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _with_retries(wish: _Wish) -> str:
    """The path of the finished file; a broken connection is taken up again a few times."""
    for attempt in range(1, _TRIES + 1):
        try:
            return _fetch(wish)
        except _Problem as problem:
            if not problem.again or attempt == _TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def _fetch(wish: _Wish) -> str:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    known = os.path.join(wish.folder, wish.filename or _name_in(wish.url))
    have, proof = _started(known + ".part", wish.url)
    headers = {"User-Agent": "cmcore", "Accept-Encoding": "identity"}
    if have:
        headers.update({"Range": f"bytes={have}-", "If-Range": proof})
    try:
        request = Request(wish.url, headers=headers)
        with urlopen(request, timeout=_TIMEOUT, context=wish.context) as answer:
            name = wish.filename or _name_from(answer) or _name_in(answer.url or wish.url)
            if not name:
                raise _Problem("neither the server nor the address names the file; give filename")
            target = os.path.join(wish.folder, name)
            resumes = answer.status == 206 and target == known
            _receive(answer, target, have if resumes else 0, wish)
    except HTTPError as error:
        if error.code == 416 and have:
            os.remove(known + ".part")
            raise _Problem("the part that was there does not fit", again=True) from None
        raise _Problem(f"the server says {error.code} {error.reason}", error.code >= 500) from None
    except URLError as error:
        raise _Problem(str(error.reason)) from None
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _Problem(f"the connection broke: {error}", again=True) from None
    return target


def _started(part: str, url: str) -> tuple[int, str]:
    """Bytes of an interrupted download, and the server's mark that they belong to; 0: none."""
    try:
        with open(part + ".from", encoding="utf-8") as file:
            origin, proof = file.read().split("\n")[:2]
        size = os.path.getsize(part)
    except (OSError, ValueError):
        return 0, ""
    return (size, proof) if origin == url and proof else (0, "")


def _receive(answer: HTTPResponse, target: str, have: int, wish: _Wish) -> None:
    part = target + ".part"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if not have:
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        # A weak mark promises the same meaning, not the same bytes.
        proof = "" if mark.startswith("W/") else mark
        with open(part + ".from", "w", encoding="utf-8") as file:
            file.write(f"{wish.url}\n{proof}\n")
    length = answer.headers.get("Content-Length")
    whole = have + int(length) if length else 0
    with open(part, "ab" if have else "wb") as out:
        while data := answer.read(_CHUNK):
            out.write(data)
            have += len(data)
            _progress(wish.text, have, whole)
    if whole and have != whole:
        raise _Problem(f"the connection broke after {have} of {whole} bytes", again=True)
    if whole and sys.stderr.isatty():
        sys.stderr.write("\n")
    os.replace(part, target)
    os.remove(part + ".from")


def _progress(text: str, have: int, whole: int) -> None:
    if whole and sys.stderr.isatty():
        sys.stderr.write(f"\r{text}{have * 100 // whole:3d}%")
        sys.stderr.flush()


def _name_from(answer: HTTPResponse) -> str:
    """The file name in the `Content-Disposition` header, without any folder."""
    name = answer.headers.get_filename() or ""
    return os.path.basename(name.replace("\\", "/"))


def _name_in(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    return os.path.basename(unquote(urlsplit(url).path))


def _check(path: str, i: Mapping[str, Any]) -> None:
    size = i.get("size")
    if size and str(size) != str(os.path.getsize(path)):
        raise _Problem(f"it has {os.path.getsize(path)} bytes, {size} were expected")
    for key, algorithm in (("md5sum", "md5"), ("md5", "md5"), ("sha256", "sha256")):
        if i.get(key):
            import hashlib

            digest = hashlib.new(algorithm, usedforsecurity=False)
            with open(path, "rb") as file:
                while data := file.read(1 << 20):
                    digest.update(data)
            wanted = str(i[key]).split()[0].lower()
            if digest.hexdigest() != wanted:
                found = f"its {algorithm} is {digest.hexdigest()}, {wanted} was expected"
                raise _Problem(f"{found}; the file was left at {path}")
