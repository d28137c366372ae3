"""LoadGen over the network: two processes, ZeroMQ between them."""

import os
import signal
import socket
import time

import numpy as np
import onnxmodels
import pytest

from cm_mlperf import accuracy, logs
from cm_mlperf.harness import data

pytest.importorskip("zmq")


@pytest.fixture
def address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Pair:
    def __init__(self, bench, address):
        self.bench = bench
        self.address = address

    def start(self, *args, **more):
        """Server and client, started."""
        started = []
        for role in ("server", "client"):
            network = {"role": role, "address": self.address}
            path, output = self.bench.config(*args, network=network, **more)
            started.append((self.bench.start(path), output))
        return started

    def run(self, *args, **more):
        server, client = self.start(*args, **more)
        client = self.bench.end(*client)
        return self.bench.end(*server), client


@pytest.fixture
def pair(bench, address):
    return Pair(bench, address)


@pytest.mark.parametrize("scenario", ["Offline", "SingleStream", "MultiStream", "Server"])
def test_accuracy_over_the_network(pair, digits, scenario):
    conf = {"target_qps": 5000} if scenario == "Server" else {}
    server, client = pair.run(scenario, "AccuracyOnly", conf, batch_size=16, workers=2)
    assert (server.code, server.error, client.code, client.error) == (0, "", 0, "")
    found = accuracy.evaluate(client.file(logs.ACCURACY), digits["dataset"])
    assert (found.good, found.total) == (digits["good"], digits["total"])
    assert server.facts()["samples"] == 1224 == client.facts()["samples"]
    assert client.detail().get("sut_name") == server.facts()["network"]["server"]


def test_performance_over_the_network(pair):
    server, client = pair.run("Offline", batch_size=32)
    assert client.verdict().valid
    assert server.facts()["network"]["role"] == "server"
    assert not os.path.exists(server.file("mlperf_log_detail.txt"))


def test_a_fixed_batch_over_the_network(pair, tmp_path):
    samples = np.random.default_rng(1).random((10, 3), dtype=np.float32)
    data.write(str(tmp_path / "d"), name="n", inputs={"left": samples, "right": samples})
    model = {"name": "m", "path": onnxmodels.total(tmp_path / "m.onnx", 4)}
    _, client = pair.run("Offline", "AccuracyOnly", {}, model=model, dataset=str(tmp_path / "d"))
    log = logs.read_accuracy(client.file(logs.ACCURACY))
    assert len(log.data) == 10
    for at, answer in zip(log.qsl_idx, log.data, strict=True):
        assert np.frombuffer(answer, np.float32)[0] == pytest.approx(2 * samples[at].sum())


def test_a_model_that_fails_at_the_server(pair, tmp_path):
    values = np.arange(100) % 10
    values[70] = 99
    data.write(str(tmp_path / "d"), name="n", inputs={"number": values}, task="classification")
    model = {"name": "m", "path": onnxmodels.lookup(tmp_path / "m.onnx")}
    server, client = pair.run(
        "SingleStream", "AccuracyOnly", {}, model=model, dataset=str(tmp_path / "d")
    )
    assert (server.code, client.code) == (3, 3)
    assert "the model failed at sample 70" in server.sentence
    assert "the model failed at sample 70" in client.sentence
    assert not os.path.lexists(client.output + ".tmp")


def test_a_second_client_is_sent_away(pair, bench):
    server, client = pair.start("SingleStream", conf={"min_duration": 600000})
    until = time.monotonic() + 60
    while not os.path.exists(client[1] + ".tmp/mlperf_log_detail.txt"):
        assert time.monotonic() < until
        time.sleep(0.02)
    other = bench.run("Offline", network={"role": "client", "address": pair.address})
    assert other.code == 3
    assert "already has a client" in other.sentence
    assert client[0].poll() is None
    client[0].send_signal(signal.SIGINT)
    assert bench.end(*client).code == 130
    assert bench.end(*server).code == 3


@pytest.mark.parametrize("dies", ["server", "client"])
def test_one_side_is_killed(pair, bench, dies):
    server, client = pair.start("SingleStream", conf={"min_duration": 600000})
    until = time.monotonic() + 60
    while not os.path.exists(client[1] + ".tmp/mlperf_log_detail.txt"):
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.5)
    victim, other = (server, client) if dies == "server" else (client, server)
    victim[0].send_signal(signal.SIGKILL)
    left = bench.end(*other, timeout=60)
    bench.end(*victim)
    assert left.code == 3
    assert "went away" in left.sentence
    assert not os.path.lexists(left.output)
