"""The rules a manifest must keep, one method for each key, with messages for plugin authors."""

from __future__ import annotations

from cmcore.hints import Any, Iterable
from cmcore.types import Action, Automation, Flag

#: Version of the manifest's own shape.
MANIFEST_VERSION = 1

#: Version of the hook contract; equal to `hookspecs.API_VERSION`, which most commands do not load.
API_VERSION = "1.0"

#: Verbs that are hooks `cm_<verb>`; any other verb comes from `cm_actions`.
ACTION_HOOKS = frozenset(
    {"search", "add", "load", "update", "remove", "move", "copy", "show", "run", "docker", "plan"}
    | {"test", "doc", "pull", "lint", "help"}
)

#: All hooks of the contract with their arguments; a test compares them with `hookspecs.CmSpecs`.
HOOKS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys([f"cm_{verb}" for verb in ACTION_HOOKS], ("ctx", "request")),
    "cm_actions": (),
    "cm_automations": (),
    "cm_collections": ("ctx",),
    "cm_cache_find": ("ctx", "request"),
    "cm_cache_reserve": ("ctx", "request", "refresh", "fresh"),
    "cm_cache_publish": ("ctx", "reservation", "outcome"),
    "cm_cache_release": ("ctx", "reservation", "error"),
    "cm_cache_state": ("ctx", "entry"),
    "cm_complete": ("ctx", "request", "incomplete"),
    "cm_settings": (),
    "cm_health_checks": ("ctx",),
    "cm_container_engines": ("ctx",),
    "cm_before_action": ("ctx", "request"),
    "cm_after_action": ("ctx", "request", "result"),
    "cm_on_error": ("ctx", "request", "error"),
}

_TOP = ("manifest", "api", "name", "summary", "hooks", "automations", "collections", "needs")
_NOUN = ("help", "uid", "artifacts", "actions")
_VERB = ("help", "usage", "examples", "flags", "open_flags")
_FLAG = ("help", "value")
_FLAGS = frozenset(_FLAG)
_NEEDS: dict[str, type] = {"network": str, "root": str, "secrets": list, "write": list}
# Sets of characters, not patterns: every command reads manifests, and compiling costs more.
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_HEXADECIMAL = "0123456789abcdef"
_IN_VERB = _LOWER + "0123456789_"
_IN_NOUN = _IN_VERB + ".-"
_TYPE_NAMES = {
    str: "text",
    list: "a list",
    dict: "an object",
    bool: "true or false",
    int: "a number",
}


