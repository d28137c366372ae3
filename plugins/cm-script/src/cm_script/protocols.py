"""What the execution half of the engine needs from the rest of it.

Native steps, hooks and the helpers that recipe code sees are written against these shapes, so
that each can be tested with a small stand-in; `run.RecipeRun` and `engine.Engine` have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cmcore.hints import Mapping, Sequence

if TYPE_CHECKING:
    from cm_script.dialects import Dialect
    from cm_script.facade.session import Session
    from cm_script.hooks import RecipeCode
    from cm_script.scope import Scope
    from cm_script.shells import Stop
    from cmcore.types import Artifact


class ConsoleLike(Protocol):
    """Where messages, output of native steps and questions go; see `cmcore.console.Console`.

    Attributes:
        interactive: whether somebody at a terminal can answer a question.
    """

    interactive: bool

    def child_stream(self) -> int:
        """File descriptor that the output of a child process is copied to."""

    def log(self, text: str, *, verbose: bool = False) -> None:
        """Progress for a person; with `verbose` only for those who asked for it."""

    def warn(self, text: str) -> None:
        """Something that is probably not as wanted."""

    def err(self, text: str) -> None:
        """Text for stderr, whatever the verbosity."""

    def ask(self, question: str, options: Sequence[str], default: int | None = None) -> int | None:
        """The number of the option that a person chooses; `default` when nobody does."""


class PathsLike(Protocol):
    """Folders of the installation; see `cmcore.paths.Paths`."""

    @property
    def home(self) -> str: ...

    @property
    def logs(self) -> str: ...


class ContextLike(Protocol):
    """The core's services as far as they are needed here."""

    @property
    def paths(self) -> PathsLike: ...


class EngineLike(Protocol):
    """One top-level request.

    Attributes:
        imported: text that native steps reported through `tmp-run-env.out`, by variable. As long
            as a variable still has that text it is data and exported literally; see `provenance`.
        session: what recipe code of this request has imported; None until there is any.
    """

    imported: dict[str, Any]
    session: Session | None

    @property
    def ctx(self) -> ContextLike: ...

    @property
    def console(self) -> ConsoleLike: ...

    @property
    def literal(self) -> set[str]: ...

    @property
    def quiet(self) -> bool: ...

    @property
    def silent(self) -> bool: ...

    @property
    def verbose(self) -> bool: ...

    @property
    def chain(self) -> list[str]: ...

    @property
    def stop(self) -> Stop | None: ...

    def access(
        self, i: Mapping[str, Any] | Sequence[str] | str | None, /, dialect: Dialect = ...
    ) -> dict[str, Any]:
        """A nested request by recipe code, as dictionaries; never raises CmError."""


class OptionsLike(Protocol):
    """Engine flags of one run."""

    @property
    def ignore_script_error(self) -> bool: ...


class RunLike(Protocol):
    """One recipe being run; see `run.RecipeRun`."""

    rsi: dict[str, Any]
    code: RecipeCode | None
    os_info: dict[str, Any]
    spaces: str

    @property
    def engine(self) -> EngineLike: ...

    @property
    def console(self) -> ConsoleLike: ...

    @property
    def artifact(self) -> Artifact: ...

    @property
    def dialect(self) -> Dialect: ...

    @property
    def scope(self) -> Scope: ...

    @property
    def options(self) -> OptionsLike: ...

    @property
    def name(self) -> str: ...

    def key(self, name: str) -> str:
        """`name` with the dialect's prefix."""

    def run_deps(self, kind: str) -> None:
        """Run one dependency list of the recipe."""

    def hook_input(self, **extra: Any) -> dict[str, Any]:
        """The dictionary that a hook gets."""
