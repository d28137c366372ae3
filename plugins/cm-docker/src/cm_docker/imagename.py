"""Which image to start from, and what the made one is called."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from cm_docker.image import ImageWishes

#: What the references start from where nobody says anything.
DEFAULT_BASE = "ubuntu:22.04"

#: Systems whose images are called otherwise. Source: what the references' recipe for build files
#: knows (`rhel`, `arch`), and the registries.
_SYSTEMS = {
    "rhel": "registry.access.redhat.com/ubi{major}",
    "arch": "archlinux",
    "opensuse": "opensuse/leap",
    "rocky": "rockylinux",
    "rockylinux": "rockylinux",
    "almalinux": "almalinux",
}
_VERSIONS = {"rhel": "9", "ubuntu": "22.04", "debian": "12"}

#: What a tag may be long, and what is kept of the tags of a request. Source: OCI distribution
#: specification 1.1, "Pulling manifests".
_TAG_LENGTH, _NAME_LENGTH = 128, 100


def base(wishes: ImageWishes, settings: Mapping[str, Any], default: str) -> str:
    """Full reference of the base image.

    What was asked for comes first (an image, then system and version), then what the recipe says,
    then the user's setting.

    Raises:
        UsageError: it cannot be the name of an image.
    """
    if wishes.base_image:
        return reference(wishes.base_image)
    if wishes.os or wishes.os_version:
        system = wishes.os or str(settings.get("os") or "ubuntu")
        return reference(of_system(system, wishes.os_version or _version(settings)))
    if settings.get("base_image"):
        return reference(str(settings["base_image"]))
    if settings.get("os") or settings.get("os_version"):
        return reference(of_system(str(settings.get("os") or "ubuntu"), _version(settings)))
    return reference(default or DEFAULT_BASE)


def of_system(system: str, version: str) -> str:
    """The image of a system: `ubuntu` and `22.04` -> `ubuntu:22.04`."""
    system = system.strip().lower()
    version = version.strip() or _VERSIONS.get(system, "latest")
    name = _SYSTEMS.get(system, system)
    if "{major}" in name:
        major = version.partition(".")[0]
        return name.format(major=major) + ":latest"
    return f"{name}:{version}"


def reference(text: str) -> str:
    """A reference that means the same to every engine: with registry and tag.

    `ubuntu` -> `docker.io/library/ubuntu:latest`. Source: the reference grammar of docker.

    Raises:
        UsageError: it cannot be the name of an image.
    """
    from cmcore.errors import UsageError

    text = text.strip().removeprefix("docker://")
    if not text or not all(c.isascii() and (c.isalnum() or c in "._-/:@") for c in text):
        raise UsageError(
            f"'{text}' cannot be the name of a base image",
            hint="it is written like ubuntu:22.04 or registry.example.org/name:tag",
        )
    first, slash, rest = text.partition("/")
    if not slash:
        text = f"docker.io/library/{text}"
    elif "." not in first and ":" not in first and first != "localhost":
        text = f"docker.io/{text}"
    elif first in ("docker.io", "index.docker.io") and "/" not in rest:
        text = f"docker.io/library/{rest}"
    last = text.rpartition("/")[2]
    return text if ":" in last or "@" in last else f"{text}:latest"


def tag(
    wishes: ImageWishes,
    settings: Mapping[str, Any],
    about: Mapping[str, Any],
    start: str,
    digest: str,
) -> str:
    """Reference of the made image.

    As in the references: repository, name, tag and its extra part are taken from what was asked
    for, then from the recipe. A tag that nobody gives says what the image was made from, so that
    another plan never gets the same.

    Raises:
        UsageError: a part cannot be in a reference.
    """
    repo = wishes.image_repo or str(settings.get("image_repo") or "") or "localhost/local"
    name = wishes.image_name or str(settings.get("image_name") or "") or _name(about)
    given = wishes.image_tag or str(settings.get("image_tag") or "")
    extra = wishes.image_tag_extra or str(settings.get("image_tag_extra") or "")
    last = given or f"{_base_part(start)}-{digest[:12]}"
    if extra and not given:
        last = f"{_base_part(start)}{extra}-{digest[:12]}"
    elif extra:
        last += extra
    path = f"{repo.strip().strip('/')}/{name.strip().strip('/')}".lower()
    return f"{_checked_path(path)}:{_checked_tag(last)}"


def _version(settings: Mapping[str, Any]) -> str:
    value = settings.get("os_version")
    # YAML makes a number of 22.04 and of 24.10; Ubuntu's versions have two places.
    return f"{value:.2f}" if isinstance(value, float) else str(value or "")


def _name(about: Mapping[str, Any]) -> str:
    command = about.get("command") or {}
    recipe = about.get("recipe") or {}
    words = str(command.get("tags") or recipe.get("alias") or recipe.get("uid") or "recipe")
    prefix = "mlc-script-" if about.get("dialect") == "mlc" else "cm-script-"
    return (prefix + _component(words))[:_NAME_LENGTH].rstrip("-")


def _component(text: str) -> str:
    """Lower case, and dashes for all that a part of a name cannot have."""
    clean = (c if c.isascii() and (c.isalnum() or c == ".") else "-" for c in text.lower())
    joined = "".join(clean).replace(".-", "-").replace("-.", "-")
    return "-".join(part.strip(".") for part in joined.split("-") if part.strip("."))


def _base_part(start: str) -> str:
    """`docker.io/library/ubuntu:22.04` -> `ubuntu-22.04`."""
    named = start.removeprefix("docker.io/library/").removeprefix("docker.io/")
    digest = named.partition("@")
    text = digest[0] + (f"-{digest[2][-12:]}" if digest[2] else "")
    return _component(text.replace("_", ""))[:60] or "base"


def _checked_path(path: str) -> str:
    from cmcore.errors import UsageError

    host, _, _ = path.partition("/")
    for part in path.split("/"):
        body = part.replace(":", "", 1) if part == host else part
        sound = body and body[0].isalnum() and body[-1].isalnum()
        if not sound or not all(c.isascii() and (c.isalnum() or c in "._-") for c in body):
            raise UsageError(
                f"'{path}' cannot be the name of an image",
                hint="small letters, digits, '.', '_' and '-', in parts divided by '/'",
            )
    return path


def _checked_tag(text: str) -> str:
    from cmcore.errors import UsageError

    first = text[:1]
    if not (first.isalnum() or first == "_") or not all(
        c.isascii() and (c.isalnum() or c in "._-") for c in text
    ):
        raise UsageError(
            f"'{text}' cannot be the tag of an image",
            hint="letters, digits, '.', '_' and '-', the first of them no '.' or '-'",
        )
    if len(text) > _TAG_LENGTH:
        raise UsageError(f"the tag '{text}' is longer than {_TAG_LENGTH} characters")
    return text
