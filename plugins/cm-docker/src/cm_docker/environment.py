"""Which variables of the caller's environment a container gets: those of a list, no others."""

from __future__ import annotations

from cm_docker.option_values import is_name
from cmcore.errors import UsageError
from cmcore.hints import Any, Mapping, NamedTuple

#: How text and time are written, and the way to the network.
_ALWAYS = ("LANG", "LANGUAGE", "LC_ALL", "TZ")
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "socks_proxy", "no_proxy", "all_proxy")
_TERMINAL = ("TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES")

#: Languages that every system has; a base image has no other until one is made.
_LANGUAGES = ("C", "POSIX", "C.UTF-8", "C.utf8")

_SECRET_WORDS = ("TOKEN", "PASSWORD", "SECRET", "_KEY_ID", "ACCESS_KEY")
_SECRET_ENDS = ("API_KEY", "_PAT", "PASSWD", "PASSPHRASE", "CREDENTIALS", "PRIVATE_KEY")

#: What programs that fetch from GitHub and Hugging Face look for.
TOKENS = ("GH_TOKEN", "GITHUB_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


class Passed(NamedTuple):
    """Variables for a container.

    Attributes:
        env: what anybody may see.
        secrets: what nobody may.
        notes: sentences for the curious.
    """

    env: dict[str, str]
    secrets: dict[str, str]
    notes: tuple[str, ...] = ()


def is_secret(name: str, value: object = "") -> bool:
    """Whether a variable or flag looks like one that holds a secret, by its name or its text."""
    upper = name.upper().replace("-", "_")
    if any(word in upper for word in _SECRET_WORDS) or upper.endswith(_SECRET_ENDS):
        return True
    return upper == "PAT" or _has_credentials(str(value))


def _has_credentials(text: str) -> bool:
    """Whether an address names a user: `https://user:password@host`."""
    authority = text.partition("://")[2].partition("/")[0]
    return "@" in authority and not authority.startswith("@")


def listed(setting: object) -> tuple[str, ...]:
    """Names in the setting `docker.env`: a list, or text with commas.

    Raises:
        UsageError: what is there is no name.
    """
    given = setting.split(",") if isinstance(setting, str) else setting or ()
    if not isinstance(given, (list, tuple)):
        raise UsageError("the setting docker.env is a list of names", hint="cm config docker.env")
    names = tuple(str(name).strip() for name in given if str(name).strip())
    for name in names:
        if not is_name(name):
            raise UsageError(
                f"the setting docker.env names '{name}', which is no variable",
                hint="write cm config docker.env=NAME,NAME",
            )
    return names


def passed(
    environ: Mapping[str, str],
    *,
    named: Mapping[str, str | None],
    secret: tuple[str, ...],
    setting: tuple[str, ...] = (),
    network: str = "on",
    interactive: bool = False,
) -> Passed:
    """The variables that a container gets.

    Args:
        environ: the caller's environment.
        named: `--docker.env`: a value, or None for the caller's own.
        secret: `--docker.secret`.
        setting: names that the user's settings list; those that are not set are skipped.
        network: without one, proxies are of no use.
        interactive: a terminal is connected.

    Raises:
        UsageError: a variable that was asked for is not set.
    """
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}
    notes: list[str] = []
    names = [*_ALWAYS, *(_TERMINAL if interactive else ()), *setting]
    if network != "off":
        names += [form for name in _PROXIES for form in (name, name.upper())]

    def take(name: str, value: str) -> None:
        if is_secret(name, value):
            secrets[name] = value
        else:
            env[name] = value

    for name in names:
        value = environ.get(name)
        if value and not _foreign(name, value):
            take(name, value)
        elif value:
            env[name] = "C.UTF-8"
            notes.append(f"{name} is C.UTF-8 in the container, which may not have {value}")
    for name, value in named.items():
        if value is None and name not in environ:
            raise _unset(name, "--docker.env")
        take(name, environ[name] if value is None else value)
    for name in secret:
        if not environ.get(name):
            raise _unset(name, "--docker.secret")
        secrets[name] = environ[name]
    return Passed(env, secrets, tuple(notes))


def _foreign(name: str, value: str) -> bool:
    return name in ("LANG", "LC_ALL") and value not in _LANGUAGES


def _unset(name: str, option: str) -> UsageError:
    return UsageError(f"{option} names {name}, which is not set", hint=f"export {name} first")


def flag_secrets(flags: Mapping[str, Any], dotted: list[str]) -> dict[str, Any]:
    """The values of secret flags (`gh_token`, `env.HF_TOKEN`), nested as in a request."""
    found: dict[str, Any] = {}
    for name in dotted:
        value = _at(flags, name)
        if value is None:
            continue
        place = found
        *outer, last = name.split(".")
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return found


def _at(flags: Mapping[str, Any], dotted: str) -> Any:
    """A value by its dotted name; keys may themselves hold dots."""
    if dotted in flags:
        return flags[dotted]
    for key, value in flags.items():
        if isinstance(value, Mapping) and dotted.startswith(f"{key}."):
            found = _at(value, dotted[len(key) + 1 :])
            if found is not None:
                return found
    return None
