"""One run: model, data set and LoadGen brought together, and the folder of its logs."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cm_mlperf.harness.backends import Session, Tensor
    from cm_mlperf.harness.config import Config
    from cm_mlperf.harness.data import Dataset
    from cm_mlperf.harness.folder import Folder
    from cm_mlperf.harness.matching import Plan
    from cm_mlperf.harness.timing import Marks

#: Runs of the model before the test, so that nothing of it is measured while it starts up.
WARM_UP = 3
POINTS_FILE = "samples.npz"


class Sut(NamedTuple):
    """What LoadGen is given: a way to issue, one to end, and what was seen meanwhile."""

    issue: Callable[..., Any]
    close: Callable[[], None]
    marks: list[Marks]
    facts: dict[str, Any]


def run(config: Config) -> dict[str, Any]:
    """Do what `config` says; returns the facts that stand in `harness.json` of the output folder.

    Raises:
        CmError: exit code 2 when something is missing or wrong, 3 when model or back end fail
            before the test. A failure during the test ends the process, see `abort`.
    """
    from cm_mlperf.harness.abort import Abort
    from cm_mlperf.harness.folder import Folder

    if config.network and config.network.role == "server":
        from cm_mlperf.harness.network import serve

        return serve(config)
    from cm_mlperf.libraries import load

    loadgen = load("mlperf_loadgen")
    folder = Folder(config.output)
    abort = Abort(folder.discard)
    try:
        if config.network:
            from cm_mlperf.harness.network import connect

            return _measured(config, loadgen, folder, abort, connect)
        return _measured(config, loadgen, folder, abort, local)
    except BaseException:
        folder.discard()
        raise


def open_dataset(config: Config, inputs: Sequence[Tensor]) -> Dataset:
    """The data set of a configuration; random data is shaped after the model's inputs.

    Raises:
        CmError: with exit code 2.
    """
    from cm_mlperf.harness import data, matching
    from cmcore.errors import CmError

    if isinstance(config.dataset, dict):
        shapes = matching.shapes_for_random(inputs, config.dataset.get("shapes") or {})
        count = config.samples or int(config.dataset.get("count", 1024))
        return data.random(shapes, count, int(config.dataset.get("seed", 1)))
    try:
        return data.read(config.dataset, config.samples)
    except CmError as error:
        raise CmError(error.message, where=error.where, hint=error.hint, code=2) from None


def local(config: Config, loadgen: Any, abort: Any) -> tuple[Sut, Any, Dataset]:
    """The system under test in this process: workers, loaded samples and their data set."""
    from cm_mlperf.harness import backends, matching
    from cm_mlperf.harness.samples import Samples
    from cm_mlperf.harness.sut import Queue

    session = backends.open_session(config.model, config.backend)
    dataset = open_dataset(config, session.inputs)
    plan = matching.match(session.inputs, dataset, config.model.inputs)
    samples = Samples(dataset, plan)
    batch = batch_size(config, plan)
    workers = make_workers(config, loadgen, session, samples, abort.fail, batch)
    facts = {"versions": session.versions, "provider": session.provider, "batch_size": batch}
    merge = config.scenario == "Server"
    if len(workers) > 1 or (merge and batch > 1):
        queue = Queue(workers, merge)
        issue, close = queue.issue, queue.close
    else:
        worker = workers[0]
        issue = worker.single() if config.scenario in ("SingleStream", "Server") else worker.answer
        close = _nothing
    return Sut(issue, close, [worker.marks for worker in workers], facts), samples, dataset


def batch_size(config: Config, plan: Plan) -> int:
    """The largest batch that is run: what was asked for, at most what the model takes."""
    if not plan.batched:
        return 1
    return plan.batch if plan.batch is not None else config.batch_size


def make_workers(
    config: Config,
    loadgen: Any,
    session: Session,
    samples: Any,
    fail: Any,
    batch: int,
    complete: Any = None,
) -> list[Any]:
    """The workers, after the model has been warmed up with the first samples.

    Raises:
        CmError: with exit code 3: the model fails already here, or its outputs cannot be used.
    """
    from cm_mlperf.harness.abort import sentence
    from cm_mlperf.harness.responses import Responder, check_outputs, kind_of
    from cm_mlperf.harness.sut import Worker
    from cmcore.errors import CmError

    dataset = samples.dataset
    probe = min(batch, dataset.size) if samples.plan.batch in (None, 1) else batch
    first = [at % dataset.size for at in range(probe)]
    samples.load(list(range(min(probe, dataset.size))))
    places = samples.rows[first]
    feeds = samples.gather(places) if samples.plan.batched else samples.one(0)
    try:
        for _ in range(WARM_UP):
            outputs = session.run(feeds)
        if probe > 1 and samples.plan.batch is None:
            session.run(samples.one(0))
    except Exception as error:  # noqa: BLE001 - libraries raise types of their own
        raise CmError(f"the model failed at its first batch: {sentence(error)}", code=3) from None
    kind = kind_of(config.model, dataset, outputs)
    check_outputs(kind, outputs, probe)
    done = complete or loadgen.QuerySamplesComplete
    made = [
        Worker(
            session.run,
            samples,
            Responder(loadgen.QuerySampleResponse, config.model, dataset, batch, outputs, probe),
            done,
            batch,
            fail,
        )
        for _ in range(config.workers)
    ]
    samples.unload(first)
    return made


def check_logs(folder: Folder) -> None:
    """See that LoadGen's logs are whole: it does not notice when it cannot write.

    Raises:
        CmError: with exit code 3: a log is missing or cut.
    """
    import os

    from cm_mlperf import logs
    from cmcore.errors import CmError

    for name, end in ((logs.SUMMARY, b"\n"), (logs.DETAIL, b"\n"), (logs.ACCURACY, b"]")):
        path = folder.file(name)
        size = os.path.getsize(path) if os.path.exists(path) else 0
        tail = b""
        if size:
            with open(path, "rb") as stream:
                stream.seek(max(0, size - 4))
                tail = stream.read()
        if not (tail if end == b"\n" else tail.rstrip()).endswith(end):
            raise CmError(
                f"LoadGen could not write {name} to its end ({size} bytes)",
                where=folder.tmp,
                hint="is the disk full, or a limit on the size of files set?",
                code=3,
            )


def _nothing() -> None:
    """LoadGen's flush: nothing is held back."""