class Rejected(Exception):
    """A manifest breaks a rule; `hint` says what would keep it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def nearest(word: str, words: Iterable[str]) -> str:
    """`did you mean ...`, or all known words when none is near."""
    from cmcore.naming import did_you_mean, suggestion

    words = sorted(words)
    return suggestion(did_you_mean(word, words)) or f"known: {', '.join(words)}"


class Checker:
    """Takes one manifest apart; every method returns a checked part or raises `Rejected`."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.api = ""
        self._unknown: list[str] = []

    def versions(self) -> None:
        """`manifest` and `api`: checked first, because everything else depends on them."""
        shape = _get(self.data, "manifest", int, "")
        if shape != MANIFEST_VERSION:
            raise Rejected(
                f"'manifest' is {shape}, this cmcore reads version {MANIFEST_VERSION}",
                "update cmcore" if shape > MANIFEST_VERSION else "update the plugin",
            )
        self.api = _get(self.data, "api", str, "")
        first, _, second = self.api.partition(".")
        if not (first.isdecimal() and second.isdecimal()):
            raise Rejected(f"'api' must look like \"{API_VERSION}\", not {self.api!r}")
        major, minor = int(first), int(second)
        own_major, own_minor = (int(part) for part in API_VERSION.split("."))
        if major != own_major or minor > own_minor:
            newer = (major, minor) > (own_major, own_minor)
            raise Rejected(
                f"'api' is {self.api}, this cmcore offers {API_VERSION}",
                "update cmcore" if newer else "install a newer version of the plugin",
            )

    def name(self) -> str:
        """`name`: lower case, as it is the prefix of the plugin's settings."""
        name: str = _get(self.data, "name", str, "")
        if not _word(name, _IN_NOUN):
            raise Rejected(f"'name' must be a lower-case word, not {name!r}")
        return name

    def summary(self) -> str:
        """`summary`: one line."""
        return _line(self.data, "summary", "")

    def hooks(self) -> tuple[str, ...]:
        """`hooks`: all of them part of the contract."""
        hooks = _texts(self.data.get("hooks", []), "hooks")
        for hook in hooks:
            if hook not in HOOKS:
                raise Rejected(f"'hooks' names an unknown hook {hook!r}", nearest(hook, HOOKS))
        return hooks

    def automations(
        self, hooks: tuple[str, ...]
    ) -> tuple[tuple[Automation, ...], tuple[Action, ...]]:
        """`automations`: the nouns that are owned, and the verbs of those and of others' nouns."""
        nouns: list[Automation] = []
        verbs: list[Action] = []
        for noun, block in _get(self.data, "automations", dict, "", {}).items():
            where = f"automations.{noun}"
            if not _word(noun, _IN_NOUN):
                raise Rejected(f"'{where}': a noun is a lower-case word such as 'notebook'")
            _require(block, dict, where)
            self._note_unknown(block, _NOUN, where)
            actions = _get(block, "actions", dict, where, {})
            if "uid" in block or "artifacts" in block:
                nouns.append(_noun(noun, block, where))
            elif not actions:
                raise Rejected(
                    f"'{where}' neither owns the noun nor adds an action to it",
                    'add "artifacts": true or false to own it, or "actions" to extend it',
                )
            for verb, entry in actions.items():
                verbs.append(self._verb(verb, noun, entry, f"{where}.actions.{verb}"))
                _check_hook(verb, hooks, f"{where}.actions.{verb}")
        return tuple(nouns), tuple(verbs)

    def commands(self) -> tuple[Action, ...]:
        """`commands`: verbs without a noun; the core's own manifest only."""
        entries = _get(self.data, "commands", dict, "", {})
        return tuple(self._verb(v, "", entry, f"commands.{v}") for v, entry in entries.items())

    def collections(self) -> list[str]:
        """`collections`: folders inside the package, with `/` on every system."""
        found = []
        for number, entry in enumerate(_get(self.data, "collections", list, "", [])):
            where = f"collections[{number}]"
            _require(entry, dict, where)
            self._note_unknown(entry, ("path",), where)
            path = _get(entry, "path", str, where)
            parts = path.split("/")
            if not path or "\\" in path or ":" in path or any(p in ("", "..") for p in parts):
                raise Rejected(f"'{where}.path' must be a folder inside the package, not {path!r}")
            found.append(path)
        return found

    def needs(self) -> dict[str, Any]:
        """`needs`: what the plugin wants from the machine, for people to read."""
        needs: dict[str, Any] = _get(self.data, "needs", dict, "", {})
        self._note_unknown(needs, tuple(_NEEDS), "needs")
        for key, kind in _NEEDS.items():
            if key in needs:
                _require(needs[key], kind, f"needs.{key}")
        return needs

    def unknown(self, *, core: bool) -> list[str]:
        """Warnings for keys that mean nothing, nearest known key included; call it last."""
        self._note_unknown(self.data, (*_TOP, "commands") if core else _TOP, "")
        return self._unknown

    def _verb(self, verb: str, noun: str, entry: Any, where: str) -> Action:
        if not _word(verb, _IN_VERB):
            raise Rejected(f"'{where}': a verb is a lower-case word with '_' for a dash")
        _require(entry, dict, where)
        self._note_unknown(entry, _VERB, where)
        flags = []
        for name, flag in _get(entry, "flags", dict, where, {}).items():
            if not _is_plain_flag(flag):  # which nearly all are, in each of a hundred
                spot = f"{where}.flags.{name}"
                _require(flag, dict, spot)
                self._note_unknown(flag, _FLAG, spot)
                _line(flag, "help", spot)
                _get(flag, "value", str, spot, "")
            flags.append(Flag(name.replace("-", "_"), flag["help"], flag.get("value", "")))
        return Action(
            verb,
            noun,
            _line(entry, "help", where),
            usage=_get(entry, "usage", str, where, ""),
            flags=tuple(flags),
            open_flags=_get(entry, "open_flags", bool, where, False),
            examples=_texts(entry.get("examples", []), f"{where}.examples"),
        )

    def _note_unknown(self, block: dict[str, Any], known: tuple[str, ...], where: str) -> None:
        for key in block:
            if key not in known:
                spot = f"{where}.{key}" if where else key
                self._unknown.append(f"unknown key '{spot}' is ignored; {nearest(key, known)}")


