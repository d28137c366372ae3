"""What a person needs who wants to repeat a run: facts, and commands in their order.

A lesson is the same for every format; `lesson_readme` and `lesson_notebook` write it down. Nothing
secret is part of it, and nothing private unless that is asked for.
"""

from __future__ import annotations

import re

from cm_script import containermeta, identity, privacy
from cm_script.documenting import packages, sources
from cmcore.errors import CmError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple
from cmcore.types import Request

if TYPE_CHECKING:
    from cm_script.planning.inside import InsideEngine
    from cmcore.context import Context
    from cmcore.types import Artifact

#: Folder of the virtual environment that the commands make.
ENVIRONMENT = "cm-env"
#: What stands for a secret until the command line is written.
_SECRET = re.compile(r"cm-secret-(\d+)-here")


class Step(NamedTuple):
    """One part of a lesson.

    Attributes:
        name: stable identifier: install, collections, secrets, plan, run, cache, container.
        title: heading.
        text: sentences for people.
        commands: lines for a POSIX shell; each must succeed.
    """

    name: str
    title: str
    text: str
    commands: tuple[str, ...]


class Lesson(NamedTuple):
    """How to repeat a run.

    Attributes:
        command: the run as one line, secrets as references to variables.
        private: whether it tells of private parts.
        left_out: whether private parts were left out.
        software: (name, version, remark) of Python and of each package in use.
        recipes: (alias, UID, collection, digest, remark) of each recipe that the run may need.
        steps: in order.
        warnings: sentences for whoever has asked.
    """

    command: str
    private: bool
    left_out: bool
    software: tuple[tuple[str, str, str], ...]
    recipes: tuple[tuple[str, str, str, str, str], ...]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()


def about(ctx: Context, run: Request, *, private: bool) -> Lesson:
    """The lesson of one run.

    Args:
        ctx: services.
        run: the request to repeat.
        private: also tell of what is marked private.

    Raises:
        CmError: the run would surely fail; or its own words name a private part that is not to be
            told.
    """
    from cm_script.planning.container import needed

    boxed = {name: value for name, value in run.flags.items() if _of_container(name, value)}
    run = run._replace(flags={k: v for k, v in run.flags.items() if k not in boxed})
    engine = _planned(ctx, run)
    recipes = needed(engine)
    root = engine.planner.root
    assert root is not None
    assert root.run is not None
    secret = [artifact for artifact in recipes if privacy.recipe(artifact)]
    kept = recipes if private else [one for one in recipes if one not in secret]
    if root.recipe in secret and not private:
        raise UsageError(
            f"recipe {root.label} is private", hint="--include_private writes it all the same"
        )
    places = sources.of(kept)
    parts = packages.in_use(ctx, [artifact.collection for artifact in kept])
    told = [part for part in parts if private or not part.private]
    mapping = containermeta.input_mapping(root.run, engine.planner.notes[root.step].docker)
    line = _Line(run, mapping)
    inside = _Line(run._replace(flags={**run.flags, **boxed}), mapping)
    names = {name for artifact in kept for name in (artifact.alias, artifact.uid)}
    lesson = Lesson(
        line.of("run"),
        bool(private and (secret or any(part.private for part in parts))),
        len(kept) < len(recipes) or len(told) < len(parts),
        packages.rows(told),
        tuple(_row(artifact) for artifact in kept),
        tuple(_steps(line, inside, told, places)),
        () if private or not secret else ("private parts are left out (--include_private)",),
    )
    if not private:
        _refuse_private(lesson, [one for one in secret if one.alias not in names])
    return lesson


def _of_container(name: str, value: object) -> bool:
    """Whether a flag is one of `cm docker script` alone."""
    return name.startswith("docker_") or (name == "docker" and isinstance(value, dict))


def _planned(ctx: Context, run: Request) -> InsideEngine:
    from cm_script.command import inputs_of
    from cm_script.planning.inside import InsideEngine

    engine = InsideEngine(ctx)
    engine.request = run
    with ctx.index.hold():
        engine.run(inputs_of(ctx, run))
        problems = engine.planner.all_problems()
    root = engine.planner.root
    if root is None or root.error is not None:
        raise root.error if root is not None and root.error else UsageError("nothing is asked for")
    for problem in problems:
        if problem.level == "error":
            text, where, hint = problem.text, problem.where, problem.hint
            raise CmError(text, where=where, hint=hint, code=problem.code)
    return engine


