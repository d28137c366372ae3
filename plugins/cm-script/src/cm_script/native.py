"""Finding a recipe's native script, and running a process whose output everybody can follow."""

from __future__ import annotations

import errno
import os
import time

from cm_script import interruption, waiting
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Collection, Mapping, Sequence

if TYPE_CHECKING:
    import signal

    from cm_script.dialects import Dialect
    from cm_script.protocols import ConsoleLike
else:
    import _signal as signal  # `signal` makes enumerations of it, with three more imports

#: Lines of output kept for an error message.
LAST_LINES = 30
CHUNK = 65536
#: How often, in seconds, a silent process is looked after.
_TICK = 0.1
#: Most that is still read after the process has ended and only its background children write.
_LEFTOVER = 1 << 20


def find_script(
    folder: str,
    base: str,
    env: Mapping[str, Any],
    dialect: Dialect,
    names: Collection[str] | None = None,
) -> str:
    """The native script `base` of a recipe for this host, or "" when the recipe has none.

    On Unix `base-<parts>.sh` is preferred to `base.sh`, in the order that the dialect lists the
    parts: flavour, version and platform of the system as `detect-os` reported them. `names` of the
    files in the folder are those that are there, where that is known.
    """
    if os.name == "nt":
        path = os.path.join(folder, base + ".bat")
        return path if os.path.isfile(path) else ""
    try:
        there = names if names is not None else set(os.listdir(folder))
    except OSError:
        return ""
    if any(name.startswith(base + "-") for name in there):
        facts = _host_facts(env, dialect)
        for parts in dialect.native_names:
            suffix = "".join(f"-{facts[part]}" for part in parts if facts[part])
            if base + suffix + ".sh" in there:
                return os.path.join(folder, base + suffix + ".sh")
    path = os.path.join(folder, base + ".sh")
    # A base may name a folder below, or lie elsewhere.
    known = base + ".sh" in there or os.sep in base
    return path if known and os.path.isfile(path) else ""


def _host_facts(env: Mapping[str, Any], dialect: Dialect) -> dict[str, str]:
    def text(name: str) -> str:
        return str(env.get(dialect.key(name)) or "")

    flavor = text("HOST_OS_FLAVOR")
    return {
        "flavor": flavor,
        "version": text("HOST_OS_VERSION") if flavor else "",
        "platform": text("HOST_PLATFORM_FLAVOR"),
        "like": text("HOST_OS_FLAVOR_LIKE"),
        "type": text("HOST_OS_TYPE"),
    }


def run_process(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    console: ConsoleLike,
    log_path: str = "",
) -> tuple[int, list[str]]:
    """Run `argv` in `cwd` and copy its output, stdout and stderr merged, to the console live.

    The process reads our own stdin. It is over when it ends, even when a background child still
    holds its output open; such a child can go on writing, into the log.

    Args:
        argv: program (looked up in `env`'s PATH) and arguments.
        env: the whole process environment.
        log_path: file that the output is also appended to, or ""; made by the first byte.

    Returns:
        exit code, negative for a signal as in `subprocess`, and the last lines of the output.

    Raises:
        CmError: the process cannot be started, or there can be no logs in that folder.
        KeyboardInterrupt: after the process and what it started, told of the interrupt as well,
            have ended. SIGTERM ends them in the same way, and then us.
    """
    if os.name == "nt":
        from cm_script.native_portable import run_portably

        return run_portably(argv, cwd, env, console, log_path)
    log = Log(log_path)
    reader, writer = os.pipe()
    try:
        pid = _spawn(argv, cwd, env, writer)
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    pump = _Pump(pid, reader, console.child_stream(), log)
    try:
        with interruption.terminable():
            code = _follow(pump)
        return code, pump.last_lines()
    finally:
        os.close(reader)
        log.close()


def _spawn(argv: Sequence[str], cwd: str, env: Mapping[str, str], output: int) -> int:
    words = list(argv)
    here = os.getcwd()
    if cwd != here and os.path.realpath(cwd) != here:
        # posix_spawn cannot change the folder; the shell that it starts in between can.
        words = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', cwd, *words]
    program = _which(words[0], env)
    try:
        return os.posix_spawn(
            program,
            words,
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)],
            # Python ignores these two; programs expect to be ended by them.
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except OSError as error:
        hint = "make it executable" if isinstance(error, PermissionError) else ""
        raise CmError(
            f"cannot start {program}: {error.strerror}", where=f"in {cwd}", hint=hint
        ) from None


#: Name and PATH -> where that program was.
_programs: dict[tuple[str, str], str] = {}


