"""From the variations that were asked for to those that will be applied, in order.

To the request come aliases, bases, defaults that chosen variations bring, and one default per
group. A variation is named as the meta names it (`batch_size.#`, its *key*) or, when dynamic, by
a value in place of `#` (`batch_size.8`). Each is applied once however often it is implied, and
bases that imply each other end the search instead of prolonging it.
"""

from __future__ import annotations

from cm_script.varnames import block_of, combined_keys, key_of
from cmcore.errors import CmError, NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:
    from cm_script.dialects import Dialect


class Resolved(NamedTuple):
    """The outcome.

    Attributes:
        variations: what to apply, in order; exclusions stay in it as `-x`.
        groups: keys of the members of each group.
    """

    variations: list[str]
    groups: dict[str, list[str]]


#: Keys of a recipe that say something of variations, besides the table of them.
_RULES = frozenset(
    ("default_variation", "valid_variation_combinations", "invalid_variation_combinations")
)


def resolve(
    asked: Sequence[str],
    meta: Mapping[str, Any],
    dialect: Dialect,
    defaults: Iterable[Mapping[str, str]] = (),
) -> Resolved:
    """Resolve a request.

    Args:
        asked: explicit variations; `-x` excludes `x`.
        meta: the recipe's meta.
        dialect: decides on order and on what may bring bases and defaults.
        defaults: `{group: variation}` from other places than variations, strongest first.

    Raises:
        NotFoundError: a variation that the recipe does not have.
        UsageError: two of one group, or a base or alias that the request excludes.
        CmError: the meta contradicts itself.
    """
    table = meta.get("variations")
    defaults = [source for source in defaults if source]
    if not (asked or table or defaults) and _RULES.isdisjoint(meta):
        return Resolved([], {})  # as for most recipes at the end of a tree
    search = _Search(table if isinstance(table, dict) else {}, dialect, asked)
    search.add_aliases()
    search.add_recipe_default(meta.get("default_variation"))
    for source in defaults:
        search.add_defaults(source, search.keys(), "the recipe")
    search.expand()
    if search.add_group_defaults():
        search.expand()
    _check_combinations(meta, search.chosen)
    return Resolved(search.chosen, search.groups)


