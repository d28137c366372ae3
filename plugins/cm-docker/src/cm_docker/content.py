"""What an image of a plan is made of: files of the build folder, and what its file says of them."""

from __future__ import annotations

import os

from cm_docker import private
from cm_docker.buildfolder import File, copy_of, digest
from cm_docker.containerfile import COLLECTIONS, HOME, Parts, Words
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_docker.distributions import Used
    from cm_docker.image import ImageWishes
    from cmcore.context import Context

_Row = Mapping[str, Any]

#: Files of the package's folder `inside`; programs are executed by name.
PROGRAMS = ("enter", "step")
SCRIPTS = (
    *PROGRAMS,
    *("adduser", "ground", "net", "opened.py", "packages", "system", "venv.sh", "wgetrc"),
)


class Content(NamedTuple):
    """Files by path in the build folder, what is rendered, and what stays out of the image."""

    files: dict[str, File]
    parts: Parts
    apart: private.Apart
    notes: tuple[str, ...]


def collect(
    ctx: Context, wishes: ImageWishes, about: _Row, settings: _Row, base: str, *, house: bool
) -> Content:
    """Everything for `containerfile.render` and `buildfolder.write`.

    Args:
        ctx: services.
        wishes, about, settings: as in `image.prepare`.
        base: reference of the base image.
        house: take all wheels along.

    Raises:
        UsageError, CmError, StorageError: as in `image.prepare`.
    """
    from cm_docker import collected, parting, recipeparts

    rows = _collection_rows(about)
    hidden_rows = [row for row in rows if row.get("private") and not wishes.include_private]
    open_rows = [row for row in rows if row not in hidden_rows]
    installed, apart_installed, requirements = _installed(ctx, wishes, rows, base, house=house)
    known = {used.name for used in installed}
    found = collected.copied(
        [row for row in open_rows if not _carried(row, known)],
        HOME,
        private=wishes.include_private,
        folder=COLLECTIONS,
    )
    entries = [one.entry for one in found if one.entry]
    apart = private.together(
        apart_installed,
        private.artifacts(found, {str(row.get("path")) for row in about.get("recipes") or ()}),
        private.collections(ctx, [row for row in hidden_rows if not _carried(row, known)], entries),
    )
    ground = {**_scripts(), **_packages(about), **requirements}
    venv: Words = ("--system-site-packages",) if recipeparts.site(wishes, settings) else ()
    ahead = recipeparts.ahead(wishes, about, settings)
    laid = parting.parts(parting.sorted_out(found, about), ahead.needs)
    files = {**ground, **_home(entries)}
    for number, part in enumerate(laid, 1):
        files.update({f"parts/{number}/{name}": file for name, file in part.items()})
    asked_files, targets = recipeparts.files(wishes, settings)
    files.update(asked_files)
    parts = Parts(
        base=base,
        identity=digest(ground, base, *venv, *recipeparts.system(wishes, settings))[:16],
        packages="system/packages.list" in files,
        system=recipeparts.system(wishes, settings),
        venv=venv,
        env=recipeparts.build_env(wishes, settings),
        parts=tuple(number if part else 0 for number, part in enumerate(laid, 1)),
        files=targets,
        steps=ahead.steps,
        final=recipeparts.final(settings),
        user=recipeparts.user(wishes, settings),
        house=house,
    )
    return Content(files, parts, apart, ahead.notes)


def _collection_rows(about: _Row) -> list[_Row]:
    """Collections of the plan's recipes, each once, by name: their order has no meaning."""
    found: dict[str, _Row] = {}
    for recipe in about.get("recipes") or ():
        row = recipe.get("collection") or {}
        if row.get("path"):
            found.setdefault(str(row["path"]), row)
    return sorted(found.values(), key=lambda row: (str(row.get("name")), str(row["path"])))


def _carried(row: _Row, known: set[str]) -> bool:
    """Whether an installed package brings the collection."""
    from cm_docker.distributions import normal

    name = str(row.get("distribution") or "").partition(" ")[0]
    return row.get("kind") == "package" and bool(name) and normal(name) in known


def _installed(
    ctx: Context, wishes: ImageWishes, rows: Iterable[_Row], base: str, *, house: bool
) -> tuple[list[Used], private.Apart, dict[str, File]]:
    """Distributions in use, the private ones' folders, and the build folder's `wheels`."""
    from cm_docker import distributions, wheelhouse, wheels

    carried = [str(row.get("distribution") or "") for row in rows if row.get("kind") == "package"]
    used = distributions.in_use(ctx, carried)
    own = {one.name for one in used if one.private and not wishes.include_private}
    made = [(one, wheels.wheel(ctx, one)) for one in used]
    shown = [(one, path) for one, path in made if one.name not in own]
    apart = private.distributions(ctx, [(one, path) for one, path in made if one.name in own])
    # What private packages need of others has to be there for them.
    needs = {
        text
        for one, _ in made
        if one.name in own
        for text in distributions.needs(one)
        if distributions.name_of(text) not in own | {one.name for one, _ in shown}
    }
    local = {f"wheels/{os.path.basename(path)}": copy_of(path) for _, path in shown if path}
    text = wheels.requirements(shown) + "".join(f"{need}\n" for need in sorted(needs))
    files = {"wheels/requirements.txt": File(text.encode()), **local}
    if house:
        asked = [path or f"{one.name}=={one.version}" for one, path in shown]
        fetched = wheelhouse.fetch(ctx, base, [*asked, *sorted(needs)])
        files.update({f"wheels/house/{name}": copy_of(path) for name, path in fetched.items()})
    return used, apart, files


def _scripts() -> dict[str, File]:
    """The scripts of every image."""
    from cmcore.storage import read_bytes

    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
    return {
        f"cm/{name}": File(read_bytes(os.path.join(folder, name)), program=name in PROGRAMS)
        for name in SCRIPTS
    }


def _packages(about: _Row) -> dict[str, File]:
    from cm_docker import packages

    rows = packages.wanted(about.get("programs") or (), about.get("system_packages") or ())
    text = packages.listed(rows)
    return {"system/packages.list": File(text.encode())} if text else {}


def _home(entries: list[Mapping[str, str]]) -> dict[str, File]:
    listed = File(private.listed(entries), shared=True)
    return {"home/collections.json": listed, "home/collections.json.copy": listed}
