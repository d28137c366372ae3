"""A web proxy that answers for every site from memory, so that recipes may keep their addresses.

Recipes download from sites that a test cannot reach. With `https_proxy` set to this one, their
wget, curl and Python get a small file of the kind that the address promises, over TLS that their
own verification accepts: `certify` makes an authority for it.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kit

Files = Mapping[str, str]


def packed(name: str, files: Files) -> bytes:
    """An archive of the kind that `name` says, else the text of the first file."""
    out = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(out, "w") as archive:
            for member, text in files.items():
                archive.writestr(member, text)
        return out.getvalue()
    for ending, mode in (
        (".tar.gz", "w:gz"),
        (".tgz", "w:gz"),
        (".tar.bz2", "w:bz2"),
        (".tar.xz", "w:xz"),
        (".tar", "w"),
    ):
        if name.endswith(ending):
            with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
                for member, text in files.items():
                    entry = tarfile.TarInfo(member)
                    entry.size, entry.mode = len(text.encode()), 0o755
                    tar.addfile(entry, io.BytesIO(text.encode()))
            return out.getvalue()
    return next(iter(files.values())).encode()


def certify(folder: Path, hosts: tuple[str, ...]) -> Path:
    """Make an authority and a certificate for `hosts`; the bundle that verifies it."""
    names = ",".join(f"DNS:{host}" for host in hosts)
    (folder / "names").write_text(f"subjectAltName={names}\n")
    key = ["-newkey", "rsa:2048", "-nodes"]
    for words in (
        [
            "req",
            "-x509",
            *key,
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "30",
            "-subj",
            "/CN=test authority",
        ],
        ["req", *key, "-keyout", "site.key", "-out", "site.csr", "-subj", "/CN=mirror"],
        [
            "x509",
            "-req",
            "-in",
            "site.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            "site.pem",
            "-days",
            "30",
            "-extfile",
            "names",
        ],
    ):
        kit.must(kit.run(["openssl", *words], cwd=folder))
    (folder / "wgetrc").write_text(f"ca_certificate = {folder / 'ca.pem'}\n")
    return folder / "ca.pem"


class _Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tls: ssl.SSLContext
    known: Mapping[str, Files]
    fallback: Files
    host = ""

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.host = self.path.partition(":")[0]
        self.rfile.close()
        self.wfile.close()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)  # type: ignore[assignment]
        self.close_connection = False

    def finish(self) -> None:
        """Close the TLS connection, too: the server knows only of the one below it."""
        super().finish()
        self.connection.close()

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        address = self.path if "://" in self.path else f"https://{self.host}{self.path}"
        address = address.partition("?")[0]
        files = next((f for end, f in self.known.items() if address.endswith(end)), self.fallback)
        content, name = packed(address, files), address.rpartition("/")[2]
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Disposition", f'attachment; filename="{name}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests of tests are nobody's news."""


@contextlib.contextmanager
def mirror(folder: Path, known: Mapping[str, Files], fallback: Files) -> Iterator[str]:
    """The proxy's address while the context lasts.

    Args:
        folder: where `certify` wrote.
        known: `{end of an address: files}` for archives whose content matters.
        fallback: the content of everything else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "site.pem", folder / "site.key")
    site = type("_Bound", (_Site,), {"tls": context, "known": known, "fallback": fallback})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), site) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