class _Search:
    """The growing list of chosen variations."""

    def __init__(self, variations: dict[str, Any], dialect: Dialect, asked: Sequence[str]) -> None:
        self.variations = variations
        self.dialect = dialect
        self.chosen = list(dict.fromkeys(asked))
        self.excluded = [
            key_of(name[1:], variations) or name[1:] for name in asked if name.startswith("-")
        ]
        self.groups: dict[str, list[str]] = {}
        self.group_defaults: dict[str, str] = {}
        self._read_groups()
        for name in self.on():
            self.block(name)

    def on(self) -> list[str]:
        """Chosen variations without exclusions and markers."""
        return [name for name in self.chosen if not name.startswith(("-", "~"))]

    def keys(self) -> set[str]:
        return {key_of(name, self.variations) or name for name in self.on()}

    def block(self, name: str, by: str = "") -> dict[str, Any]:
        key = key_of(name, self.variations)
        if not key:
            from cm_script.hints import nearest

            raise NotFoundError(
                f"there is no variation '{name}'" + (f", which {by} asks for" if by else ""),
                hint=nearest(name, (k for k in self.variations if "," not in k), "variations"),
            )
        return block_of(name, self.variations)

    def _read_groups(self) -> None:
        for key, block in self.variations.items():
            if not isinstance(block, dict) or "group" not in block:
                continue
            group = str(block["group"])
            self.groups.setdefault(group, []).append(key)
            if "default" in block:
                if group in self.group_defaults:
                    raise CmError(
                        f"variation group '{group}' has two defaults, "
                        f"'{self.group_defaults[group]}' and '{key}'"
                    )
                self.group_defaults[group] = key

    def add_aliases(self) -> None:
        for name in self.on():
            block = self.block(name)
            alias = block.get("alias")
            if alias is None:
                continue
            alias = str(alias)
            if alias in self.excluded:
                raise UsageError(
                    f"variation '{name}' stands for '{alias}', which the request excludes"
                )
            if alias not in self.variations:
                self.block(alias, f"the alias '{name}'")
            if "group" in block or "default" in block:
                raise CmError(f"variation '{name}' is an alias and cannot belong to a group")
            if alias not in self.chosen:
                self.chosen.append(alias)

    def add_recipe_default(self, name: object) -> None:
        if not name or not isinstance(name, str):
            return
        self.block(name, "the recipe's default_variation")
        if not self.chosen and name not in self.excluded:
            self.chosen = [name]

    def expand(self) -> None:
        """Add bases and per-variation defaults until nothing more is implied."""
        # Defaults look at the choice as it was before this round: two variations that bring
        # different defaults for one group contradict each other, and that must be seen.
        before = self.keys()
        done: set[str] = set()
        while any(name not in done for name in self.on()):
            # The list grows meanwhile: what joins at its end is still met in this round, what
            # joins at its front in the next one. Recipes rely on the order that this makes.
            for name in self.chosen:
                if name.startswith(("-", "~")) or name in done:
                    continue
                self._expand_one(name, before, done)
                for key in self._satisfied():
                    if key not in done:
                        self._expand_one(key, before, done)

    def _expand_one(self, name: str, before: set[str], done: set[str]) -> None:
        done.add(name)
        block = self.block(name)
        if "," not in name or self.dialect.bases_of_combined:
            self._add_bases(name, block)
        self.add_defaults(block.get("default_variations"), before, f"variation '{name}'")

    def _satisfied(self) -> list[str]:
        return [
            key
            for key in combined_keys(self.variations)
            if _all_chosen(key, self.chosen, self.dialect)
        ]

    def _add_bases(self, name: str, block: Mapping[str, Any]) -> None:
        bases = block.get("base")
        for base in [bases] if isinstance(bases, str) else bases or ():
            self.block(base, f"the base of '{name}'")
            if base in self.chosen or self._prefix_is_chosen(base):
                continue
            if base in self.excluded:
                raise UsageError(
                    f"variation '{name}' builds on '{base}', which the request excludes"
                )
            self.chosen.insert(0 if self.dialect.bases_first else len(self.chosen), base)

    def _prefix_is_chosen(self, base: str) -> bool:
        if base in self.variations or not self.dialect.dynamic_base_once:
            return False
        return any(name.startswith(base[: base.index(".") + 1]) for name in self.chosen)

    def add_defaults(self, defaults: object, before: set[str], by: str) -> None:
        if not isinstance(defaults, Mapping):
            return
        for group, value in defaults.items():
            name = str(value)
            if group not in self.groups:
                from cm_script.hints import nearest

                raise CmError(
                    f"{by} sets a default for '{group}', which is no group of variations",
                    hint=nearest(str(group), self.groups, "groups"),
                )
            taken = not before.isdisjoint(self.groups[group])
            if taken or name in self.excluded or name in before:
                continue
            self.block(name, by)
            if name not in self.chosen:
                self.chosen.append(name)

    def add_group_defaults(self) -> bool:
        """Refuse two of one group; choose the default where none was chosen."""
        keys, added = self.keys(), False
        for group, members in self.groups.items():
            picked = [key for key in members if key in keys]
            if len(picked) > 1:
                raise self._too_many(group, picked)
            default = self.group_defaults.get(group)
            if not picked and default is not None and default not in self.excluded:
                self.chosen.append(default)
                added = True
        return added

    def _too_many(self, group: str, picked: list[str]) -> UsageError:
        from cm_script.hints import listed

        names = [n for n in self.on() if key_of(n, self.variations) in picked]
        return UsageError(
            f"only one variation of group '{group}' can be chosen, not "
            + " and ".join(f"'{name}'" for name in names),
            hint="the group has " + listed(sorted(self.groups[group])),
        )


def _all_chosen(key: str, chosen: Sequence[str], dialect: Dialect) -> bool:
    return all(
        part in chosen
        or (
            dialect.dynamic_combined
            and part.endswith(".#")
            and any(name.startswith(part[:-1]) for name in chosen)
        )
        for part in key.split(",")
    )


def _check_combinations(meta: Mapping[str, Any], chosen: list[str]) -> None:
    valid = meta.get("valid_variation_combinations") or []
    if valid and not any(all(name in chosen for name in names) for names in valid):
        raise CmError(
            f"the variations {', '.join(chosen)} do not go together",
            hint="these do: " + "; ".join(", ".join(map(str, names)) for names in valid),
        )
    for names in meta.get("invalid_variation_combinations") or []:
        if all(name in chosen for name in names):
            raise CmError(f"the variations {', '.join(map(str, names))} do not go together")
