"""Which process something belongs to, told so that a later one can see whether it still lives."""

from __future__ import annotations

import os

#: Label of containers: the run they belong to, as `mark()` writes it.
RUN = "org.cmcore.run"
#: Label of containers that outlive the command which started them.
DETACHED = "org.cmcore.detached"


def mark(pid: int = 0) -> str:
    """`<host> <boot> <pid> <start>` of a process, by default of this one."""
    import socket

    number = pid or os.getpid()
    return f"{socket.gethostname()} {_boot()} {number} {start(number)}"


def ended(text: str) -> bool:
    """Whether the marked process is gone for certain.

    False for processes of other hosts and for what is no mark: nobody here can judge those. The
    number alone would not do, because numbers come again; nor would a time of day, because clocks
    are set.
    """
    import socket

    words = text.split(" ")
    if len(words) != 4 or words[0] != socket.gethostname() or not words[2].isdigit():
        return False
    if words[1] != _boot():
        return True
    if not words[3]:
        return not answers(int(words[2]))
    return start(int(words[2])) != words[3]


def pid_of(text: str) -> int:
    """The number in a mark, 0 when it has none."""
    words = text.split(" ")
    return int(words[2]) if len(words) == 4 and words[2].isdigit() else 0


def start(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" when it has ended, or nothing tells it.

    Source: proc(5), fields `state` and `starttime` of /proc/PID/stat.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return "" if fields[0] in b"ZX" else fields[19].decode()
    except (OSError, IndexError):
        return ""


def answers(pid: int) -> bool:
    """Whether a process has that number now; it may be a later one, as numbers come again."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