def _measured(
    config: Config, loadgen: Any, folder: Folder, abort: Any, connect: Any
) -> dict[str, Any]:
    import time

    from cm_mlperf.harness import facts, timing
    from cm_mlperf.harness.settings import log_settings, test_settings

    started = time.time()
    settings = test_settings(loadgen, config)
    sut, library, dataset = connect(config, loadgen, abort)
    total = dataset.size
    within = min(config.performance_sample_count, total)
    qsl = loadgen.ConstructQSL(
        total, within, _guarded(library.load, abort), _guarded(library.unload, abort)
    )
    if "name" in sut.facts:
        handle = loadgen.ConstructQDL(sut.issue, _nothing, sut.facts["name"])
    else:
        handle = loadgen.ConstructFastSUT(sut.issue, _nothing)
    abort.on_signals()
    begun = time.perf_counter()
    _start(
        lambda: loadgen.StartTestWithLogSettings(
            handle, qsl, settings, log_settings(loadgen, folder.tmp), config.audit_conf
        ),
        abort,
    )
    took = time.perf_counter() - begun
    sut.close()
    check_logs(folder)
    points = timing.write(folder.file(POINTS_FILE), sut.marks)
    made = facts.collect(config, dataset, sut.facts, started=started, test_s=took, points=points)
    folder.finish(made)
    return made


def _start(test: Callable[[], None], abort: Any) -> None:
    """Run the test in a thread: this one stays free to hear signals, which Python serves here."""
    import gc
    import threading

    def whole() -> None:
        try:
            test()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody above it
            abort.fail(error)

    # No collection may fall into the test; nothing in it makes cycles.
    gc.collect()
    gc.freeze()
    gc.disable()
    thread = threading.Thread(target=whole, daemon=True)
    thread.start()
    thread.join()
    gc.enable()


def _guarded(function: Callable[[Any], None], abort: Any) -> Callable[[Any], None]:
    def called(indices: Any) -> None:
        try:
            function(indices)
        except BaseException as error:  # noqa: BLE001 - must not travel through LoadGen
            from cm_mlperf.harness.abort import FAILED, sentence

            abort.end(FAILED, f"loading samples failed: {sentence(error)}")

    return called