def _which(name: str, env: Mapping[str, str]) -> str:
    if os.sep in name:
        return name
    search = env.get("PATH", os.defpath)
    known = _programs.get((name, search), "")
    if known and os.access(known, os.X_OK):
        return known
    for folder in search.split(os.pathsep):
        path = os.path.join(folder or os.curdir, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            if os.path.isabs(path):
                _programs[name, search] = path
            return path
    raise CmError(
        f"the program {name} is needed to run recipes and was not found",
        where=f"PATH={env.get('PATH', '')}",
        hint=f"install {name} or add its folder to PATH",
    )


class Log:
    """The file that a step's output goes to, made by the first byte: most steps say nothing.

    Raises:
        CmError: nothing can be written in its folder.
    """

    __slots__ = ("_handle", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._handle = -1
        if path:
            _prepare(path)

    def handle(self) -> int:
        """Where to write; -1 without a log, and when it cannot be made after all."""
        if self._handle < 0 and self.path:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            try:
                self._handle = os.open(self.path, flags, 0o644)
            except OSError:
                self.path = ""  # as for a disk that is full: the step goes on
        return self._handle

    def write(self, data: bytes) -> None:
        """Add to it, as long as that goes well."""
        if write(self.handle(), data) < 0:
            self.close()

    def close(self) -> None:
        """Give the file back; nothing is written after this."""
        self.path = ""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _prepare(path: str) -> None:
    folder = os.path.dirname(path) or os.curdir
    # As root, `access` says yes where a file stands in the way; so the folder itself is asked, too.
    if os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):
        return
    try:
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise CmError(f"cannot write a log: {error.strerror}", where=path) from None


class _Pump:
    """Copies a child's output to the console and the log, and remembers its end."""

    def __init__(self, pid: int, reader: int, stream: int, log: Log) -> None:
        self.pid = pid
        self.reader = reader
        self.stream = stream
        self.log = log
        self.code: int | None = None
        self._tail = b""
        os.set_blocking(reader, False)

    def read(self, wait: float) -> int:
        """Copy what there is within `wait` seconds; bytes copied, or -1 at the end."""
        if not waiting.readable(self.reader, wait):
            return 0
        try:
            data = os.read(self.reader, CHUNK)
        except BlockingIOError:
            return 0
        if not data:
            return -1
        self.stream = write(self.stream, data)
        self.log.write(data)
        self._tail = (self._tail + data)[-CHUNK:]
        return len(data)

    def ended(self) -> bool:
        """Whether the process itself has ended; its exit code is in `code` then."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def wait(self) -> int:
        """The exit code, once the process has ended."""
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def drain(self) -> bool:
        """Copy what the ended process left in the pipe; True when a child still holds it."""
        left = _LEFTOVER
        while left > 0:
            count = self.read(0)
            if count < 0:
                return False
            if count == 0:
                break
            left -= count
        return True

    def last_lines(self) -> list[str]:
        """The last lines of the output, without carriage-return progress that was overwritten."""
        text = self._tail.decode("utf-8", "replace").replace("\r\n", "\n")
        lines = [line.rsplit("\r", 1)[-1] for line in text.split("\n")]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines[-LAST_LINES:]


def write(stream: int, data: bytes) -> int:
    """Write all of `data`; the stream to use from now on, -1 when this one has gone away."""
    if stream < 0:
        return stream
    view = memoryview(data)
    try:
        while view:
            try:
                view = view[os.write(stream, view) :]
            except BlockingIOError:
                waiting.until_writable(stream)
    except OSError:
        # A reader that went away (`cm run ... | head`) must not end a running recipe.
        return -1
    return stream


def _follow(pump: _Pump) -> int:
    """Copy until the process ends; its exit code."""
    try:
        _copy_until_end(pump)
    except KeyboardInterrupt:
        tree = {} if pump.ended() else interruption.descendants(pump.pid)
        # A terminal has told the whole process group already; a plain `kill` told only us.
        requests = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        for request, grace in zip(requests, interruption.GRACE, strict=True):
            _copy_until_end(pump, grace)
            if pump.code is None:
                tree.update(interruption.descendants(pump.pid))
                interruption.tell(tree, request)
                os.kill(pump.pid, request)
        pump.wait()
        interruption.tell(tree, signal.SIGTERM)
        raise
    return pump.wait()


def _copy_until_end(pump: _Pump, limit: float | None = None) -> None:
    """Copy output until the process has ended, at most for `limit` seconds."""
    deadline = None if limit is None else time.monotonic() + limit
    closed = False
    while not pump.ended():
        if deadline is not None and time.monotonic() >= deadline:
            return
        if not closed:
            closed = pump.read(_TICK) < 0
        elif deadline is None:
            pump.wait()
        else:
            time.sleep(_TICK)
    if not closed and pump.drain():
        _hand_over(pump)


def _hand_over(pump: _Pump) -> None:
    """Let somebody else read what a background child goes on writing.

    Closing the pipe would end a server that a recipe started the moment it prints a line.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    log = pump.log.handle()
    actions = [
        (os.POSIX_SPAWN_DUP2, pump.reader, 0),
        (os.POSIX_SPAWN_DUP2, log if log >= 0 else nowhere, 1),
        (os.POSIX_SPAWN_DUP2, nowhere, 2),
    ]
    os.set_blocking(pump.reader, True)
    helper = os.posix_spawn(
        "/bin/sh", ["/bin/sh", "-c", "exec 3<&0; cat <&3 &"], os.environ, file_actions=actions
    )
    os.waitpid(helper, 0)
    os.close(nowhere)