def _is_plain_flag(flag: Any) -> bool:
    """Whether there is nothing to say about a flag; the messages are found one by one."""
    if type(flag) is not dict or not flag.keys() <= _FLAGS:
        return False
    text = flag.get("help")
    right = type(text) is str and text != "" and not text.isspace() and "\n" not in text
    return right and type(flag.get("value", "")) is str


def _noun(noun: str, block: dict[str, Any], where: str) -> Automation:
    uid = _get(block, "uid", str, where, "")
    if uid and (len(uid) != 16 or uid.strip(_HEXADECIMAL)):
        raise Rejected(f"'{where}.uid' must be 16 lower-case hexadecimal digits, not {uid!r}")
    text = _line(block, "help", where)
    return Automation(noun, text, uid, _get(block, "artifacts", bool, where, False))


def _check_hook(verb: str, hooks: tuple[str, ...], where: str) -> None:
    hook = f"cm_{verb}" if verb in ACTION_HOOKS else "cm_actions"
    if hook not in hooks:
        raise Rejected(f"'{where}' needs hook '{hook}'", f'add "{hook}" to "hooks"')


_MISSING: Any = object()


def _word(text: str, allowed: str) -> bool:
    """Whether `text` begins with a lower-case letter and holds nothing but `allowed`."""
    return text[:1] in _LOWER and bool(text) and not text.strip(allowed)


def _get(block: dict[str, Any], key: str, kind: type, where: str, default: Any = _MISSING) -> Any:
    if key in block and type(block[key]) is kind:
        return block[key]
    spot = f"{where}.{key}" if where else key
    if key not in block:
        if default is not _MISSING:
            return default
        close = [k for k in block if k.lower() == key or k.rstrip("s") == key.rstrip("s")]
        hint = f"did you mean it by '{close[0]}'?" if close else ""
        raise Rejected(f"'{spot}' is missing: expected {_TYPE_NAMES[kind]}", hint)
    _require(block[key], kind, spot)
    return block[key]


def _require(value: Any, kind: type, where: str) -> None:
    # bool is a kind of int in Python, but not in a manifest.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found = "null" if value is None else repr(value)
        found = found if len(found) <= 40 else f"{found[:37]}..."
        raise Rejected(f"'{where}' must be {_TYPE_NAMES[kind]}, not {found}")


def _texts(value: Any, where: str) -> tuple[str, ...]:
    _require(value, list, where)
    for number, item in enumerate(value):
        if type(item) is not str:
            _require(item, str, f"{where}[{number}]")
    return tuple(value)


def _line(block: dict[str, Any], key: str, where: str) -> str:
    text: str = _get(block, key, str, where)
    if not text.strip() or "\n" in text:
        raise Rejected(f"'{f'{where}.{key}' if where else key}' must be one line of text")
    return text
