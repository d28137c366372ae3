"""Which variables and keys of the state a recipe's meta looks at; see `reads`."""

from __future__ import annotations

from cm_script.reads import PLACEHOLDER, REFERENCE, Reads, RecipeReads, is_glob
from cmcore.hints import Mapping

_CONDITIONS = ("enable_if_env", "enable_if_any_env", "skip_if_env", "skip_if_any_env")
_SET = ("env", "default_env", "const")
_STATE_SET = ("state", "const_state")


def of_block(block: object) -> RecipeReads:
    """What a part of a meta looks at: the whole, a dependency, a conditional entry."""
    collector = _Collector()
    collector.visit(block)
    return RecipeReads(
        Reads(
            frozenset(collector.names),
            tuple(dict.fromkeys(collector.patterns)),
            indirect=frozenset(collector.indirect),
        ),
        Reads(frozenset(collector.state), tuple(dict.fromkeys(collector.state_patterns))),
    )


class _Collector:
    """Gathers names from nested meta."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.patterns: list[str] = []
        self.indirect: set[str] = set()
        self.state: set[str] = set()
        self.state_patterns: list[str] = []

    def visit(self, value: object) -> None:
        if isinstance(value, str):
            for name in (*PLACEHOLDER.findall(value), *REFERENCE.findall(value)):
                self._add(name)
        elif isinstance(value, list):
            for item in value:
                self.visit(item)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if key != "tests":
                    self._key(str(key), item)
                    self.visit(item)

    def _key(self, key: str, item: object) -> None:
        if key in (*_CONDITIONS, *_SET):
            self._add(*_keys(item))
        elif key in _STATE_SET:
            self.state.update(_keys(item))
        elif key == "input_mapping" and isinstance(item, Mapping):
            self._add(*map(str, item.values()))
        elif key == "update_tags_from_env":
            self._add(*_texts(item))
        elif key == "update_tags_from_env_with_prefix" and isinstance(item, Mapping):
            for names in item.values():
                self._add(*_texts(names))
        elif key == "extra_cache_tags_from_env" and isinstance(item, list):
            self._add(*(str(rule.get("env")) for rule in item if isinstance(rule, Mapping)))
        elif key == "env_key_mappings":
            self.patterns += [old + "*" for old in _keys(item)]
        elif key == "new_env_keys":
            for name in _texts(item):
                if name.startswith("<<<") and name.endswith(">>>"):
                    self.indirect.add(name[3:-3])
                else:
                    self._add(name)
        elif key == "new_state_keys":
            self.state.update(name for name in _texts(item) if not is_glob(name))
            self.state_patterns += [name for name in _texts(item) if is_glob(name)]

    def _add(self, *names: str) -> None:
        for name in names:
            name = name.replace("#", "*")
            if is_glob(name):
                self.patterns.append(name)
            else:
                self.names.add(name)


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, Mapping) else []


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value or "")]
