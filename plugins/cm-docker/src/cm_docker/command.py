"""`cm docker script` as a command: a request in, the outcome of a container or one error out."""

from __future__ import annotations

import os

from cm_docker import flagtrees, imaging, launch, options, owner
from cm_docker import job as jobs
from cm_docker import settings as run_settings
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping
from cmcore.types import Result

if TYPE_CHECKING:
    from cm_docker.engine import Engine
    from cm_docker.image import Prepared
    from cm_docker.job import Inside, Job
    from cm_docker.options import Asked
    from cm_docker.records import Built, Ended, Launch
    from cm_docker.secrets import Private
    from cm_docker.settings import RunSettings
    from cmcore.context import Context
    from cmcore.types import Request


def docker(ctx: Context, request: Request) -> Result:
    """Run a recipe in a container; its exit code is the result's.

    Raises:
        UsageError: an option is unknown or cannot be read.
        CmError: what stopped it before the recipe began; nothing is left behind.
    """
    asked, job = _planned(ctx, request)
    if job.settings.starts_containers:
        ctx.console.log(f"{job.recipe} starts containers by itself: it is told to")
        again = request._replace(action="run", flags={**asked.flags, "docker": True})
        return ctx.call(again)
    run_settings.may_run(job.settings, job.recipe, job.wishes)
    _check_terminal(ctx, job)
    from cm_docker.engines.choose import choose
    from cm_docker.secrets import Private

    engine = choose(ctx, _engine_name(ctx, job))
    dry = bool(job.wishes.dry_run)
    with Private(ctx.environ) as private:
        if not dry:
            for text in engine.clean(owner.owner(ctx)):
                ctx.console.log(text, verbose=True)
            job = jobs.with_host_deps(ctx, job, asked)
        inside = jobs.inside(ctx, job, make=not dry)
        try:
            prepared = _prepare(ctx, job, engine.file_form(), private.folder)
            if dry:
                container = _container(ctx, job, inside, engine, prepared, prepared.tag, private)
                return _shown(engine, prepared, container, job)
            built = imaging.have(ctx, engine, prepared, job.wishes)
            data = _data(engine, prepared, built)
            data.update(_publish(ctx, job, engine, prepared))
            if job.wishes.publish:
                return Result(data, view=f"{prepared.tag} was sent to {job.wishes.publish}")
            container = _container(ctx, job, inside, engine, prepared, built.image, private)
            _announce(ctx, job, inside, container)
            ended = engine.run(container)
        except BaseException:
            inside.view.forget()
            raise
        answer = _answer(private, f"{prepared.home}/logs", ctx.paths.logs)
        return _outcome(ctx, job, data, container, ended, answer)


def dockerfile(ctx: Context, request: Request) -> Result:
    """Write the file and the folder that `cm docker script` builds from; build nothing.

    Raises:
        UsageError: an option is unknown or cannot be read.
        CmError: the recipe cannot be planned, or the folder is somebody else's.
    """
    from cm_docker import written

    _, job = _planned(ctx, request)
    run_settings.may_run(job.settings, job.recipe, job.wishes)
    inside = jobs.inside(ctx, job, make=False)
    form = "definition" if _engine_name(ctx, job) == "apptainer" else "containerfile"
    prepared = _prepare(ctx, job, form, "")
    line = launch.around(launch.words(_inner(job, inside, answers=False)), job.settings.before)
    return written.write(job.wishes, prepared, line, form)


def _planned(ctx: Context, request: Request) -> tuple[Asked, Job]:
    try:
        os.getcwd()
    except FileNotFoundError:
        raise CmError("the current folder was deleted", hint="go to another one") from None
    asked = options.split(flagtrees.given(request.flags))
    for note in asked.notes:
        ctx.console.log(note)
    job = jobs.read(ctx, request, asked)
    for note in job.settings.notes:
        ctx.console.log(note, verbose=True)
    for told in job.settings.told:
        ctx.console.log(told)
    return asked, job


def _engine_name(ctx: Context, job: Job) -> str:
    return job.wishes.engine or str(ctx.settings.get("docker.engine", "") or "")


def _check_terminal(ctx: Context, job: Job) -> None:
    """A shell that nobody can type into would end at once, or never."""
    wanted = (job.wishes.shell or job.wishes.interactive) and not job.wishes.dry_run
    if wanted and not _on_terminal():
        option = "shell" if job.wishes.shell else "interactive"
        raise UsageError(f"--docker.{option} needs a terminal", hint="leave it out")


def _on_terminal() -> bool:
    import sys

    return bool(sys.stdin) and sys.stdin.isatty()


def _prepare(ctx: Context, job: Job, form: str, secrets: str) -> Prepared:
    from cm_docker import image

    wishes = imaging.wished(ctx, job.wishes)
    prepared = image.prepare(ctx, wishes, job.about, job.block, form, secrets=secrets)
    for note in prepared.notes:
        ctx.console.log(note, verbose=True)
    return prepared


def _publish(ctx: Context, job: Job, engine: Engine, prepared: Prepared) -> Mapping[str, str]:
    target = job.wishes.publish or (prepared.tag if job.wishes.push_image else "")
    return imaging.publish(ctx, engine, prepared, target, job.wishes) if target else {}


def _interactive(job: Job) -> bool:
    """Whether a terminal is connected: for a shell, or where a recipe wants one that is there."""
    return bool(job.wishes.shell) or (job.settings.interactive and _on_terminal())


def _inner(job: Job, inside: Inside, *, answers: bool) -> launch.Inner:
    return launch.Inner(
        artifacts=inside.artifacts,
        flags=inside.flags,
        command=job.request.command,
        secret_file=bool(inside.secret_flags),
        answers=answers,
        interactive=_interactive(job) and not job.wishes.shell,
    )


