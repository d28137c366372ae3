"""`_base: automation::artifact`: an artifact that begins as another one.

The base's meta is taken first, then the artifact's own is merged into it: mappings key by key,
lists appended. A base may have a base.
"""

from __future__ import annotations

from cmcore.artifacts import merge
from cmcore.errors import CmError
from cmcore.hints import Any, Callable

_DEEPEST = 10

#: (automation, name of the base) -> the base's own meta and its automation.
FindBase = Callable[[str, str], "tuple[str, dict[str, Any]]"]


def effective(automation: str, meta: dict[str, Any], find: FindBase) -> dict[str, Any]:
    """The meta with everything it inherits, without `_base`.

    Args:
        automation: of the artifact; its base's too unless `_base` names another one.
        meta: the artifact's own meta.
        find: finds one base; raises `CmError` when there is not exactly one.

    Raises:
        CmError: a base cannot be found, or the chain is longer than 10 (a circle, perhaps).
    """
    chain: list[dict[str, Any]] = []
    names: list[str] = []
    while True:
        own = dict(meta)
        base = own.pop("_base", None)
        chain.append(own)
        if not isinstance(base, str) or not base.strip():
            break
        names.append(base.strip())
        if len(names) > _DEEPEST:
            raise CmError(f"'_base' leads over more than {_DEEPEST} artifacts: {names[-2:]}...")
        noun, colons, name = base.strip().partition("::")
        automation = noun if colons else automation
        automation, meta = find(automation, name if colons else noun)
    result: dict[str, Any] = {}
    for part in reversed(chain):
        merge(result, part)
    return result
