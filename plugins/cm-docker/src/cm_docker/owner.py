"""Whose containers and images these are: labels, and locks so that two commands do not collide."""

from __future__ import annotations

import os

from cm_docker.engine import OWNER
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cmcore.context import Context


def owner(ctx: Context) -> str:
    """Name of this home folder in labels: a digest, because its path may tell who somebody is."""
    from hashlib import sha256

    return sha256(os.path.realpath(ctx.paths.home).encode("utf-8", "surrogateescape")).hexdigest()[
        :16
    ]


def labels(ctx: Context) -> dict[str, str]:
    """Labels of all that is made for this home."""
    return {OWNER: owner(ctx)}


def container_name() -> str:
    """A name for one container that no other has: short enough to type."""
    return "cm-" + os.urandom(4).hex()


def build_lock(ctx: Context, tag: str) -> AbstractContextManager[object]:
    """At most one process at a time builds the image of this name; others wait and then find it."""
    from hashlib import sha256

    from cmcore.storage import lock

    name = "container-" + sha256(tag.encode()).hexdigest()[:16] + ".lock"
    return lock(
        os.path.join(ctx.paths.locks, name),
        what=f"the image {tag}",
        on_wait=lambda text: ctx.console.log(text),
    )
