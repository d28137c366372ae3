"""`<<<NAME>>>` in values: replaced by what the environment holds under NAME.

One pass in insertion order; a name that is not there yet stays as it is, and a later pass, when
a dependency has exported it, resolves it.
"""

from __future__ import annotations

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_script.provenance import Provenance

_GIT_URL = ("CM_GIT_URL", "MLC_GIT_URL")
_YES = ("1", "true", "yes", "on")
_REMOTE = (
    r"^(?:(?:https?|ssh|git)://)?(?:[^@/]+@)?(?P<host>[\w.-]+)(?::\d+)?[:/]"
    r"(?P<owner>.+)/(?P<repo>[^/]+?)(?:\.git)?/?$"
)


def names(value: object) -> list[str]:
    """The names that a value refers to."""
    # As `re.findall(r"<<<(.*?)>>>", text)`, without the import.
    text, found = str(value), []
    start = text.find("<<<")
    while start >= 0:
        end = text.find(">>>", start + 3)
        if end < 0:
            break
        name = text[start + 3 : end]
        if "\n" in name:  # no name, but one may begin within
            start = text.find("<<<", start + 1)
            continue
        found.append(name)
        start = text.find("<<<", end + 3)
    return found


def anywhere(values: Iterable[object]) -> bool:
    """Whether one of the values may hold a placeholder."""
    # One look at all of them: every recipe of a tree asks this of the whole environment.
    try:
        return "<<<" in "\n".join(values)  # type: ignore[arg-type]
    except TypeError:  # a list, a number
        return "<<<" in "\n".join([v if type(v) is str else str(v) for v in values])


def resolved(value: Any, env: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Any:
    """`value` with the placeholders of a text, or of the texts in a list, filled in."""
    if isinstance(value, list):
        return [resolved(item, env, extra) if isinstance(item, str) else item for item in value]
    if not isinstance(value, str) or "<<<" not in value:
        return value
    for name in names(value):
        if name in env:
            value = value.replace(f"<<<{name}>>>", str(env[name]))
        elif extra and name in extra:
            value = value.replace(f"<<<{name}>>>", str(extra[name]))
    return value


def fill(
    env: dict[str, Any],
    extra: Mapping[str, Any] | None = None,
    data: Provenance | None = None,
) -> None:
    """One pass over `env`, in place.

    The address of a private repository gets its credentials here, as recipes expect.

    Args:
        env: variables; they are also where names are looked up.
        extra: is asked for names that `env` lacks.
        data: learns which parts of a filled value a user or a tool has said.

    Raises:
        CmError: a key that starts with `+` holds something else than a list.
    """
    if "+" in "".join(env):
        _check_lists(env)
    if env.keys().isdisjoint(_GIT_URL) and not anywhere(env.values()):
        return
    for key, value in env.items():
        if "<<<" in str(value):
            if data is not None:
                _note(key, value, env, extra or {}, data)
            env[key] = resolved(value, env, extra)
        elif key in _GIT_URL and isinstance(value, str):
            env[key] = _with_credentials(value, env, key.removesuffix("GIT_URL"))


def _check_lists(env: Mapping[str, Any]) -> None:
    for key, value in env.items():
        if key.startswith("+") and not isinstance(value, list):
            raise CmError(
                f"'{key}' extends a list but holds '{value}'", hint="give it a list of texts"
            )


def _note(
    key: str, value: Any, env: Mapping[str, Any], extra: Mapping[str, Any], data: Provenance
) -> None:
    from cm_script.provenance import replaced

    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str):
            continue
        pieces = data.pieces(key, text)
        for name in names(text):
            known = env if name in env else extra
            if name in known:
                inserted = data.pieces(name, str(known[name]))
                pieces = replaced(pieces, f"<<<{name}>>>", inserted)
        data.note(key, pieces)


def fill_nested(data: dict[str, Any], env: Mapping[str, Any]) -> None:
    """Fill placeholders in the texts of nested dictionaries, in place; lists stay as they are."""
    for key, value in data.items():
        if isinstance(value, dict):
            fill_nested(value, env)
        elif isinstance(value, str):
            data[key] = resolved(value, env)


def _with_credentials(url: str, env: Mapping[str, Any], prefix: str) -> str:
    if str(env.get(prefix + "GIT_AUTH", "")).strip().lower() not in _YES:
        return url
    parts = remote_parts(url)
    if not parts:
        return url
    host, owner, repo = parts
    token = env.get(prefix + "GH_TOKEN", "")
    if token and "@" not in url:
        return f"https://git:{token}@{host}/{owner}/{repo}"
    if prefix + "GIT_SSH" in env and not token:
        return f"git@{host}:{owner}/{repo}.git"
    return url


def remote_parts(url: str) -> tuple[str, str, str] | None:
    """Host, owner and name of a Git repository's address; None when it is none."""
    if "://" not in url and "@" not in url:
        return None
    import re

    found = re.match(_REMOTE, url)
    return (found["host"], found["owner"], found["repo"]) if found else None
