"""`enginedrive.py run ENGINE SHELL-COMMAND` or `enginedrive.py build ENGINE FOLDER`."""

from __future__ import annotations

import os
import signal
import sys

from cm_docker.engines.docker import Docker
from cm_docker.engines.podman import Podman
from cm_docker.records import Build, Launch, Limits
from cmcore.console import Console
from cmcore.context import Context
from cmcore.errors import CmError

IMAGE = "localhost/cm-test/busybox:1"
MINE = {"org.cmcore.owner": "test-owner"}


def main(what: str, name: str, word: str, timeout: str = "") -> int:
    """Do one thing and say how it ended."""
    # Shells start what runs in their background with these ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ctx = Context(console=Console(interactive=False))
    engine = Podman(ctx) if name == "podman" else Docker(ctx)
    try:
        if what == "clean":
            print(engine.clean(MINE["org.cmcore.owner"]))
        elif what == "build":
            file = os.path.join(word, "Containerfile")
            build = Build(word, file, "localhost/cm-test/slow:1", MINE, "host")
            print(engine.build(build, lambda line: print(line, flush=True)))
        else:
            limits = Limits(timeout=timeout)
            launch = Launch(
                IMAGE,
                ("sh", "-c", word),
                network="host",
                labels=MINE,
                limits=limits,
                interactive=what == "interact",
                detached=what == "detach",
            )
            ended = engine.run(launch)
            print(f"code={ended.code} note={ended.note}")
    except CmError as error:
        print(f"{type(error).__name__}({error.code}): {error}")
        return 1
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
