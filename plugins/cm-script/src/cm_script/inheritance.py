"""What a run found and what it made: only the latter belongs to a cached result.

A recipe exports by pattern, inherited values included. A later request has a caller of its own, so
an entry holds what the run itself made, and whoever is served gets, for the same patterns, what its
own caller has: together what a run would give there.

Who set a value is told by the object, not by the text: before a recipe runs, each inherited text is
replaced by an equal new one, and what is that very object in the end was set by nobody. Texts of
one character, the empty text, numbers and None have no copies in Python; they count as made.
"""

from __future__ import annotations

from cm_script.merge import copied
from cm_script.results import exported
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping

if TYPE_CHECKING:
    from cm_script.run import RecipeRun

#: `id of a text -> that text, and the caller's equal one`; holding both keeps the number unique.
Texts = dict[int, tuple[str, str]]
#: How the parts of one dictionary, environment or state, go together with a caller's:
#: `lists` how many items of a list come before the caller's, where a caller had some and they
#: stayed; all other lists are exported as they were made, as in the references;
#: `gone` keys that the run has removed; `given` those that it looked at and has not set: they are
#: for callers that have none.
Seam = dict[str, Any]


class Inherited:
    """The values that the run of a recipe which is about to be built has from its caller.

    Args:
        run: composed, and not begun; its environment and state are changed to equal ones.
    """

    def __init__(self, run: RecipeRun) -> None:
        local = run.inputs.get
        self._run = run
        env, state, const, const_state = run.found
        self._env = _Marked(run.env, (env, local("local_env")), (const, local("local_const")))
        states = (state, local("local_state")), (const_state, local("local_const_state"))
        self._state = _Marked(run.scope.state, *states)

    def made(
        self, new_env: Mapping[str, Any], new_state: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Seam]]:
        """The parts of what a recipe exports that its run has made, and how to complete them."""
        from cm_script.results import patterns

        names, env = patterns(self._run), self._run.env
        own_env, seam = self._env.made(new_env, names[0], env)
        own_state, state_seam = self._state.made(new_state, names[1], env)
        return own_env, own_state, {"env": seam, "state": state_seam}

    def given_back(
        self, new_env: Mapping[str, Any], new_state: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a recipe exports, with the caller's own objects where nobody has set a value."""
        return self._env.given_back(new_env), self._state.given_back(new_state)


class _Marked:
    """The inherited texts of an environment or a state, by key."""

    def __init__(
        self,
        live: dict[str, Any],
        given: Iterable[Mapping[str, Any] | None],
        constant: Iterable[Mapping[str, Any] | None],
    ) -> None:
        self.texts: dict[str, Texts] = {}
        self.keys = frozenset(live)
        for key, value in live.items():
            old: Texts = {}
            for source in given:
                if source and key in source:
                    _note(source[key], old)
            held: Texts = {}
            for source in constant:
                # Constants are asserted again and again: the caller's object itself comes back.
                if source and key in source:
                    _note(source[key], held)
            if not old and not held:
                continue
            live[key] = _renewed(value, {**old, **held}, held)
            if held:
                self.texts[key] = held

    def made(
        self, new: Mapping[str, Any], patterns: Iterable[str], env: dict[str, Any]
    ) -> tuple[dict[str, Any], Seam]:
        """The exported values without what is inherited, and the seam."""
        own: dict[str, Any] = {}
        lists: dict[str, int] = {}
        for key, value in new.items():
            texts = self.texts.get(key)
            if not texts:
                own[key] = value
            elif not isinstance(value, list):
                left = _made(value, texts)
                if left is not None:
                    own[key] = left
            else:
                kept = [item for item in value if not _is_inherited(item, texts)]
                if len(kept) == len(value):
                    own[key] = value
                elif kept:
                    own[key] = kept
                    first = next(n for n, item in enumerate(value) if _is_inherited(item, texts))
                    lists[key] = first
        before = exported(dict.fromkeys(self.keys), patterns, env)
        return own, {"lists": lists, "gone": sorted(set(before) - set(new))}

    def given_back(self, new: Mapping[str, Any]) -> dict[str, Any]:
        texts = self.texts
        return {k: _original(v, texts[k]) if k in texts else v for k, v in new.items()}


def completed(
    own: Mapping[str, Any],
    seam: Mapping[str, Any] | None,
    live: dict[str, Any],
    patterns: Iterable[str],
    env: dict[str, Any],
) -> dict[str, Any]:
    """What a recipe that is served exports: what its entry holds, and what its caller has.

    Args:
        own: environment or state of the entry.
        seam: what `Inherited.made` said of it; None for an entry that has everything in it.
        live: environment or state where the recipe is served.
        patterns: what the recipe exports.
        env: where patterns find the names that variables hold.
    """
    gone = seam.get("gone") or () if seam else ()
    found = exported(live, patterns, env)
    new = {key: copied(value) for key, value in found.items() if key not in gone}
    lists = (seam.get("lists") or {}) if seam else {}
    given = seam.get("given") or () if seam else ()
    for key, value in own.items():
        if key in given and key in new:
            continue
        new[key] = _together(value, live.get(key), lists.get(key, -1)) if seam else value
    return new


def _note(value: object, texts: Texts) -> None:
    if isinstance(value, str):
        if len(value) > 1:
            texts[id(value)] = (value, value)
    elif isinstance(value, list):
        for item in value:
            _note(item, texts)
    elif isinstance(value, Mapping):
        for item in value.values():
            _note(item, texts)


def _renewed(value: Any, old: Texts, new: Texts) -> Any:
    """`value` with equal new texts for the old ones; lists and dictionaries stay the same ones."""
    if isinstance(value, str):
        if id(value) in old:
            text = value[:1] + value[1:]
            new[id(text)] = (text, value)
            return text
    elif isinstance(value, list):
        value[:] = [_renewed(item, old, new) for item in value]
    elif isinstance(value, dict):
        for key in value:
            value[key] = _renewed(value[key], old, new)
    return value


def _share(value: Any, texts: Texts) -> int:
    """How many texts of a value are inherited; -1 when there is anything else in it."""
    if not isinstance(value, (list, dict)):
        return 1 if id(value) in texts else -1
    found = 0
    for item in value.values() if isinstance(value, dict) else value:
        one = _share(item, texts)
        if one < 0:
            return -1
        found += one
    return found


def _is_inherited(value: Any, texts: Texts) -> bool:
    return _share(value, texts) > 0


def _made(value: Any, texts: Texts) -> Any:
    """What is left of a value without its inherited parts; None for nothing."""
    if _is_inherited(value, texts):
        return None
    if isinstance(value, dict):
        left = {key: _made(item, texts) for key, item in value.items()}
        return {key: item for key, item in left.items() if item is not None or value[key] is None}
    if isinstance(value, list):
        return [item for item in value if not _is_inherited(item, texts)]
    return value


def _original(value: Any, texts: Texts) -> Any:
    if isinstance(value, str):
        found = texts.get(id(value))
        return found[1] if found else value
    if isinstance(value, list):
        return [_original(item, texts) for item in value]
    if isinstance(value, dict):
        return {key: _original(item, texts) for key, item in value.items()}
    return value


def _together(own: Any, caller: Any, first: int) -> Any:
    if isinstance(own, dict) and isinstance(caller, dict):
        both = copied(caller)
        for key, value in own.items():
            both[key] = _together(value, caller.get(key), 0)
        return both
    if isinstance(own, list) and isinstance(caller, list) and first >= 0:
        later = [item for item in own[first:] if item not in caller]
        return [*own[:first], *copied(caller), *later]
    return copied(own)
