"""The image of a plan: everything its build needs, in one folder, and nothing that is private."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple

if TYPE_CHECKING:
    from cm_docker.content import Content
    from cm_docker.pipconf import PipConf
    from cm_docker.records import Mount
    from cmcore.context import Context

#: Label of an image that says what it was made from.
DIGEST = "org.cmcore.digest"


class ImageWishes(NamedTuple):
    """What the user asked for; "", None and empty ones are the recipe's or our choice.

    Attributes:
        base_image, os, os_version, image_repo, image_name, image_tag, image_tag_extra, user,
            extra_sys_deps, build_env, copy_files, system_site_packages: as in a recipe's
            `docker:` block.
        include_private: copy private parts like others.
        network: `off` when a build reaches no network.
        pip_index: address of an index instead of those that pip is configured with.
    """

    base_image: str = ""
    os: str = ""
    os_version: str = ""
    image_repo: str = ""
    image_name: str = ""
    image_tag: str = ""
    image_tag_extra: str = ""
    user: str = ""
    extra_sys_deps: tuple[str, ...] = ()
    build_env: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    copy_files: tuple[str, ...] = ()
    system_site_packages: bool | None = None
    include_private: bool = False
    network: str = "on"
    pip_index: str = ""


class Prepared(NamedTuple):
    """An image ready to be built.

    Attributes:
        folder: absolute build folder.
        file: absolute path of the Containerfile, or of the definition file.
        text: what it holds.
        tag: reference that the image is to get.
        digest: of all that makes the image, hexadecimal; label `DIGEST` keeps it.
        labels: labels of the image.
        secrets: identifier -> path of what build steps may read and no layer keeps.
        run_mounts: what a container has to see: private parts, and the secrets of `secrets` at
            `/run/secrets/<identifier>`, as recipes use pip and git when they run, too.
        run_env: variables that a container needs.
        home: CM_HOME in the image.
        network: `host` when a build needs this host's own network, else "".
        private: names of what was kept out of the image and is needed.
        notes: sentences for who wants to know more.
    """

    folder: str
    file: str
    text: str
    tag: str
    digest: str
    labels: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    secrets: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    run_mounts: tuple[Mount, ...] = ()
    run_env: Mapping[str, str] = {}  # noqa: RUF012 - never changed
    home: str = ""
    network: str = ""
    private: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prepare(
    ctx: Context,
    wishes: ImageWishes,
    about: Mapping[str, Any],
    settings: Mapping[str, Any],
    form: str = "containerfile",
    *,
    secrets: str = "",
) -> Prepared:
    """Write the build folder of a plan; the same plan gives the same bytes.

    Args:
        ctx: services.
        wishes: what the user asked for.
        about: key `container` of a plan.
        settings: the recipe's merged `docker:` block.
        form: `containerfile` or `definition`.
        secrets: a private folder that the caller makes and removes; "" writes no secret file.

    Raises:
        UsageError: a name, a variable or a file to copy cannot be in an image.
        CmError: a package in use cannot be had.
        StorageError: a file cannot be read or written.
    """
    from cm_docker import buildfolder, containerfile, content, definition, imagename, pipconf
    from cm_docker.records import Mount

    base = imagename.base(wishes, settings, str(ctx.settings.get("docker.base_image", "")))
    conf = pipconf.read(ctx, wishes.pip_index)
    made = content.collect(ctx, wishes, about, settings, base, house=_house(wishes, conf))
    files = dict(made.files)
    if form == "definition":
        name, text = "image.def", definition.render(made.parts)
        files["cm/post"] = buildfolder.File(definition.post(made.parts).encode(), program=True)
        files["cm/environment"] = buildfolder.File(definition.environment(made.parts).encode())
    else:
        name, text = "Containerfile", containerfile.render(made.parts)
    files[name] = buildfolder.File(text.encode())
    digest = buildfolder.digest(files, form)
    tag = imagename.tag(wishes, settings, about, base, digest)
    folder = buildfolder.write(ctx, digest[:32], files)
    given = pipconf.written(conf, secrets) if secrets else {}
    network = "host" if conf.loopback and wishes.network == "on" else ""
    readable = [Mount(path, f"/run/secrets/{key}") for key, path in sorted(given.items())]
    return Prepared(
        folder=folder,
        file=os.path.join(folder, name),
        text=text,
        tag=tag,
        digest=digest,
        labels={DIGEST: digest},
        secrets=given,
        run_mounts=(*made.apart.mounts, *readable),
        run_env=made.apart.env,
        home=containerfile.HOME,
        network=network,
        private=made.apart.names,
        notes=_notes(made, conf, network),
    )


def _house(wishes: ImageWishes, conf: PipConf) -> bool:
    return wishes.network == "off" or not conf.reachable


def _notes(made: Content, conf: PipConf, network: str) -> tuple[str, ...]:
    found = list(made.notes)
    if made.parts.house and not conf.reachable:
        found.append(
            "pip is configured with folders of this host only, so the wheels were downloaded here"
        )
    if network:
        found.append("pip's index is on this host, so the image is built with the host's network")
    return tuple(found)
