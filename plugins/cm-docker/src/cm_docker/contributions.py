"""What the plugin adds besides `cm docker` itself: verbs, a noun, settings."""

from __future__ import annotations

import os

from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Action, Automation, Flag, Setting

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request, Result


def actions() -> list[Action]:
    """The verbs that no hook is named after, described as the manifest does."""
    from cm_docker.engines import manage

    about = _manifest()
    handlers = {
        ("script", "dockerfile"): _dockerfile,
        ("container", "stop"): manage.stop,
        ("container", "prune"): manage.prune,
    }
    return [
        _action(noun, verb, about[noun]["actions"][verb], handler)
        for (noun, verb), handler in handlers.items()
    ]


def automations() -> list[Automation]:
    """The noun `container`."""
    about = _manifest()["container"]
    return [Automation("container", about["help"], artifacts=about["artifacts"])]


def settings() -> list[Setting]:
    """What `cm config` may set; each is also an option of one command, `--docker.<name>`."""
    return [
        Setting("docker.engine", "podman, docker, apptainer, ...; auto chooses", "auto"),
        Setting("docker.base_image", "image to begin with when a recipe names none", ""),
        Setting(
            "docker.network",
            "network of containers and builds",
            "on",
            ("on", "off", "host"),
        ),
        Setting("docker.env", "variables that containers get besides the usual: A,B", ""),
        Setting("docker.pip_index", "package index for builds instead of pip's own setting", ""),
    ]


def _dockerfile(ctx: Context, request: Request) -> Result:
    from cm_docker.command import dockerfile

    return dockerfile(ctx, request)


def _action(noun: str, verb: str, about: dict[str, Any], handler: Any) -> Action:
    flags = tuple(
        Flag(name, text["help"], text.get("value", ""))
        for name, text in about.get("flags", {}).items()
    )
    return Action(
        verb,
        noun,
        about["help"],
        handler=handler,
        usage=about.get("usage", ""),
        flags=flags,
        open_flags=bool(about.get("open_flags", False)),
        examples=tuple(about.get("examples", ())),
    )


def _manifest() -> dict[str, Any]:
    import json

    path = os.path.join(os.path.dirname(__file__), "cm-plugin.json")
    with open(path, encoding="utf-8") as file:
        nouns: dict[str, Any] = json.load(file)["automations"]
    return nouns