def _row(artifact: Artifact) -> tuple[str, str, str, str, str]:
    remark = "private" if privacy.recipe(artifact) else ""
    place = artifact.collection.name
    return artifact.alias or artifact.uid, artifact.uid, place, identity.digest_of(artifact), remark


def _refuse_private(lesson: Lesson, secret: list[Artifact]) -> None:
    """The words of the run are a person's own, so they may name what is not to be told."""
    text = " ".join([lesson.command, *(line for step in lesson.steps for line in step.commands)])
    for artifact in secret:
        place = artifact.collection
        hidden = place.path if privacy.collection(place) else ""
        for name in (artifact.alias, artifact.uid, hidden):
            if name and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
                raise UsageError(
                    f"the command names recipe {artifact.alias}, which is private",
                    hint="--include_private writes it all the same",
                )


class _Line:
    """The command line of a run, in the place of each secret a reference to a variable."""

    def __init__(self, run: Request, mapping: dict[str, str]) -> None:
        self._mapping = mapping
        self._values: list[object] = []
        self.variables: list[str] = []
        self._run = run._replace(flags=self._without_secrets(dict(run.flags), ""))

    def _without_secrets(self, flags: dict[str, Any], above: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in flags.items():
            if isinstance(value, dict):
                found[name] = self._without_secrets(value, f"{above}{name}.")
            elif containermeta.holds_secret(name, value, "" if above else self._mapping.get(name)):
                variable = name if above else self._mapping.get(name, name)
                number = self._number(re.sub(r"\W", "_", variable).upper(), value)
                found[name] = f"cm-secret-{number}-here"
            else:
                found[name] = value
        return found

    def _number(self, variable: str, value: object) -> int:
        """The place of a secret among all of them; two values never share a variable."""
        name, count = variable, 1
        while name in self.variables:
            place = self.variables.index(name)
            if self._values[place] == value:
                return place
            count += 1
            name = f"{variable}_{count}"
        self.variables.append(name)
        self._values.append(value)
        return len(self.variables) - 1

    def of(self, action: str) -> str:
        """`cm ACTION script ...` for a POSIX shell."""
        from shlex import quote, split

        from cmcore.grammar import command_line

        words = []
        for word in split(command_line(self._run._replace(action=action))):
            pieces = _SECRET.split(word)  # text, number, text, ..., text
            for place in range(1, len(pieces), 2):
                pieces[place] = f'"${{{self.variables[int(pieces[place])]}}}"'
            pieces[::2] = [quote(piece) if piece else "" for piece in pieces[::2]]
            words.append("".join(pieces) or "''")
        return " ".join(words)


def _steps(
    line: _Line, inside: _Line, told: list[packages.Package], places: list[sources.Place]
) -> list[Step]:
    pins = " ".join(packages.pins(told))
    steps = [
        Step(
            "install",
            "Install",
            "Into a virtual environment of its own, with the versions that were in use.",
            (
                f"python3 -m venv {ENVIRONMENT}",
                f". {ENVIRONMENT}/bin/activate",
                f"pip install {pins}",
            ),
        )
    ]
    if inside.variables:
        checks = [f': "${{{name}:?set {name} first}}"' for name in inside.variables]
        text = "Tokens and passwords are no part of this file; set these variables to your own."
        steps.append(Step("secrets", "Secrets", text, tuple(checks)))
    commands = [command for place in places for command in place.commands]
    if commands:
        remarks = " ".join(place.remark for place in places if place.remark)
        text = " ".join(["The recipes come from here.", remarks]).strip()
        steps.append(Step("collections", "Add the recipes", text, tuple(commands)))
    steps += [
        Step("plan", "Look at the plan", "What the run will do; nothing runs.", (line.of("plan"),)),
        Step("run", "Run", "On this machine.", (line.of("run"),)),
        Step("cache", "Look into the cache", "What the run has kept.", ("cm show cache",)),
    ]
    has_docker = any(part.name == "cm-plugin-docker" for part in told)
    install = () if has_docker else ("pip install cm-plugin-docker",)
    text = "The same in a container; podman, docker or apptainer has to be there."
    container = (*install, inside.of("docker"))
    return [*steps, Step("container", "Run in a container", text, container)]