def _answers(job: Job) -> bool:
    return not (job.wishes.shell or job.settings.detached or job.settings.skip)


def _container(
    ctx: Context,
    job: Job,
    inside: Inside,
    engine: Engine,
    prepared: Prepared,
    image: str,
    private: Private,
) -> Launch:
    from cm_docker.records import Mount
    from cmcore.storage import make_dir

    settings: RunSettings = job.settings
    mounts = [*inside.view.mounts(), *prepared.run_mounts]
    if not job.wishes.dry_run:
        # What a failed step said is worth more than the container it said it in.
        make_dir(ctx.paths.logs)
        mounts.append(Mount(ctx.paths.logs, f"{prepared.home}/logs", True))
    answers = _answers(job)
    if answers:
        # Who writes there may be another user; nobody else gets to the folder.
        mounts.append(Mount(private.subfolder("answers", 0o777), launch.ANSWERS, True))
    if inside.secret_flags:
        path = private.write_json("request.json", inside.secret_flags)
        mounts.append(Mount(path, launch.REQUEST))
    secrets = {n: private.write(f"env-{n}", v) for n, v in sorted(inside.secrets.items())}
    if job.wishes.shell:
        command = launch.shell()
    elif settings.skip:
        command = ("cm", "--version")
    else:
        line = launch.words(_inner(job, inside, answers=answers))
        command = launch.around(line, settings.before)
    kept, env, words = launch.cache_of(ctx, settings, engine.name, prepared.home, prepared.digest)
    if engine.name == "apptainer":
        words += launch.words_of_apptainer(job.wishes.apptainer, job.block)
    return launch.assemble(
        ctx,
        settings._replace(extra=(*settings.extra, *words)),
        image=image,
        command=command,
        mounts=(*mounts, *kept),
        env={**prepared.run_env, **inside.env, **env},
        secrets=secrets,
        workdir=inside.view.workdir,
        name=job.wishes.name,
        interactive=_interactive(job),
    )


def _announce(ctx: Context, job: Job, inside: Inside, container: Launch) -> None:
    for text in inside.view.warnings:
        ctx.console.warn(text)
    for text in inside.view.notes:
        ctx.console.log(text, verbose=True)
    from shlex import join

    if job.wishes.shell:
        line = launch.words(_inner(job, inside, answers=False))
        ctx.console.err("a shell in the container; this is the command of the recipe:")
        ctx.console.err(f"  {join(launch.around(line, job.settings.before))}")
    else:
        ctx.console.log(f"in the container: {join(container.command)}", verbose=True)


def _data(engine: Engine, prepared: Prepared, built: Built) -> dict[str, Any]:
    return {
        "image": prepared.tag,
        "image_id": built.image,
        "engine": engine.name,
        "built": {"steps": built.steps, "reused": built.reused},
    }


def _shown(engine: Engine, prepared: Prepared, container: Launch, job: Job) -> Result:
    """What would be done."""
    from shlex import join

    words = _words(engine, container)
    text = f"{prepared.file}\n{join(words)}"
    data = {"image": prepared.tag, "engine": engine.name, "file": prepared.file}
    return Result({**data, "folder": prepared.folder, "command": words}, view=text)


def _words(engine: Engine, container: Launch) -> list[str]:
    """The engine's command line; folders for outputs need not be there yet."""
    from cm_docker.engines import apptainer, commandline, words

    there = [mount for mount in container.mounts if os.path.lexists(mount.source)]
    later = [f"{m.source}:{m.target}" for m in container.mounts if m not in there]
    small = container._replace(mounts=tuple(there))
    ending = [word for one in later for word in ("--volume", one)]
    if isinstance(engine, commandline.CommandLine):
        given = [*engine.placing(small), *words.of(small, small.name, small.interactive)]
        return engine.words("run", *given, *ending, small.image, *small.command)
    if isinstance(engine, apptainer.Apptainer):
        bound = [word for one in later for word in ("--bind", one)]
        return ["apptainer", *apptainer.arguments(small), *bound, small.image, *small.command]
    return [engine.name, "run", container.image, *container.command]


def _answer(private: Private, logs_inside: str, logs: str) -> dict[str, Any]:
    """The document of the inner command, with the logs where they are here; {} without one."""
    import json

    path = os.path.join(private.folder, "answers", os.path.basename(launch.ANSWER))
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = json.loads(text.replace(json.dumps(logs_inside)[1:-1], json.dumps(logs)[1:-1]))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(
    ctx: Context,
    job: Job,
    data: dict[str, Any],
    container: Launch,
    ended: Ended,
    answer: dict[str, Any],
) -> Result:
    answer.pop("return", None)
    data = {**answer, **data, "container": container.name, "code": ended.code}
    if job.settings.detached:
        ctx.console.log(f"its output: {data['engine']} logs -f {container.name}")
        ctx.console.log(f"to stop it: cm stop container {container.name}")
        return Result(data, view=container.name)
    if ended.note:
        data["error"] = f"the container was ended: {ended.note}"
        ctx.console.error(data["error"])
    elif ended.code and "error" not in data:
        data["error"] = f"the command in the container ended with exit code {ended.code}"
    if ended.code and ctx.paths.logs in str(answer):
        ctx.console.err(f"logs of the steps in the container: {ctx.paths.logs}")
    if ended.code and "Read-only file system" in str(answer):
        ctx.console.err("inputs cannot be changed inside; --docker.mount=FOLDER:FOLDER:rw lets it")
    return Result(data, code=ended.code)
