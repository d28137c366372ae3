"""Running a process whose output everybody can follow where there is no posix_spawn: on Windows."""

from __future__ import annotations

import os

from cm_script.native import CHUNK, LAST_LINES, Log, write
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Mapping, Sequence

if TYPE_CHECKING:
    from cm_script.protocols import ConsoleLike


def run_portably(
    argv: Sequence[str], cwd: str, env: Mapping[str, str], console: ConsoleLike, log_path: str
) -> tuple[int, list[str]]:
    """What `native.run_process` does, without posix_spawn; waits for background children, too.

    Raises:
        CmError: the program cannot be started, or there can be no logs in that folder.
    """
    import subprocess

    log = Log(log_path)
    tail = b""
    try:
        with subprocess.Popen(
            list(argv), cwd=cwd, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as child:
            assert child.stdout is not None
            while data := os.read(child.stdout.fileno(), CHUNK):
                write(console.child_stream(), data)
                log.write(data)
                tail = (tail + data)[-CHUNK:]
        lines = tail.decode("utf-8", "replace").splitlines()
        return child.returncode, lines[-LAST_LINES:]
    except OSError as error:
        raise CmError(f"cannot start {argv[0]}: {error.strerror}", where=f"in {cwd}") from None
    finally:
        log.close()
