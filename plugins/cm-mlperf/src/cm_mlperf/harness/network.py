"""LoadGen over the network: the client measures, the server has the model; ZeroMQ between them.

The client is LoadGen with a query dispatch library (ConstructQDL), as MLPerf's network division
asks: it reads the samples, sends them batch by batch and counts a query as done when its answer has
arrived. Both read the same configuration file, but for `network.role`. Messages are a JSON head and
raw numpy bytes; nothing that is received is ever executed.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cm_mlperf.harness.config import Config
    from cm_mlperf.harness.data import Dataset
    from cm_mlperf.harness.run import Sut

#: Seconds that a client waits for its server, and a server for its first client.
PATIENCE = 60
#: Version of the messages.
PROTOCOL = 1


def connect(config: Config, loadgen: Any, abort: Any) -> tuple[Sut, Any, Dataset]:
    """The system under test at the other end; what `run.local` is for one in this process.

    Raises:
        CmError: exit code 2: pyzmq is missing, the address is wrong, or the data set does not fit
            the server's model; 3: no server answers.
    """
    from cm_mlperf.harness import matching
    from cm_mlperf.harness.run import Sut, open_dataset
    from cm_mlperf.harness.samples import Samples

    client = Client(config, loadgen, abort)
    try:
        hello = client.hello()
        dataset = open_dataset(config, hello["inputs"])
        plan = matching.match(hello["inputs"], dataset, config.model.inputs)
    except BaseException:
        client.drop()
        raise
    samples = Samples(dataset, plan)
    batch = 1 if not plan.batched else plan.batch or config.batch_size
    client.start(samples, batch)
    facts = {
        "name": client.name,
        "versions": hello["versions"],
        "provider": hello["provider"],
        "batch_size": batch,
        "network": {"server": hello["name"]},
    }
    return Sut(client.issue, client.close, [client.marks], facts), samples, dataset


class Client:
    """Sends samples, receives answers. One thread owns the socket; LoadGen's hands over to it."""

    def __init__(self, config: Config, loadgen: Any, abort: Any) -> None:
        from cm_mlperf.harness.timing import Marks
        from cm_mlperf.libraries import load
        from cmcore.errors import CmError

        assert config.network is not None
        self.zmq = load("zmq")
        self.address = config.network.address
        self.abort = abort
        self.complete = loadgen.QuerySamplesComplete
        self.response = loadgen.QuerySampleResponse
        self.marks = Marks()
        self.context = self.zmq.Context()
        self.socket = self.context.socket(self.zmq.DEALER)
        self.socket.linger = 0
        self.watch = self.socket.get_monitor_socket(self.zmq.EVENT_DISCONNECTED)
        try:
            self.socket.connect(f"tcp://{self.address}")
        except self.zmq.ZMQError as error:
            raise CmError(f"'network.address' {self.address!r}: {error}", code=2) from None

    def hello(self) -> dict[str, Any]:
        """Ask who is there; the inputs of its model come back as `Tensor`s.

        Raises:
            CmError: with exit code 3: nobody answers.
        """
        import json

        from cm_mlperf.harness.backends import Tensor
        from cmcore.errors import CmError

        self.socket.send_json({"kind": "hello", "protocol": PROTOCOL})
        if not self.socket.poll(PATIENCE * 1000):
            raise CmError(f"no server at {self.address} within {PATIENCE} s", code=3)
        frames = self.socket.recv_multipart()
        head: dict[str, Any] = json.loads(frames[0])
        if head.get("kind") == "busy":
            raise CmError(f"the server at {self.address} already has a client", code=3)
        if head.get("protocol") != PROTOCOL:
            raise CmError(f"{self.address} is no server of this version", code=3)
        head["inputs"] = [
            Tensor(name, None if shape is None else tuple(shape), kind)
            for name, shape, kind in head["inputs"]
        ]
        return head

    def start(self, samples: Any, batch: int) -> None:
        """Begin to send and receive."""
        from threading import Event, Thread

        self.samples = samples
        self.batch = batch
        self.outbox = self.context.socket(self.zmq.PAIR)
        self.outbox.bind("inproc://out")
        self.inbox = self.context.socket(self.zmq.PAIR)
        self.inbox.connect("inproc://out")
        self.waiting: dict[int, tuple[Sequence[int], Sequence[int], int]] = {}
        self.number = 0
        self.named, self.told = Event(), ""
        self.thread = Thread(target=self._guarded, daemon=True)
        self.thread.start()

    def issue(self, queries: Sequence[Any]) -> None:
        """Send a query in batches."""
        import json
        from time import perf_counter_ns as clock

        begun = clock()
        try:
            ids = [query.id for query in queries]
            indices = [query.index for query in queries]
            for start in range(0, len(ids), self.batch):
                chosen = indices[start : start + self.batch]
                feeds, rows = self._feeds(chosen)
                self.number += 1
                self.waiting[self.number] = (ids[start : start + self.batch], chosen, begun)
                shapes = {name: [item.dtype.str, item.shape] for name, item in feeds.items()}
                head = {
                    "kind": "run",
                    "number": self.number,
                    "samples": chosen,
                    "rows": rows,
                    "feeds": shapes,
                }
                frames = [json.dumps(head).encode(), *(item.tobytes() for item in feeds.values())]
                self.outbox.send_multipart(frames)
        except BaseException as error:  # noqa: BLE001 - must not travel through LoadGen
            self.abort.fail(error, [query.index for query in queries])

    def _feeds(self, indices: Sequence[int]) -> tuple[dict[str, Any], int]:
        """Feeds of a batch and their length, filled up where the model takes whole batches only."""
        import numpy as np

        places, plan = self.samples.rows[indices], self.samples.plan
        if not plan.batched:
            return self.samples.one(int(places[0])), 1
        if plan.batch and len(places) < plan.batch:
            places = np.concatenate([places, np.full(plan.batch - len(places), places[0])])
        return self.samples.gather(places), len(places)

    def name(self) -> str:
        """Ask for the name over the network: LoadGen measures how long that takes."""
        self.named.clear()
        self.outbox.send_multipart([b'{"kind": "name"}'])
        self.named.wait()
        return self.told

    def close(self) -> None:
        """Tell the server that the test is over."""
        self.outbox.send_multipart([b'{"kind": "bye"}'])
        self.thread.join()
        self.drop()

    def drop(self) -> None:
        """Close everything."""
        self.context.destroy(linger=1000)

    def _guarded(self) -> None:
        try:
            self._exchange()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody above it
            from cm_mlperf.harness.abort import FAILED, sentence

            self.abort.end(FAILED, f"the connection to {self.address} failed: {sentence(error)}")

    def _exchange(self) -> None:
        from cm_mlperf.harness.abort import FAILED

        poller = self.zmq.Poller()
        for socket in (self.inbox, self.socket, self.watch):
            poller.register(socket, self.zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self.socket in ready:
                self._answer(self.socket.recv_multipart(copy=True))
            if self.inbox in ready:
                frames = self.inbox.recv_multipart()
                self.socket.send_multipart(frames)
                if frames[0] == b'{"kind": "bye"}':
                    return
            if self.watch in ready:
                self.abort.end(FAILED, f"the server at {self.address} went away during the test")

    def _answer(self, frames: list[bytes]) -> None:
        import json
        from time import perf_counter_ns as clock

        import numpy as np

        head = json.loads(frames[0])
        if head["kind"] == "error":
            from cm_mlperf.harness.abort import FAILED

            self.abort.end(FAILED, f"at the server {self.address}: {head['error']}")
        if head["kind"] == "name":
            self.told = head["name"]
            self.named.set()
            return
        ids, _, begun = self.waiting.pop(head["number"])
        block = np.frombuffer(frames[1], dtype=np.uint8)
        base = block.ctypes.data
        made, at = [], 0
        for number, size in zip(ids, head["sizes"], strict=True):
            made.append(self.response(number, base + at, size))
            at += size
        self.complete(made)
        self.marks.add(begun, clock(), len(made))


def serve(config: Config) -> dict[str, Any]:
    """Answer one client until it says goodbye; returns the facts of `harness.json`.

    Raises:
        CmError: exit code 2: something is missing or wrong; 3: no client came, or it went away.
    """
    from cm_mlperf.harness.abort import Abort
    from cm_mlperf.harness.folder import Folder
    from cm_mlperf.harness.serving import Server

    folder = Folder(config.output)
    try:
        Abort(folder.discard).on_signals()
        facts = Server(config).run()
        folder.finish(facts)
    except BaseException:
        folder.discard()
        raise
    return facts
