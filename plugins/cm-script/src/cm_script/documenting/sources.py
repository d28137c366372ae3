"""Where the recipes of a run come from, and the commands that bring them to another machine."""

from __future__ import annotations

from cm_script import privacy, readme, repro
from cmcore.hints import TYPE_CHECKING, NamedTuple, Sequence

if TYPE_CHECKING:
    from cmcore.types import Artifact, Collection


class Place(NamedTuple):
    """A collection.

    Attributes:
        commands: lines for a shell.
        remark: a sentence for people, or "".
    """

    commands: tuple[str, ...]
    remark: str


def of(recipes: Sequence[Artifact]) -> list[Place]:
    """The collections of these recipes, by name; those in packages come with their packages."""
    found: dict[str, Collection] = {}
    for artifact in recipes:
        place = artifact.collection
        if not place.distribution:
            found.setdefault(place.path, place)
    return [_place(place) for place in sorted(found.values(), key=lambda p: (p.name, p.path))]


def _place(place: Collection) -> Place:
    from shlex import quote

    address, commit = readme.clone_address(place.path), repro.revision(place.path)
    word = f"`{place.name}` is private." if privacy.collection(place) else ""
    if address and commit:
        folder = quote(place.name.replace("/", "-"))
        commands = (
            f"git clone {quote(address)} {folder}",
            f"git -C {folder} checkout --quiet {commit}",
            f"cm add collection {folder}",
        )
        return Place(commands, word)
    named = " --name=copied" if place.kind == "local" else ""
    remark = f"`{place.name}` is a folder of the machine where this was written: copy it first."
    return Place((f"cm add collection {quote(place.path)}{named}",), f"{remark} {word}".strip())
