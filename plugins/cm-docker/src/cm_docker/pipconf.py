"""The configuration of pip for build steps: index, certificates, credentials, in a secret file."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cmcore.context import Context

#: Where build steps and containers find the two secret files.
PIP, CA = "cm-pip", "cm-ca"
PIP_FILE, CA_FILE = f"/run/secrets/{PIP}", f"/run/secrets/{CA}"

#: Options that say where packages come from and how to reach them; others are this host's affair.
_TAKEN = (
    *("index-url", "extra-index-url", "trusted-host", "find-links", "proxy", "timeout"),
    *("default-timeout", "retries", "pre", "prefer-binary", "only-binary", "no-binary"),
)
_PLACES = ("index-url", "extra-index-url", "find-links")
_CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


class PipConf(NamedTuple):
    """How pip reaches packages from inside an image.

    Attributes:
        options: option -> value, of section `global`.
        ca: path of this host's bundle of certificates; "" for pip's own.
        reachable: whether there is an index that an image can reach.
        loopback: an index is on this host itself, so that builds need its network.
    """

    options: Mapping[str, str]
    ca: str = ""
    reachable: bool = True
    loopback: bool = False

    @property
    def text(self) -> str:
        """The file; it may hold credentials."""
        options = dict(self.options)
        if self.ca:
            options["cert"] = CA_FILE
        lines = [f"{key} = {_folded(value)}\n" for key, value in sorted(options.items())]
        return "".join(["[global]\n", *lines]) if lines else ""


def read(ctx: Context, index: str = "") -> PipConf:
    """What pip is configured with here.

    Args:
        ctx: its environment is pip's.
        index: address of an index to use instead of the configured ones.
    """
    return chosen(_settings(ctx), ctx.environ, index)


def chosen(settings: Mapping[str, str], environ: Mapping[str, str], index: str = "") -> PipConf:
    """Of all settings of pip those that mean something inside an image.

    Folders and `file:` addresses are this host's and left out.
    """
    options = {}
    for key in _TAKEN:
        value = settings.get(key, "")
        if key in _PLACES:
            words = [] if index and key != "find-links" else value.split()
            value = "\n".join(word for word in words if _remote(word))
        if value:
            options[key] = value
    if index:
        options["index-url"] = index
    own = index or settings.get("index-url", "")
    no_index = settings.get("no-index", "").lower() in ("1", "true", "yes", "on") and not index
    reachable = any(options.get(key) for key in _PLACES) or (not own and not no_index)
    if no_index:
        options.pop("index-url", None)
        options.pop("extra-index-url", None)
        options["no-index"] = "true"
        reachable = bool(options.get("find-links"))
    places = [word for key in _PLACES for word in options.get(key, "").split()]
    named = [settings.get("cert", ""), *(environ.get(name, "") for name in _CA_VARIABLES)]
    ca = next((path for path in named if path and os.path.isfile(path)), "")
    return PipConf(options, ca, reachable, any(map(_on_loopback, places)))


def parsed(output: str) -> dict[str, str]:
    """Option -> value from what `pip config list` prints; variables win, then `install`."""
    import ast

    found: dict[str, tuple[int, str]] = {}
    ranks = {"global": 0, "install": 1, ":env:": 2}
    for line in output.splitlines():
        name, equals, literal = line.partition("=")
        section, _, key = name.partition(".")
        if not equals or section not in ranks:
            continue
        try:
            value = str(ast.literal_eval(literal))
        except (ValueError, SyntaxError):
            continue
        if key not in found or found[key][0] <= ranks[section]:
            found[key] = ranks[section], value
    return {key: value for key, (_, value) in found.items()}


def written(conf: PipConf, folder: str) -> dict[str, str]:
    """Write the secret files into a private folder: identifier -> path.

    Raises:
        StorageError: they cannot be written.
    """
    from cmcore.storage import read_bytes

    found = {}
    if conf.text:
        found[PIP] = _private(os.path.join(folder, PIP), conf.text.encode(), 0o600)
    if conf.ca:
        # Certificates are no secret, and a container's user may be somebody else.
        found[CA] = _private(os.path.join(folder, CA), read_bytes(conf.ca), 0o644)
    return found


def _private(path: str, content: bytes, mode: int) -> str:
    from cmcore.storage import storage_error

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
    except OSError as error:
        raise storage_error(error, path, "write the file") from error
    return path


def _settings(ctx: Context) -> dict[str, str]:
    import subprocess
    import sys

    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    try:
        asked: Any = subprocess.run(
            command,
            env=dict(ctx.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return {}
    found = parsed(asked.stdout.decode("utf-8", "replace"))
    for name, value in ctx.environ.items():
        if name.startswith("PIP_") and value:
            found.setdefault(name[4:].lower().replace("_", "-"), value)
    return found


def _remote(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


def _on_loopback(place: str) -> bool:
    from urllib.parse import urlsplit

    try:
        host = urlsplit(place).hostname or ""
    except ValueError:
        return False
    return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")


def _folded(value: str) -> str:
    """A value over several lines as configuration files have it."""
    return value.replace("\r", "").strip().replace("\n", "\n    ")
