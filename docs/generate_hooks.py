"""Write docs/reference/hooks.md from the docstrings of the contract.

    python docs/generate_hooks.py [--print]

The page is committed, so that it can be read without running anything; a test compares the two.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from cmcore.hookspecs import API_VERSION, CmSpecs

PAGE = Path(__file__).with_name("reference") / "hooks.md"
HEAD = f"""# Hooks

<!-- Written by docs/generate_hooks.py; change the docstrings in cmcore/hookspecs.py instead. -->

Version {API_VERSION} of the contract. A plugin implements the hooks that its manifest names, as
functions marked with `@cmcore.hookimpl` in the module of its entry point. An implementation may
take fewer arguments than shown here, never more.
"""
KINDS = (
    (
        "Actions",
        'Routed to the one plugin that owns the noun and verb. None means "not mine".',
        lambda name, first: first and not name.startswith("cm_cache_"),
    ),
    (
        "Cache",
        "Asked by whoever runs things, answered by the package that keeps results.",
        lambda name, first: name.startswith("cm_cache_"),
    ),
    (
        "Observers",
        "Called around every action. A failing observer is reported and skipped.",
        lambda name, first: name in ("cm_before_action", "cm_after_action", "cm_on_error"),
    ),
    (
        "Contributions",
        "What a plugin adds; they return records and do no work.",
        lambda name, first: True,
    ),
)


def entry(name: str) -> str:
    """One hook: signature, text, example."""
    function = getattr(CmSpecs, name)
    signature = inspect.signature(function)
    shown = [f"{k}: {v.annotation}" for k, v in signature.parameters.items() if k != "self"]
    answer = signature.return_annotation
    text, _, example = (inspect.getdoc(function) or "").partition("Example::")
    lines = [f"### {name}({', '.join(shown)}) -> {answer}", "", _fenced(text.strip())]
    if example:
        lines += ["", "```python", inspect.cleandoc(example), "```"]
    return "\n".join(lines) + "\n"


def _fenced(text: str) -> str:
    """Sections of a docstring as Markdown."""
    return text.replace("Raises:\n", "Raises:\n\n").replace("\n    ", "\n- ")


def page() -> str:
    """The whole page."""
    left = [name for name in vars(CmSpecs) if name.startswith("cm_")]
    parts = [HEAD]
    for title, text, belongs in KINDS:
        first = {n: getattr(CmSpecs, n).cmcore_spec.get("firstresult") for n in left}
        here = [name for name in left if belongs(name, bool(first[name]))]
        left = [name for name in left if name not in here]
        parts += [f"## {title}\n\n{text}\n", *map(entry, here)]
    return "\n".join(parts)


def main() -> None:
    """Write the page, or print it."""
    if "--print" in sys.argv[1:]:
        sys.stdout.write(page())
    else:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
