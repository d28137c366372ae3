"""Processes that build ahead: started, listened to, told to publish, ended.

A child is a process group of its own, so that everything it starts ends with it, and talks with us
over one socket pair. Lines of JSON go both ways; the first one is the request, which may hold
secrets and so never stands on a command line or in a file. When our end closes, for whatever
reason, SIGKILL included, the child ends itself and its group. It has no terminal, reads nothing and
writes into a log.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from subprocess import Popen

    from cm_script.engine import Engine
    from cm_script.scope import Dep

#: A child must not find modules in the folder that it stands in, as `-c` would have it.
_MAIN = "import sys; sys.path[:1] == [''] and sys.path.pop(0); from cm_script.jobs.child import main; main(int(sys.argv[1]))"  # noqa: E501


class Job:
    """One dependency that is built ahead.

    Attributes:
        dep: its entry in the parent's list.
        inputs: what it was asked for, as it was when it was started.
        label: name for people.
        log: file with what it says.
        setting: what else it started from; see `adopt.setting`.
        answer: its last message: `done`, `failed` or `abandoned`; None while it builds.
        folders: entries of the cache that it began.
        told: whether its end was told.
        published: whether its result became that of the run.
    """

    def __init__(self, dep: Dep, inputs: dict[str, Any], label: str, log: str) -> None:
        self.dep = dep
        self.inputs = inputs
        self.label = label
        self.log = log
        self.setting: dict[str, Any] = {}
        self.answer: dict[str, Any] | None = None
        self.folders: list[str] = []
        self.told = False
        self.published = False
        self.started = time.monotonic()
        self._process: Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._poll = select.poll()
        self._rest = b""

    def start(self, request: dict[str, Any], folder: str) -> None:
        """Start the process in `folder`.

        Raises:
            OSError: that cannot be done.
        """
        import socket
        import subprocess

        text = json.dumps(request).encode() + b"\n"
        ours, theirs = socket.socketpair()
        os.makedirs(os.path.dirname(self.log), exist_ok=True)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
            self._socket = ours
            self._poll.register(ours, select.POLLIN)
            ours.sendall(text)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(log)

    @property
    def running(self) -> bool:
        """Whether it is still building."""
        return self.answer is None and self._socket is not None

    def poll(self, wait: float | None = 0) -> bool:
        """Read messages for at most `wait` seconds (None: until there is an answer).

        Returns:
            whether there is an answer.
        """
        while self.answer is None and self._socket is not None:
            line, found, rest = self._rest.partition(b"\n")
            if found:
                self._rest = rest
                self._take(json.loads(line))
                continue
            if not self._poll.poll(None if wait is None else wait * 1000):
                return False
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.answer = {"failed": "it ended without an answer"}
            self._rest += data
        return self.answer is not None

    def _take(self, message: dict[str, Any]) -> None:
        if "folder" in message:
            self.folders.append(message["folder"])
        else:
            self.answer = message

    def publish(self) -> dict[str, Any]:
        """Let it publish what it built; its answer, `published` or `failed`."""
        assert self._socket is not None
        self.answer = None
        try:
            self._socket.sendall(b'"publish"\n')
        except OSError:
            return {"failed": "it ended before it was asked to publish"}
        self.poll(None)
        answer: dict[str, Any] = self.answer or {}
        if "published" in answer:
            self.published = True
            self._end(kill=False)
        return answer

    def discard(self, engine: Engine) -> None:
        """End it and remove what it built; nothing to do when it published."""
        if self._socket is None:
            return
        self.poll()
        self._end(kill=True)
        for uid in self.folders:
            # One that stays is never served; the next build takes it over.
            call = {"action": "prune", "automation": "cache", "artifact": uid}
            engine.ctx.access({**call, "unfinished": True, "force": True})

    def _end(self, *, kill: bool) -> None:
        process, link, self._socket = self._process, self._socket, None
        if process is not None:
            if kill:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except OSError:
                    pass  # it has ended already
            process.wait()
        if link is not None:
            link.close()


class Pool:
    """The jobs of one request.

    Attributes:
        most: how many may build at once.
        jobs: those that were started and are not over.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self.engine = engine
        self.most = most
        self.jobs: list[Job] = []

    @property
    def free(self) -> int:
        """How many more may be started now."""
        self.look()
        return self.most - sum(1 for job in self.jobs if job.running)

    def look(self) -> None:
        """Take in what the jobs have to say, and tell it."""
        for job in self.jobs:
            self.settle(job, 0)

    def wait(self) -> None:
        """Until none of them builds any more."""
        for job in self.jobs:
            self.settle(job, None)

    def settle(self, job: Job, wait: float | None) -> None:
        """Listen to a job for at most `wait` seconds (None: to its end); tell its end once."""
        if not job.poll(wait) or job.told:
            return
        job.told = True
        seconds = time.monotonic() - job.started
        answer = job.answer or {}
        if "done" in answer:
            text = f"built beside in {seconds:.1f} s"
        elif "abandoned" in answer:
            text = f"left for its turn: {answer['abandoned']}"
        else:
            text = f"failed beside after {seconds:.1f} s and is run again in its turn"
        self.say(f"{job.label}: {text} (log: {job.log})")

    def say(self, text: str) -> None:
        """A line for the person, unless the run is silent."""
        if not self.engine.silent:
            self.engine.console.log("  " * len(self.engine.chain) + text)

    def of(self, dep: Dep) -> Job | None:
        """The job that builds a dependency, if there is one."""
        return next((job for job in self.jobs if job.dep is dep), None)

    def drop(self, job: Job) -> None:
        """A job is over; what it has not published goes."""
        if job in self.jobs:
            self.jobs.remove(job)
        job.discard(self.engine)

    def close(self) -> None:
        """End them all."""
        for job in list(self.jobs):
            self.drop(job)
