"""A client of PTDaemon, the program that reads the power analyzer (SPEC; it needs a licence).

The daemon listens on TCP, by default port 8888; commands and replies are lines that end in CR LF.
What a MLPerf power session says: Hello, Identify, RR,A and RR,V (ranges), SR,A,x and SR,V,x (set a
range), Go,1000,0,MARK (measure, a sample each second), Stop. No real analyzer was at hand when
this was written: it is tested against a server that answers as the official power checker expects.
"""

from __future__ import annotations

import time

from cmcore.errors import CmError, UsageError
from cmcore.hints import Any, NamedTuple

PORT = 8888
#: Seconds to wait for a reply; setting a range of an analyzer takes a few.
PATIENCE = 30.0
#: Milliseconds between samples that MLPerf wants.
INTERVAL_MS = 1000
_LONGEST_REPLY = 64 * 1024


class Message(NamedTuple):
    """One command with its reply, and when it was sent (seconds since 1970)."""

    cmd: str
    reply: str
    at: float


class Identity(NamedTuple):
    """The analyzer's model and the daemon's version, as `Identify` tells them."""

    model: str
    version: str


def parse_address(text: str) -> tuple[str, int]:
    """`host`, `host:port` or `[v6]:port`.

    Raises:
        UsageError: the port is no number between 1 and 65535.
    """
    host, port = text, str(PORT)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else str(PORT)
    elif text.count(":") == 1:
        host, port = text.split(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"'{text}' is no address of PTDaemon", hint="write HOST:PORT")
    return host, int(port)


def parse_identity(reply: str) -> Identity:
    """The reply to `Identify`: `YokogawaWT310,version=1.11.1-...`.

    Raises:
        CmError: it is something else.
    """
    import re

    model = reply.split(",")[0].strip()
    found = re.search(r"version=([^-,\s]+)", reply)
    if not model or found is None:
        raise CmError(f"PTDaemon identifies itself in an unknown way: {reply[:100]!r}")
    return Identity(model, found.group(1))


def parse_ranges(reply: str) -> tuple[str, str]:
    """Amperes and volts as `SR` takes them, from `Ranges,<auto>,<amps>,<auto>,<volts>`.

    `Auto` when the analyzer chooses the range itself.
    """
    words = [word.strip() for word in reply.split(",")]

    def one(at: int) -> str:
        try:
            fixed = words[at] == "0" and float(words[at + 1]) > 0
        except (IndexError, ValueError):
            return "Auto"
        return words[at + 1] if fixed else "Auto"

    return one(1), one(3)


class Client:
    """A connection to PTDaemon; a context manager that stops measuring when it is left.

    Attributes:
        messages: everything said so far.
    """

    def __init__(self, host: str, port: int = PORT, *, patience: float = PATIENCE) -> None:
        import socket

        self.address = f"{host}:{port}"
        self.messages: list[Message] = []
        self._measuring = False
        self._rest = b""
        try:
            self._socket = socket.create_connection((host, port), timeout=patience)
        except OSError as error:
            raise CmError(
                f"cannot reach PTDaemon: {error.strerror or error}",
                where=self.address,
                hint="start it on the machine of the analyzer: ptd -l LOG -p 8888 MODEL PORT",
            ) from error

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._measuring:
                self.say("Stop")
        except CmError:
            pass  # the connection is gone; the daemon stops by itself
        finally:
            self._socket.close()

    def say(self, command: str) -> str:
        """Send one command, give back the reply.

        Raises:
            UsageError: the command holds a line break.
            CmError: no reply in time, or the connection is gone.
        """
        if any(ord(sign) < 32 or ord(sign) > 126 for sign in command):
            raise UsageError(f"{command!r} is no command of PTDaemon")
        at = time.time()
        try:
            self._socket.sendall(command.encode("ascii") + b"\r\n")
            reply = self._line()
        except OSError as error:
            raise CmError(
                f"PTDaemon did not answer '{command}': {error.strerror or error or 'time is up'}",
                where=self.address,
            ) from error
        self.messages.append(Message(command, reply, at))
        return reply

    def _line(self) -> str:
        while b"\n" not in self._rest:
            block = self._socket.recv(4096)
            if not block:
                raise ConnectionResetError(104, "it closed the connection")
            self._rest += block
            if len(self._rest) > _LONGEST_REPLY:
                raise ConnectionError(71, "its reply has no end")
        line, _, self._rest = self._rest.partition(b"\n")
        return line.rstrip(b"\r").decode("ascii", "replace")

    def order(self, command: str, expected: str) -> str:
        """`say`, for commands whose reply must begin as expected.

        Raises:
            CmError: the reply is another one.
        """
        reply = self.say(command)
        if not reply.startswith(expected):
            raise CmError(
                f"PTDaemon answered '{command}' with '{reply[:100]}', not '{expected}'",
                where=self.address,
            )
        return reply

    def identify(self) -> Identity:
        """Greet the daemon and ask who it is."""
        self.order("Hello", "Hello, PTDaemon here!")
        return parse_identity(self.say("Identify"))

    def ranges(self) -> tuple[str, str]:
        """The ranges that are set: amperes, volts."""
        return parse_ranges(self.say("RR"))

    def set_range(self, amps: str, volts: str) -> None:
        """Set both ranges; numbers as text, or `Auto`."""
        self.order(f"SR,A,{amps}", "Range A changed")
        self.order(f"SR,V,{volts}", "Range V changed")

    def go(self, mark: str) -> None:
        """Begin to measure; samples carry the mark.

        Raises:
            UsageError: the mark has other characters than letters, digits, `_`, `-` and `.`.
        """
        if not mark or not all(sign.isalnum() or sign in "_-." for sign in mark):
            raise UsageError(f"{mark!r} is no mark; letters, digits, '_', '-' and '.' are")
        self.order(f"Go,{INTERVAL_MS},0,{mark}", "Starting untimed measurement")
        self._measuring = True

    def stop(self) -> None:
        """End the measurement."""
        self._measuring = False
        self.order("Stop", "Stopping untimed measurement")


def measure(client: Client, mark: str, command: list[str], amps: str, volts: str) -> dict[str, Any]:
    """Run a program while the analyzer measures.

    Args:
        client: connected.
        mark: name of the measurement.
        command: the program with its arguments.
        amps, volts: ranges to measure with; the ones set before are restored.

    Returns:
        Identity, ranges, times (seconds since 1970), the program's exit code and all messages.

    Raises:
        CmError: the daemon or the program fails to start; the ranges are restored all the same.
    """
    import subprocess

    identity = client.identify()
    before = client.ranges()
    client.set_range(amps, volts)
    try:
        client.go(mark)
        began = time.time()
        try:
            code = subprocess.run(command, check=False).returncode
        except OSError as error:
            raise CmError(f"cannot start {command[0]}: {error.strerror}") from error
        ended = time.time()
        client.stop()
    finally:
        client.set_range(*before)
    return {
        "analyzer": identity._asdict(),
        "ranges": {"amps": amps, "volts": volts},
        "mark": mark,
        "began": began,
        "ended": ended,
        "code": code,
        "ptd_messages": [message._asdict() for message in client.messages],
    }
