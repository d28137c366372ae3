"""Batches of any order and size, in one process: each sample gets its own answer, once."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cm_mlperf.harness import data
from cm_mlperf.harness.config import Model
from cm_mlperf.harness.matching import Plan
from cm_mlperf.harness.responses import Responder
from cm_mlperf.harness.samples import Samples
from cm_mlperf.harness.sut import Queue, Worker

STORED = 50


class Response:
    """LoadGen's class, as far as it is used."""

    def __init__(self, number, place, size):
        self.id = number
        self.data = place
        self.size = size


def model_of(fixed):
    """Answers with the sample's own number, once as int32 and once as float64."""

    def run(feeds):
        rows = feeds["x"]
        assert fixed is None or len(rows) == fixed
        assert len(rows) <= 64
        return [rows[:, 0].astype(np.int32), rows[:, 1].astype(np.float64)]

    return run


def worker(count, batch, fixed, answers, fail):
    rows = np.arange(STORED, dtype=np.float32)
    stored = np.stack([rows, rows * 0.5], axis=1)
    dataset = data.Dataset("n", "", count, STORED, {"x": stored}, None, "", "", {})
    samples = Samples(dataset, Plan({"x": "x"}, {"x": "float32"}, fixed, True))
    size = fixed or batch
    outputs = model_of(None)({"x": stored[:size]})
    model = Model("m", "", "onnx", "fp32", None, None, "raw", 0)

    def complete(responses):
        for response in responses:
            assert response.id not in answers
            answers[response.id] = ctypes.string_at(response.data, response.size)

    made = Responder(Response, model, dataset, size, outputs, len(outputs[0]))
    return Worker(model_of(fixed), samples, made, complete, size, fail), samples


def expected(index):
    row = index % STORED
    return np.int32(row).tobytes() + np.float64(row / 2).tobytes()


def failing(error, indices):
    raise error


@settings(deadline=None)
@given(st.data(), st.integers(1, 40), st.sampled_from([None, 1, 4]), st.integers(1, 120))
def test_each_sample_gets_its_own_answer(draw, batch, fixed, count):
    """Loaded in one order, asked for in another, with repetitions."""
    answers = {}
    one, samples = worker(count, batch, fixed, answers, failing)
    loaded = draw.draw(st.permutations(range(count)))
    samples.load([*loaded, *loaded[:7]])
    asked = draw.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=100))
    if draw.draw(st.booleans()):
        asked = loaded  # as Offline does: in the order of loading, in one piece
    ids = [1000 + at for at in range(len(asked))]
    one.answer(ids, asked)
    assert answers == {1000 + at: expected(index) for at, index in enumerate(asked)}
    assert sum(one.marks.counts) == len(asked)
    if fixed in (None, 1):
        answers.clear()
        one.single()([5], [asked[0]])
        assert answers == {5: expected(asked[0])}
    samples.unload([*loaded, *loaded[:7]])
    assert not samples.arrays


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_queue_answers_all_and_ends(merge, workers):
    answers = {}
    made = [worker(200, 8, None, answers, failing) for _ in range(workers)]
    order = np.random.default_rng(1).permutation(200).tolist()
    for _, samples in made:
        samples.load(order)
    queue = Queue([one for one, _ in made], merge)
    asked = np.random.default_rng(2).integers(0, 200, 900).tolist()
    if merge:
        for at, index in enumerate(asked):
            queue.issue([at], [index])
    else:
        queue.issue(list(range(900)), asked)
    queue.close()
    assert answers == {at: expected(index) for at, index in enumerate(asked)}
    assert sum(len(one.marks.issued) and sum(one.marks.counts) for one, _ in made) == 900
    assert not any(thread.is_alive() for thread in queue.threads)


def test_times_of_long_runs_are_thinned_out(tmp_path, monkeypatch):
    from cm_mlperf.harness import timing

    monkeypatch.setattr(timing, "POINTS", 100)
    marks = timing.Marks()
    for at in range(30):
        marks.add(1000 + at, 2000 + 10 * at, 9)
    facts = timing.write(str(tmp_path / "s.npz"), [marks, timing.Marks()])
    assert facts == {"samples": 270, "span_ns": 1290}
    with np.load(tmp_path / "s.npz") as points:
        assert int(points["stride"]) == 3
        assert points["issue_ns"].tolist() == [at for at in range(30) for _ in range(3)]
        assert points["complete_ns"].tolist() == [1000 + 10 * (at // 3) for at in range(90)]
