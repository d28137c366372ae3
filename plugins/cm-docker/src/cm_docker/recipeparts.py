"""What recipes and users say about the image itself: the `docker:` block's keys that shape it."""

from __future__ import annotations

import os

from cm_docker import option_values
from cm_docker.buildfolder import File, copy_of
from cm_docker.containerfile import Words
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_docker.image import ImageWishes

_Row = Mapping[str, Any]

#: Flags of a request that can be made ahead, in the order in which they are written.
_FLAGS = ("tags", "version", "version_min", "version_max", "extra_cache_tags", "adr", "env")


def site(wishes: ImageWishes, settings: _Row) -> bool:
    """Whether cm sees the packages of the base image's own Python."""
    if wishes.system_site_packages is not None:
        return wishes.system_site_packages
    return option_values.switch(settings.get("system_site_packages")) is True


def system(wishes: ImageWishes, settings: _Row) -> tuple[str, ...]:
    """Shell commands of `extra_sys_deps`: the user's instead of the recipe's."""
    return wishes.extra_sys_deps or texts(settings.get("extra_sys_deps"))


def final(settings: _Row) -> tuple[str, ...]:
    """Shell commands of `docker_run_final_cmds`, run at the end of the build."""
    return texts(settings.get("docker_run_final_cmds") or settings.get("run_final_cmds"))


def build_env(wishes: ImageWishes, settings: _Row) -> dict[str, str]:
    """Variables of the image: the recipe's `build_env`, and the user's above it."""
    return {**variables(settings.get("build_env")), **wishes.build_env}


def user(wishes: ImageWishes, settings: _Row) -> str:
    """Name of a user that the image has to know; "" for none.

    Raises:
        UsageError: it cannot be the name of a user.
    """
    from cmcore.errors import UsageError

    name = str(wishes.user or settings.get("user") or "").partition(":")[0].strip()
    if not name or name == "root" or name.isdigit():
        return ""
    rest = name.replace("-", "").replace("_", "")
    if not name.isascii() or not rest.isalnum() or not (name[0].islower() or name[0] == "_"):
        raise UsageError(
            f"'{name}' cannot be the name of a user in a container",
            hint="it is written in small letters and digits, like cmuser, or is a number",
        )
    return name


def files(wishes: ImageWishes, settings: _Row) -> tuple[dict[str, File], dict[str, str]]:
    """Files of `copy_files` (`SOURCE:TARGET`), and where the image has them.

    Raises:
        UsageError: a source is missing, or the target is no absolute path.
    """
    from cm_docker.collected import listed
    from cmcore.errors import UsageError

    found: dict[str, File] = {}
    targets: dict[str, str] = {}
    asked = wishes.copy_files or texts(settings.get("copy_files"))
    for number, text in enumerate(asked, 1):
        source, _, target = text.rpartition(":")
        path = os.path.abspath(os.path.expanduser(source))
        if not source or not target.startswith("/"):
            raise UsageError(
                f"docker.copy_files: '{text}' is not SOURCE:TARGET with an absolute TARGET"
            )
        name = f"files/{number}"
        if os.path.isdir(path):
            found.update(
                {f"{name}/{n}": copy_of(p) for n, p in listed(path, private=True)[0].items()}
            )
        elif os.path.isfile(path):
            found[name] = copy_of(path)
        else:
            raise UsageError(f"docker.copy_files: there is no file '{path}'")
        targets[name] = target
    return found, targets


class Ahead(NamedTuple):
    """What is made ahead: commands, the recipes that each needs (None: any), and what is not."""

    steps: tuple[Words, ...] = ()
    needs: tuple[tuple[str, ...] | None, ...] = ()
    notes: tuple[str, ...] = ()


def ahead(wishes: ImageWishes, about: _Row, settings: _Row) -> Ahead:
    """Commands that make ahead what can be made ahead, and sentences on what was left out.

    Requests that touch a private recipe are left out: its outcome would be in a layer.
    """
    if wishes.network == "off":
        return Ahead()
    private = {
        str(row.get(key))
        for row in about.get("recipes") or ()
        for key in ("uid", "path")
        if row.get("private") and not wishes.include_private
    }
    prefix = str(about.get("prefix") or "CM")
    more = {**variables(settings.get("env")), **variables(settings.get("dockerfile_env"))}
    found: dict[Words, tuple[str, ...] | None] = {}
    notes: list[str] = []
    for entry in about.get("prefetch") or ():
        needed = entry.get("recipes")
        touched = private if needed is None else set(map(str, needed)) & private
        if touched:
            label = entry.get("label") or entry.get("tags")
            notes.append(f"'{label}' is made when the container runs: it may need private recipes")
            continue
        # An open request may run recipes that no plan knows of: no recipe is called `*`, and where
        # one is not known, all are there.
        others = ("*",) if entry.get("open") else ()
        names = None if needed is None else (*map(str, needed), *others)
        found.setdefault(request(entry, prefix, more), names)
    return Ahead(tuple(found), tuple(found.values()), tuple(notes))


def request(entry: _Row, prefix: str, more: _Row) -> Words:
    """One command line of `cm run script` that asks nothing.

    Args:
        entry: flags as a plan's `prefetch` has them.
        prefix: of variables, `CM` or `MLC`.
        more: further variables.
    """
    from cmcore.grammar import unparse
    from cmcore.types import Request

    flags: dict[str, Any] = {key: entry[key] for key in _FLAGS if entry.get(key)}
    if entry.get("dialect"):
        flags["dialect"] = entry["dialect"]
    # The recipes are told where they run as the command itself tells them.
    env = {**more, **(flags.pop("env", None) or {}), f"{prefix}_RUN_STATE_DOCKER": "True"}
    flags["env"] = {key: env[key] for key in sorted(env)}
    flags["quiet"] = True
    if isinstance(flags.get("adr"), dict):
        flags["adr"] = _sorted(flags["adr"])
    return ("cm", *unparse(Request("run", "script", (), flags, console=True)))


def texts(value: object) -> tuple[str, ...]:
    """A text, or a list of them, without empty ones."""
    rows = [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ()
    return tuple(str(row).strip() for row in rows if str(row).strip())


def variables(value: object) -> dict[str, str]:
    """Variables of a recipe's meta as texts: true is `True`, as recipes see it."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): str(one) for key, one in value.items() if one is not None}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value
