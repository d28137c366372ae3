"""The engines of this package."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_docker.engine import Engine
    from cmcore.context import Context


def engines(ctx: Context) -> list[Engine]:
    """podman, docker and apptainer; nothing is looked at before it is asked."""
    from cm_docker.engines.apptainer import Apptainer
    from cm_docker.engines.docker import Docker
    from cm_docker.engines.podman import Podman

    return [Podman(ctx), Docker(ctx), Apptainer(ctx)]
