"""The process that builds one dependency ahead.

It is told what to build by the first line from its socket, tells what came of it, publishes when it
is asked to, and ends, with all that it started, when the other side is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

from cm_script.jobs.noting import ChildEngine
from cmcore.context import Context
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence


def main(number: int) -> None:
    """Build what the first line from the socket of this number asks for.

    Ends the process.
    """
    import socket

    with socket.socket(fileno=number) as link:
        link.set_inheritable(False)
        stream = link.makefile("rb")
        first = stream.readline()
        if not first:
            return
        wanted = threading.Event()
        listener = threading.Thread(target=_listen, args=(stream, wanted), daemon=True)
        listener.start()
        Child(json.loads(first), link, wanted).work()
        sys.stdout.flush()
        # Not by way of the interpreter's end: nothing that a recipe left there may hold it up.
        os._exit(0)


def _listen(stream: Any, wanted: threading.Event) -> None:
    """Hear when to publish; at the end of the other side, end this process and all it started."""
    try:
        if stream.readline():
            wanted.set()
            stream.readline()
    except OSError:
        pass  # it was killed before it had read all that we said
    os.killpg(0, signal.SIGKILL)


class Child:
    """One request to build ahead."""

    def __init__(
        self, request: dict[str, Any], link: socket.socket, wanted: threading.Event
    ) -> None:
        self.request = request
        self.link = link
        self.wanted = wanted

    def say(self, **message: Any) -> None:
        """Tell the other side."""
        self.link.sendall(json.dumps(message).encode() + b"\n")

    def give_up(self, why: str) -> None:
        """Leave the work to its turn: end here and now, whatever is on the stack."""
        self.say(abandoned=why)
        self.wanted.wait()  # which never comes: the other side ends this process
        os._exit(0)

    def work(self) -> None:
        """Build, tell, and publish when asked to."""
        request = self.request
        ctx = Context(environ={**request["environ"], "CM_HOME": request["home"]})
        engine = ChildEngine(ctx, self)
        engine.console = console = _Log(self)
        engine.take(request)
        try:
            with ctx.index.hold():
                answer = engine.run(request["inputs"])
        except CmError as error:
            console.err(f"error: {error}")
            self.say(failed=error.message)
            return
        report = engine.report(answer)
        try:
            text = json.dumps(report)
            plain = json.loads(text) == report
        except (TypeError, ValueError):
            plain = False
        if not plain:
            self.give_up("its result holds what cannot be handed over as it is")
        self.say(done=report)
        self.wanted.wait()
        try:
            self.say(published=engine.builder.publish_all())
        except CmError as error:
            self.say(failed=error.message)


class _Log:
    """A console into the log; a question makes the process give up.

    Attributes:
        interactive: whether the run would ask a person.
        json: always False.
    """

    def __init__(self, child: Child) -> None:
        self.interactive = bool(child.request["interactive"])
        self.json = False
        self.child = child

    def child_stream(self) -> int:
        """Where a step's output goes."""
        sys.stderr.flush()
        return 2

    def err(self, text: str) -> None:
        """A line."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def log(self, text: str, *, verbose: bool = False) -> None:
        """A line about what happens; all of them are of interest in a log."""
        self.err(text)

    def warn(self, text: str) -> None:
        """A warning."""
        self.err(f"warning: {text}")

    def ask(self, question: str, options: Sequence[str], default: int | None = None) -> int | None:
        """Nobody is asked beside a run."""
        self.child.give_up("it would ask a question")
        return default
