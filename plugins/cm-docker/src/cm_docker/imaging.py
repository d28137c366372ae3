"""Have the image of a job: build it unless it is there, one process at a time."""

from __future__ import annotations

import os
import time
from collections import deque

from cm_docker import owner
from cm_docker.image import DIGEST, ImageWishes
from cm_docker.records import Build, Built
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from cm_docker.engine import Engine
    from cm_docker.image import Prepared
    from cm_docker.options import Wishes
    from cmcore.context import Context

#: Lines of a failed build that are shown; its log has all.
_SHOWN = 12


def wished(ctx: Context, wishes: Wishes) -> ImageWishes:
    """The part of the wishes that is about the image."""
    return ImageWishes(
        base_image=wishes.base_image,
        os=wishes.os,
        os_version=wishes.os_version,
        image_repo=wishes.image_repo,
        image_name=wishes.image_name,
        image_tag=wishes.image_tag,
        image_tag_extra=wishes.image_tag_extra,
        user=wishes.user,
        extra_sys_deps=wishes.extra_sys_deps,
        build_env=wishes.build_env,
        copy_files=wishes.copy_files,
        system_site_packages=wishes.system_site_packages,
        include_private=bool(wishes.include_private),
        pip_index=str(ctx.settings.get("docker.pip_index", "") or ""),
    )


def have(ctx: Context, engine: Engine, prepared: Prepared, wishes: Wishes) -> Built:
    """The image, built if it must be.

    Raises:
        NotFoundError: it is not to be built, and not there.
        CmError: it cannot be built; the last lines of the build were shown, its log is named.
    """
    if wishes.skip_build:
        there = engine.image(prepared.tag)
        if not there:
            raise NotFoundError(
                f"{engine.name} has no image {prepared.tag}", hint="leave out --docker.skip_build"
            )
        return Built(there)
    with owner.build_lock(ctx, f"{engine.name} {prepared.tag}"):
        if not (wishes.rebuild or wishes.pull) and _made_of(engine, prepared):
            ctx.console.log(f"the image {prepared.tag} is there", verbose=True)
            return Built(engine.image(prepared.tag))
        return _build(ctx, engine, prepared, wishes)


def _made_of(engine: Engine, prepared: Prepared) -> bool:
    if not engine.image(prepared.tag):
        return False
    return engine.labels(prepared.tag).get(DIGEST) == prepared.digest


def _build(ctx: Context, engine: Engine, prepared: Prepared, wishes: Wishes) -> Built:
    build = Build(
        folder=prepared.folder,
        file=prepared.file,
        tag=prepared.tag,
        labels={**prepared.labels, **owner.labels(ctx)},
        # A container without a network is made from what was fetched before.
        network=prepared.network or ("host" if wishes.network == "host" else "on"),
        secrets=prepared.secrets,
        rebuild=bool(wishes.rebuild),
        pull=bool(wishes.pull),
    )
    log = _Log(ctx, f"container-build-{prepared.digest[:12]}.log")
    ctx.console.log(f"building {prepared.tag} with {engine.name}")
    try:
        with log, ctx.console.progress("building") as progress:

            def tell(line: str) -> None:
                log.line(line)
                ctx.console.log(f"  {line}", verbose=True)
                progress.update(log.count, line.strip()[:60])

            built = engine.build(build, tell)
    except CmError as error:
        if not log.count:
            log.remove()
            raise
        for line in log.last(_SHOWN):
            ctx.console.err(f"  | {line}")
        if error.where:
            raise
        raise CmError(error.message, where=log.path, hint=error.hint, code=error.code) from None
    except BaseException:
        log.remove()
        raise
    log.remove()
    ctx.console.log(f"built in {log.seconds:.0f} s: {built.steps} steps, {built.reused} reused")
    return built


class _Log:
    """The output of one build, kept only when it failed. A full disk loses lines, not the build."""

    def __init__(self, ctx: Context, name: str) -> None:
        self.path = os.path.join(ctx.paths.logs, name)
        self.count = 0
        self.seconds = 0.0
        self._last: deque[str] = deque(maxlen=200)

    def __enter__(self) -> _Log:
        from cmcore.storage import make_dir

        make_dir(os.path.dirname(self.path))
        self._began = time.monotonic()
        try:
            self._file = open(self.path, "w", encoding="utf-8", errors="replace")
        except OSError:
            self.path = ""
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
        if self.path:
            try:
                self._file.close()
            except OSError:
                pass

    def line(self, text: str) -> None:
        self.count += 1
        self._last.append(text.rstrip())
        if self.path:
            try:
                self._file.write(text.rstrip("\n") + "\n")
            except OSError:
                pass

    def last(self, number: int) -> list[str]:
        return [line for line in self._last if line.strip()][-number:]

    def remove(self) -> None:
        try:
            os.unlink(self.path)
        except OSError:
            pass


def publish(
    ctx: Context, engine: Engine, prepared: Prepared, target: str, wishes: Wishes
) -> Mapping[str, str]:
    """Send the image to a registry.

    Raises:
        CmError: parts that are private are missing in it, or the registry refused it.
    """
    if prepared.private and not wishes.include_private:
        raise CmError(
            f"the image needs what is private and so not in it: {', '.join(prepared.private)}",
            hint="--docker.include_private publishes that, too",
        )
    ctx.console.log(f"sending {prepared.tag} to {target}")
    engine.push(prepared.tag, target, lambda line: ctx.console.log(f"  {line}", verbose=True))
    return {"published": target}
