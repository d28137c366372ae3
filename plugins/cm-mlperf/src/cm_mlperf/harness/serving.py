"""The server of LoadGen over the network: receives batches, runs the model, sends answers."""

from __future__ import annotations

from cm_mlperf.harness.network import PATIENCE, PROTOCOL
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.harness.config import Config


class Bytes:
    """What LoadGen's response class is elsewhere: a place in memory and its size."""

    def __init__(self, number: int, data: int, size: int) -> None:
        self.id = number
        self.data = data
        self.size = size


class Server:
    """A model behind a socket.

    Raises:
        CmError: see `network.serve`.
    """

    def __init__(self, config: Config) -> None:
        import platform

        from cm_mlperf.harness import backends
        from cm_mlperf.harness.run import open_dataset
        from cm_mlperf.libraries import load
        from cmcore.errors import CmError

        assert config.network is not None
        self.zmq = load("zmq")
        self.config = config
        #: What a worker could not do; whoever meets it ends the server.
        self.failure = ""
        self.session = backends.open_session(config.model, config.backend)
        # Task and form of the answers; the samples themselves come from the client.
        self.dataset = open_dataset(config, self.session.inputs)
        self.name = f"{config.model.name} on {platform.node() or 'server'} (network SUT)"
        self.context = self.zmq.Context()
        self.socket = self.context.socket(self.zmq.ROUTER)
        self.socket.linger = 1000
        self.watch = self.socket.get_monitor_socket(self.zmq.EVENT_DISCONNECTED)
        self.done = self.context.socket(self.zmq.PULL)
        self.done.bind("inproc://done")
        try:
            self.socket.bind(f"tcp://{config.network.address}")
        except self.zmq.ZMQError as error:
            self.context.destroy(linger=0)
            address = config.network.address
            raise CmError(
                f"'network.address' {address!r} cannot be used: {error}", code=2
            ) from None

    def run(self) -> dict[str, Any]:
        """Serve until the client says goodbye."""
        import time
        from queue import SimpleQueue
        from threading import Thread

        from cm_mlperf.harness import facts
        from cmcore.errors import CmError

        started = time.time()
        self.tasks: SimpleQueue[Any] = SimpleQueue()
        for _ in range(self.config.workers):
            Thread(target=self._work, daemon=True).start()
        poller = self.zmq.Poller()
        for socket in (self.socket, self.done, self.watch):
            poller.register(socket, self.zmq.POLLIN)
        samples, client, over = 0, None, False
        while not over:
            ready = dict(poller.poll(None if client else PATIENCE * 1000))
            if not ready:
                raise CmError(f"no client came within {PATIENCE} s", code=3)
            if self.done in ready:
                frames = self.done.recv_multipart()
                self.socket.send_multipart(frames)
                if self.failure and len(frames) == 2:
                    self.context.destroy(linger=2000)  # the client gets the message first
                    raise CmError(self.failure, code=3)
            if self.socket in ready:
                client, count, over = self._receive(self.socket.recv_multipart(), client)
                samples += count
            elif self.watch in ready:
                from zmq.utils.monitor import recv_monitor_message

                recv_monitor_message(self.watch)
                if client:
                    raise CmError("the client went away before the end of the test", code=3)
        self.context.destroy(linger=1000)
        took = time.time() - started
        backend = {
            "versions": self.session.versions,
            "provider": self.session.provider,
            "network": {"server": self.name},
        }
        points = {"samples": samples, "span_ns": 0}
        return facts.collect(
            self.config, None, backend, started=started, test_s=took, points=points
        )

    def _receive(self, frames: list[bytes], client: Any) -> tuple[Any, int, bool]:
        """Take one message; (the client, samples in it, whether it was a goodbye)."""
        import json

        sender, head = frames[0], json.loads(frames[1])
        if head["kind"] != "hello" and sender != client:
            return client, 0, False
        if head["kind"] == "hello":
            if client not in (None, sender):
                answer: dict[str, Any] = {"kind": "busy"}
            else:
                answer = {
                    "kind": "hello",
                    "protocol": PROTOCOL,
                    "name": self.name,
                    "inputs": [list(tensor) for tensor in self.session.inputs],
                    "versions": self.session.versions,
                    "provider": self.session.provider,
                }
                client = sender
            self.socket.send_multipart([sender, json.dumps(answer).encode()])
            return client, 0, False
        if head["kind"] == "name":
            told = {"kind": "name", "name": self.name}
            self.socket.send_multipart([sender, json.dumps(told).encode()])
            return client, 0, False
        if head["kind"] == "bye":
            return client, 0, True
        self.tasks.put((sender, head, frames[2:]))
        return client, len(head["samples"]), False

    def _work(self) -> None:
        import json

        from cm_mlperf.harness.abort import sentence

        made: dict[int, Any] = {}
        push = self.context.socket(self.zmq.PUSH)
        push.connect("inproc://done")
        while True:
            sender, head, frames = self.tasks.get()
            try:
                sizes, block = self._answer(head, frames, made)
            except Exception as error:  # noqa: BLE001 - libraries raise types of their own
                first = head["samples"][0] if head["samples"] else "?"
                text = f"the model failed at sample {first}: {sentence(error)}"
                told = json.dumps({"kind": "error", "error": text}).encode()
                self.failure = text
                answer = [sender, told]
            else:
                done = {"kind": "done", "number": head["number"], "sizes": sizes}
                answer = [sender, json.dumps(done).encode(), block]
            try:
                push.send_multipart(answer)
            except self.zmq.ZMQError:  # the server ends: another worker has failed
                return
            if len(answer) == 2:
                return

    def _answer(
        self, head: dict[str, Any], frames: list[bytes], made: dict[int, Any]
    ) -> tuple[list[int], bytes]:
        """Run one batch; sizes and bytes of its answers. `made` keeps this thread's responders."""
        import ctypes

        import numpy as np

        from cm_mlperf.harness.responses import Responder, check_outputs, kind_of

        feeds = {
            name: np.frombuffer(frame, dtype=kind).reshape(shape)
            for (name, (kind, shape)), frame in zip(head["feeds"].items(), frames, strict=True)
        }
        indices, rows = head["samples"], head["rows"]
        outputs = self.session.run(feeds)
        if rows not in made:
            kind = kind_of(self.config.model, self.dataset, outputs)
            check_outputs(kind, outputs, rows)
            made[rows] = Responder(Bytes, self.config.model, self.dataset, rows, outputs, rows)
        filled = made[rows].fill(indices, indices, outputs)
        block = b"".join(ctypes.string_at(item.data, item.size) for item in filled)
        return [item.size for item in filled], block
