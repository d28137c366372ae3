"""Which single machine this is: for what is true of it alone, and for homes that several share."""

from __future__ import annotations

import os

from cm_cache import host
from cmcore.hints import Any, Mapping

#: Key of an entry's meta that says on which machine it was made.
MACHINE = "machine"

#: Variable of a container image that says which one it is. The containers of an image are one
#: machine: each has a host name of its own, and none has a machine-id that means anything.
IMAGE = "CMCORE_IMAGE"

_known: dict[str, str] = {}


def identity() -> dict[str, str]:
    """`name` (host name), `id` (machine-id) and `cpu` (model and number of processors), read once.

    All three, because each may be the same on two machines: cloned images share the machine-id,
    containers have none, and a host name is given anew. Source: machine-id(5), proc(5) `cpuinfo`.
    In a container whose image says which one it is, that is the name, and there is no id.
    """
    if not _known:
        image = image_name()
        _known["name"] = f"image {image}" if image else host.name()
        _known["id"] = "" if image else _machine_id()
        _known["cpu"] = _cpu()
    return dict(_known)


def image_name() -> str:
    """Which container image this is; "" where nobody says so."""
    return os.environ.get(IMAGE, "").strip()


def differs(there: object) -> str:
    """How the machine `there` is another one than this, as a clause, or "".

    An entry that does not say where it was made is believed.
    """
    if not isinstance(there, Mapping):
        return ""
    now = identity()
    if there.get("cpu") != now["cpu"]:
        return f"it tells of {_shown(there, 'cpu')}, and this machine has {_shown(now, 'cpu')}"
    if there.get("name") != now["name"]:
        return f"it tells of the machine {_shown(there, 'name')}, and this is {_shown(now, 'name')}"
    if there.get("id") != now["id"]:
        return f"it tells of another machine of the name {_shown(now, 'name')}"
    return ""


def is_this(meta: Mapping[str, Any]) -> bool:
    """Whether an entry with this meta was made here, as far as it says so."""
    there = meta.get(MACHINE)
    return not isinstance(there, Mapping) or dict(there) == identity()


def _shown(about: Mapping[str, Any], key: str) -> str:
    return str(about.get(key) or "unknown")


def _machine_id() -> str:
    """Something that follows from the machine-id and does not tell it: it is to be kept secret."""
    import binascii

    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                found = file.read(64).strip()
            return f"{binascii.crc32(found.encode()):08x}" if found else ""
        except OSError:
            continue
    return ""


def _cpu() -> str:
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "Model", "cpu model"):
                    model = value.strip()
                    break
    except OSError:
        import platform  # with `re` and more: a fifth of a run from the cache

        model = platform.processor()
    if not model:
        import platform

        model = platform.machine()
    return f"{os.cpu_count() or 0} x {model}"
