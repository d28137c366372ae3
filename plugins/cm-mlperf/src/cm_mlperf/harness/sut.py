"""The system under test: takes queries from LoadGen, runs the model, reports completion.

One worker answers in the thread that LoadGen issues from, which costs no hand-over. Several
workers, and batches in the Server scenario, go through a queue: a worker takes what is waiting, up
to a batch. Nothing here is made anew per sample except what LoadGen itself hands over.
"""

from __future__ import annotations

from time import perf_counter_ns as clock

from cm_mlperf.harness.timing import Marks
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cm_mlperf.harness.backends import Run
    from cm_mlperf.harness.responses import Responder
    from cm_mlperf.harness.samples import Samples

    #: Answers samples: their response ids and numbers, and when they were issued.
    Answer = Callable[..., None]
    #: Called with what went wrong and the samples that were being answered; does not return.
    Fail = Callable[[BaseException, Sequence[int]], Any]


#: Batches up to this size are put together without numpy's help, which takes longer to begin.
FEW = 32


class Worker:
    """Answers batches in one thread."""

    def __init__(
        self,
        run: Run,
        samples: Samples,
        responder: Responder,
        complete: Callable[[list[Any]], None],
        batch: int,
        fail: Fail,
    ) -> None:
        self.run = run
        self.samples = samples
        self.responder = responder
        self.complete = complete
        self.batch = batch
        self.fail = fail
        self.marks = Marks()
        #: Places of a whole batch, for models that take no smaller one.
        self.whole = samples.plan.batch if samples.plan.batched else 1
        self.few = min(batch, FEW) if self.whole is None else 0

    def single(self) -> Answer:
        """A function that answers queries of one sample: the shortest way there is."""
        if self.whole not in (None, 1) or self.responder.kind == "detection":
            return self.answer
        run, feeds, complete = self.run, self.samples.singles, self.complete
        store, made = self.responder.store, self.responder.made[:1]
        response = made[0]
        issued, completed = self.marks.issued.append, self.marks.completed.append
        counted = self.marks.counts.append

        def answer(ids: Sequence[int], indices: Sequence[int], begun: int = 0) -> None:
            begun = begun or clock()
            if len(ids) > 1:  # LoadGen joins late queries of the Server scenario when told to
                self.batches(ids, indices, begun)
                return
            try:
                store(run(feeds[indices[0]]), 1)
            except BaseException as error:  # noqa: BLE001 - must not travel through LoadGen
                self.fail(error, indices)
            response.id = ids[0]
            complete(made)
            completed(clock())
            issued(begun)
            counted(1)

        return answer

    def answer(self, ids: Sequence[int], indices: Sequence[int], begun: int = 0) -> None:
        """Answer any number of samples, batch after batch; issued at `begun`, by default now."""
        self.batches(ids, indices, begun or clock())

    def batches(
        self, ids: Sequence[int], indices: Sequence[int], begun: int | Sequence[int]
    ) -> None:
        """Answer samples that were issued at `begun`, all at once or each at its own time."""
        batch, total = self.batch, len(ids)
        run, fill, complete = self.run, self.responder.fill, self.complete
        if total <= self.few:
            try:
                made = fill(ids, indices, run(self.samples.few(indices)))
            except BaseException as error:  # noqa: BLE001 - must not travel through LoadGen
                self.fail(error, indices)
            complete(made)
            self._mark(begun, 0, total)
            return
        import numpy as np

        places = self.samples.rows[np.asarray(indices, dtype=np.int64)]
        # breaks[i]: how often the first i + 1 places jump; equal ends mean one piece.
        breaks = np.zeros(total, dtype=np.int64)
        np.cumsum(np.diff(places) != 1, out=breaks[1:])
        for start in range(0, total, batch):
            stop = min(start + batch, total)
            chosen = indices if total <= batch else indices[start:stop]
            numbers = ids if total <= batch else ids[start:stop]
            try:
                whole = breaks[start] == breaks[stop - 1]
                outputs = run(self._feed(places[start:stop], bool(whole)))
                made = fill(numbers, chosen, outputs)
            except BaseException as error:  # noqa: BLE001 - must not travel through LoadGen
                self.fail(error, chosen)
            complete(made)
            self._mark(begun, start, stop)

    def _mark(self, begun: int | Sequence[int], start: int, stop: int) -> None:
        now = clock()
        if isinstance(begun, int):
            self.marks.add(begun, now, stop - start)
        else:
            for at in begun[start:stop]:
                self.marks.add(at, now, 1)

    def _feed(self, places: Any, whole: bool) -> dict[str, Any]:
        samples, count = self.samples, len(places)
        if not samples.plan.batched:
            return samples.one(int(places[0]))
        if self.whole is not None and count < self.whole:
            import numpy as np

            filler = np.full(self.whole - count, places[0])
            return samples.gather(np.concatenate([places, filler]))
        if whole:
            return samples.piece(int(places[0]), int(places[0]) + count)
        return samples.gather(places)


class Queue:
    """Several workers behind one queue.

    Args:
        workers: each gets a thread of its own.
        merge: join waiting queries of one sample to batches (Server); else split large queries.
    """

    def __init__(self, workers: Sequence[Worker], merge: bool) -> None:
        from queue import SimpleQueue
        from threading import Thread

        self.tasks: SimpleQueue[Any] = SimpleQueue()
        self.workers = workers
        self.batch = workers[0].batch
        target = self._merging if merge else self._splitting
        self.threads = [Thread(target=target, args=(worker,), daemon=True) for worker in workers]
        self.issue = self._put if merge else self._cut
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """Let the threads end."""
        for _ in self.threads:
            self.tasks.put(None)
        for thread in self.threads:
            thread.join()

    def _put(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        begun = clock()
        for number, index in zip(ids, indices, strict=True):
            self.tasks.put((number, index, begun))

    def _cut(self, ids: Sequence[int], indices: Sequence[int]) -> None:
        begun = clock()
        for start in range(0, len(ids), self.batch):
            stop = start + self.batch
            self.tasks.put((ids[start:stop], indices[start:stop], begun))

    def _splitting(self, worker: Worker) -> None:
        while task := self.tasks.get():
            worker.batches(*task)

    def _merging(self, worker: Worker) -> None:
        from queue import Empty

        get, more = self.tasks.get, self.tasks.get_nowait
        single, batch = worker.single(), worker.batch
        while task := get():
            number, index, begun = task
            taken = [task]
            try:
                while len(taken) < batch:
                    task = more()
                    if task is None:
                        self.tasks.put(None)
                        break
                    taken.append(task)
            except Empty:
                pass
            if len(taken) == 1:
                single([number], [index], begun)
            else:
                worker.batches(*zip(*taken, strict=True))
