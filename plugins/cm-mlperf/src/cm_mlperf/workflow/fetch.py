"""Fetching one published file: resumed when it was interrupted, kept only when its digest fits.

Recipes call `into` from their own folder, a cache entry's. What was received of a file that is not
complete stays beside it as `<file>.part`, so that the next run goes on there; a complete file with
another digest is deleted.
"""

from __future__ import annotations

import os

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_CHUNK = 1 << 16
_TIMEOUT = 60
_TRIES = 4

#: Algorithms that published digests use, by the length of their text.
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}


class Gate(NamedTuple):
    """What a file that is not for everybody asks for.

    Attributes:
        variable: environment variable that holds the token, such as HF_TOKEN.
        terms: address where the terms are accepted and the token is made; may be "".
    """

    variable: str
    terms: str = ""


class _Broken(Exception):
    """The connection ended early; another try goes on where it stopped."""


def into(
    path: str,
    urls: Sequence[str],
    digest: str,
    *,
    gate: Gate | None = None,
    environ: Mapping[str, str] | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> str:
    """Fetch a file.

    Args:
        path: where it shall be.
        urls: addresses of the same file; the next one is asked when one does not have it.
        digest: expected MD5, SHA-1 or SHA-256, in hexadecimal; "" takes the file as it comes.
        gate: for a file behind a login.
        environ: environment variables, for the token and for proxies.
        tell: called with bytes received and bytes expected (0: unknown).

    Returns:
        The file's SHA-256.

    Raises:
        CmError: no address has it, it is gated, or its digest is another one; nothing that is
            wrong is left at `path`.
    """
    algorithm = _algorithm(digest)
    if not urls:
        raise CmError(f"there is no address for {os.path.basename(path)}")
    failures: list[CmError] = []
    for url in urls:
        try:
            _with_retries(path, url, gate, environ or os.environ, tell)
            return _checked(path, url, algorithm, digest)
        except CmError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    told = "; ".join(error.message for error in failures)
    raise CmError(told, hint=failures[0].hint)


def sha256(path: str) -> str:
    """SHA-256 of a file's bytes."""
    return _digest(path, "sha256")


def _algorithm(digest: str) -> str:
    if not digest:
        return "sha256"
    found = _ALGORITHMS.get(len(digest.strip()))
    if found is None:
        raise CmError(f"'{digest}' is no MD5, SHA-1 or SHA-256 in hexadecimal")
    return found


def _with_retries(
    path: str,
    url: str,
    gate: Gate | None,
    environ: Mapping[str, str],
    tell: Callable[[int, int], None] | None,
) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            _fetch(path, url, gate, environ, tell)
            return
        except _Broken as broken:
            if attempt == _TRIES:
                raise CmError(
                    f"cannot fetch {url}: {broken}",
                    hint="what was received is kept; the next run goes on there",
                ) from None


def _fetch(
    path: str,
    url: str,
    gate: Gate | None,
    environ: Mapping[str, str],
    tell: Callable[[int, int], None] | None,
) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    have, proof = _started(path, url)
    try:
        request = Request(url, headers={"User-Agent": "cm-plugin-mlperf"})
    except ValueError:
        raise CmError(f"'{url}' is no address") from None
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", proof)
    token = environ.get(gate.variable, "") if gate else ""
    if token:
        # Not sent on when the server leads elsewhere: the token is for this server only.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=_TIMEOUT) as answer:
            _receive(answer, path, url, have if answer.status == 206 else 0, tell)
    except HTTPError as error:
        error.close()
        if error.code == 416 and have:
            os.remove(path + ".part")
            raise _Broken("the server has another file now") from None
        if error.code >= 500:
            raise _Broken(f"the server says {error.code} {error.reason}") from None
        raise _refused(url, error.code, str(error.reason), gate, bool(token)) from None
    except URLError as error:
        if isinstance(error.reason, (ConnectionResetError, TimeoutError)):
            raise _Broken(str(error.reason)) from None
        raise CmError(f"cannot fetch {url}: {error.reason}") from None
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _Broken(f"the connection broke: {error}") from None


def _refused(url: str, code: int, reason: str, gate: Gate | None, token: bool) -> CmError:
    if code not in (401, 403):
        return CmError(f"cannot fetch {url}: the server says {code} {reason}")
    message = f"{url} is not for everybody: the server says {code} {reason}"
    if gate is None:
        return CmError(message, hint="fetch it with your own login and give its path")
    terms = f"accept the terms at {gate.terms} and " if gate.terms else ""
    if token:
        return CmError(message, hint=f"{terms}see that the token in {gate.variable} may read it")
    return CmError(message, hint=f"{terms}set {gate.variable} to a token that may read it")


def _started(path: str, url: str) -> tuple[int, str]:
    """Bytes of an interrupted download from there, and the server's mark of that file."""
    try:
        with open(path + ".part.from", encoding="utf-8") as file:
            origin, proof = file.read().split("\n")[:2]
        size = os.path.getsize(path + ".part")
    except (OSError, ValueError):
        return 0, ""
    return (size, proof) if origin == url and proof else (0, "")


def _receive(
    answer: Any, path: str, url: str, have: int, tell: Callable[[int, int], None] | None
) -> None:
    if not have:
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        # A weak mark promises the same meaning, not the same bytes.
        proof = "" if mark.startswith("W/") else mark
        with open(path + ".part.from", "w", encoding="utf-8") as file:
            file.write(f"{url}\n{proof}\n")
    length = answer.headers.get("Content-Length")
    whole = have + int(length) if length else 0
    with open(path + ".part", "ab" if have else "wb") as out:
        while data := answer.read(_CHUNK):
            out.write(data)
            have += len(data)
            if tell:
                tell(have, whole)
    if whole and have != whole:
        raise _Broken(f"the connection broke after {have} of {whole} bytes")
    os.replace(path + ".part", path)
    os.remove(path + ".part.from")


def _checked(path: str, url: str, algorithm: str, wanted: str) -> str:
    found = _digest(path, algorithm)
    if wanted and found != wanted.strip().lower():
        os.remove(path)
        raise CmError(
            f"{url} has {algorithm.upper()} {found}, expected is {wanted.strip().lower()}; "
            "nothing of it was kept"
        )
    return found if algorithm == "sha256" else _digest(path, "sha256")


def _digest(path: str, algorithm: str) -> str:
    import hashlib

    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()
