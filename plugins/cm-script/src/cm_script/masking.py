"""Secrets taken out of data that is written down: by the names of keys, and wherever they recur."""

from __future__ import annotations

from cm_script.records import is_secret
from cmcore.hints import Any, Mapping

#: What stands for a secret.
STARS = "***"
#: A shorter text may be anything; replacing it everywhere would spoil what is written.
_SHORTEST = 6


def secrets_in(data: object) -> set[str]:
    """Texts that stand under keys which look like those of secrets, at any depth."""
    found: set[str] = set()
    _collect(data, False, found, ())
    return found


def _collect(data: object, secret: bool, found: set[str], parents: tuple[int, ...]) -> None:
    if id(data) in parents:
        return
    if isinstance(data, Mapping):
        for key, value in data.items():
            _collect(value, secret or is_secret(str(key)), found, (*parents, id(data)))
    elif isinstance(data, (list, tuple)):
        for value in data:
            _collect(value, secret, found, (*parents, id(data)))
    elif secret and isinstance(data, str) and len(data) >= _SHORTEST:
        found.add(data)


def without(data: object, secrets: set[str]) -> Any:
    """A copy of `data` for JSON: secret keys have stars, and so has every text with a secret."""
    ordered = sorted(secrets, key=len, reverse=True)

    def clean(value: object, parents: tuple[int, ...]) -> Any:
        if id(value) in parents:
            return "(contains itself)"
        if isinstance(value, Mapping):
            inside = (*parents, id(value))
            return {
                clean(str(key), ()): STARS
                if is_secret(str(key)) and _is_value(item)
                else clean(item, inside)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [clean(item, (*parents, id(value))) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        text = str(value)
        for secret in ordered:
            text = text.replace(secret, STARS)
        return text

    return clean(data, ())


def _is_value(item: object) -> bool:
    return bool(item) and not isinstance(item, (bool, Mapping))
