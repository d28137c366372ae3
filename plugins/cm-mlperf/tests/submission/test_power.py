"""Power: the analyzer's client against a server on this machine, logs of a session, samples."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_mlperf import rounds
from cm_mlperf.power import ptd, samples
from cm_mlperf.submission import detail
from cm_mlperf.submission.checking.tree import check
from cmcore.errors import CmError, UsageError

RANGES = "Ranges,0,20.000000,1,-1.000000"
REPLIES = {
    "Hello": "Hello, PTDaemon here!",
    "Identify": "YokogawaWT310,version=1.11.1-a2d19f26,channel=1",
    "RR": RANGES,
}
START = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"


class Daemon:
    """Answers on a port of this machine as PTDaemon does; no analyzer is behind it."""

    def __init__(self, **changes):
        self.replies = {**REPLIES, **changes}
        self.heard = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        measuring = False
        try:
            connection, _ = self.socket.accept()
        except OSError:
            return
        with connection, connection.makefile("rwb") as stream:
            for line in stream:
                command = line.decode().rstrip("\r\n")
                assert line.endswith(b"\r\n")
                self.heard.append(command)
                reply = self.replies.get(command)
                if reply is None and command.startswith("SR,"):
                    reply = f"Range {command[3]} changed"
                elif reply is None and command.startswith("Go,"):
                    reply, measuring = START, True
                elif reply is None and command == "Stop":
                    reply = "Stopping untimed measurement" if measuring else "Error: no measurement"
                    measuring = False
                if reply == "":
                    return
                stream.write((reply or "Error: unknown command").encode() + b"\r\n")
                stream.flush()

    def close(self):
        self.socket.close()
        self.thread.join(10)


@pytest.fixture
def daemon():
    made = []

    def start(**changes):
        made.append(Daemon(**changes))
        return made[-1]

    yield start
    for one in made:
        one.close()


def run_power(*words):
    command = [sys.executable, "-m", "cm_mlperf.power", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_command_runs_while_the_analyzer_measures(daemon, tmp_path):
    server = daemon()
    log = tmp_path / "session.json"
    done = run_power(
        f"--ptd={server.address}", "--mark=m_testing", "--amps=2", "--volts=300", f"--log={log}",
        "--", sys.executable, "-c", "raise SystemExit(7)",
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    session = json.loads(log.read_text())
    assert session["analyzer"] == {"model": "YokogawaWT310", "version": "1.11.1"}
    assert [message["cmd"] for message in session["ptd_messages"]] == server.heard
    assert server.heard == [
        "Hello", "Identify", "RR", "SR,A,2", "SR,V,300", "Go,1000,0,m_testing", "Stop",
        "SR,A,20.000000", "SR,V,Auto",
    ]  # fmt: skip
    assert session["began"] <= session["ended"]


def test_ranges_are_restored_when_the_command_cannot_start(daemon):
    server = daemon()
    done = run_power(f"--ptd={server.address}", "--mark=m", "--", "/no/such/program")
    assert done.returncode == 3
    assert "cannot start /no/such/program" in done.stderr
    server.close()
    assert server.heard[-3:] == ["SR,A,20.000000", "SR,V,Auto", "Stop"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Hello": "220 mail ready"}, "answered 'Hello' with '220 mail ready'"),
        ({"Identify": "who?"}, "unknown way"),
        ({"SR,A,Auto": "Error: no such range"}, "not 'Range A changed'"),
        ({"Go,1000,0,m": "Error: busy"}, "Starting untimed measurement"),
        ({"RR": ""}, "did not answer 'RR'"),
    ],
)
def test_an_analyzer_that_fails_is_one_sentence(daemon, changes, words):
    server = daemon(**changes)
    done = run_power(f"--ptd={server.address}", "--mark=m", "--", "true")
    assert done.returncode == 3
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(CmError, match="cannot reach PTDaemon"):
        ptd.Client("127.0.0.1", port)


def test_a_silent_daemon_is_not_waited_for_for_ever():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        ptd.Client("127.0.0.1", silent.getsockname()[1], patience=0.2) as client,
        pytest.raises(CmError, match="did not answer 'Hello'"),
    ):
        client.identify()


def test_commands_cannot_be_smuggled(daemon):
    server = daemon()
    with ptd.Client(*ptd.parse_address(server.address)) as client:
        for mark in ("", "a,b", "a b", "a\r\nStop"):
            with pytest.raises(UsageError):
                client.go(mark)
        with pytest.raises(UsageError):
            client.say("Hello\r\nStop")
    assert server.heard == []


@pytest.mark.parametrize(
    ("text", "address"),
    [("meter", ("meter", 8888)), ("10.0.0.1:99", ("10.0.0.1", 99)), ("[::1]:7", ("::1", 7))],
)
def test_addresses(text, address):
    assert ptd.parse_address(text) == address


@pytest.mark.parametrize("text", ["", ":1", "a:b", "a:0", "a:65536", "a:²"])
def test_wrong_addresses(text):
    with pytest.raises(UsageError, match="no address"):
        ptd.parse_address(text)


@given(st.text())
def test_any_reply_about_ranges_gives_something_to_set(reply):
    assert all(word == "Auto" or float(word) > 0 for word in ptd.parse_ranges(reply))


numbers = st.floats(0, 1e5).map(lambda value: round(value, 6))


@given(
    st.lists(
        st.builds(
            samples.Sample,
            st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000),
            numbers, numbers, numbers, numbers,
        )
    )
)  # fmt: skip
def test_samples_survive_the_way_through_their_file(wanted):
    text = "\n".join(["Header", *(samples.line(one, "mark") for one in wanted), "Time,broken"])
    got = samples.read(text)
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert one.at == pytest.approx(other.at, abs=0.002)
        assert one[1:] == pytest.approx(other[1:])


@given(st.text())
def test_any_text_can_be_read_for_samples(text):
    samples.read(text)
    samples.read(f"Time,{text},Watts,{text}")


def test_the_mean_counts_only_the_measured_time():
    log = detail.parse(
        ':::MLLOG {"key": "power_begin", "value": "11-22-2026 09:00:00.000"}\n'
        ':::MLLOG {"key": "power_end", "value": "11-22-2026 09:00:10.000"}\n'
        ':::MLLOG {"key": "result_query_count", "value": 5}\n'
    )
    begin = detail.moment("11-22-2026 09:00:00.000")
    text = "\n".join(
        samples.line(samples.Sample(begin + at, watts), "m")
        for at, watts in ((-1, 900), (1, 10), (5, 0), (9, 30), (11, 900))
    )
    assert samples.average(text, log) == 20
    assert samples.metric(20, log, "Offline") == (20, "Watts")
    assert samples.metric(20, log, "SingleStream") == (20 * 10 * 1000 / 5, "millijoules")
    assert samples.average("", log) is None


def power_session(folder):
    """Add what a power session leaves to a performance/ folder of real logs."""
    run = folder / "run_1"
    (folder / "ranging").mkdir()
    (folder / "power").mkdir()
    begin = detail.moment("11-22-2026 09:00:00.000")
    lines = [samples.line(samples.Sample(begin + at, 20, 230, 0.1, 0.9), "m") for at in range(600)]
    (run / "spl.txt").write_text("\n".join(lines) + "\n")
    for name in ("mlperf_log_summary.txt", "mlperf_log_detail.txt", "spl.txt"):
        shutil.copy(run / name, folder / "ranging" / name)
    for name in ("client.log", "server.log", "ptd_logs.txt"):
        (folder / "power" / name).write_text("x\n")
    digests = {
        f"{at.name}/{name}": hashlib.sha1((at / name).read_bytes()).hexdigest()
        for at in (run, folder / "ranging", folder / "power")
        for name in os.listdir(at)
    }
    session = {
        "version": 1, "timezone": 0, "modules": {}, "sources": {}, "messages": [],
        "uuid": {"client": "a", "server": "b"}, "session_name": "s", "results": digests,
        "phases": {"ranging": [[1.0], [2.0]], "testing": [[3.0], [4.0]]},
    }  # fmt: skip
    for name in ("client.json", "server.json"):
        (folder / "power" / name).write_text(json.dumps(session))
    return session


def power_findings(tree):
    return [f for f in check(str(tree), rounds.get("v6.1")).findings if f.rule == "power"]


@pytest.fixture
def power_tree(made, tmp_path):
    power_session(made.folder("Offline") / "performance")
    answer = made.submit(tmp_path / "tree")
    assert answer.code == 0, answer.view
    return next((tmp_path / "tree").rglob("Offline")) / "performance"


def test_power_logs_go_into_the_tree(power_tree, tmp_path):
    there = {p.relative_to(power_tree).as_posix() for p in power_tree.rglob("*") if p.is_file()}
    assert {"power/client.json", "power/ptd_logs.txt", "ranging/spl.txt", "run_1/spl.txt"} <= there
    assert power_findings(tmp_path / "tree") == []


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("is missing", lambda at: (at / "power/server.log").unlink()),
        ("is missing", lambda at: (at / "ranging/spl.txt").unlink()),
        ("does not belong", lambda at: (at / "power/more.txt").write_text("x")),
        ("changed after", lambda at: (at / "power/ptd_logs.txt").write_text("y")),
        ("not JSON|read as JSON", lambda at: (at / "power/client.json").write_text("{")),
        ("lacks version", lambda at: (at / "power/client.json").write_text("{}")),
        ("no sample within", lambda at: (at / "run_1/spl.txt").write_text("Time\n")),
    ],
)
def test_what_is_wrong_with_power_logs_is_named(power_tree, tmp_path, words, change):
    import re

    change(power_tree)
    assert any(re.search(words, finding.text) for finding in power_findings(tmp_path / "tree"))


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("uuid is not", {"uuid": {"client": "x", "server": "b"}}),
        ("session_name is not", {"session_name": "t"}),
        ("debug mode", {"debug": True}),
        ("clocks differ by 900 ms", {"phases": {"ranging": [[1.9], [2.0]], "testing": []}}),
        ("other steps", {"phases": {"ranging": [[1.0]], "testing": []}}),
        ("has no digest", {"results": {}}),
    ],
)
def test_two_sides_of_a_session_must_fit(power_tree, tmp_path, words, values):
    for name in ("client.json", "server.json") if "results" in values else ("server.json",):
        path = power_tree / "power" / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    assert any(words in finding.text for finding in power_findings(tmp_path / "tree"))


def test_the_recipe_measures_a_command(daemon, tmp_path):
    """`cm run script --tags=measure,mlperf-power` from our own collection."""
    server = daemon()
    words = [
        "run", "script", "--tags=measure,mlperf-power", f"--ptd={server.address}", "--quiet",
        "--mark=offline", "--run_command=echo measured > out.txt",
    ]  # fmt: skip
    environ = {**os.environ, "CM_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "cmcore", *words],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.txt").read_text() == "measured\n"
    session = json.loads((tmp_path / "mlperf-power.json").read_text())
    assert (session["mark"], session["code"]) == ("offline", 0)
    assert "Go,1000,0,offline" in server.heard


def test_the_recipe_says_what_it_needs(tmp_path):
    words = ["run", "script", "--tags=measure,mlperf-power", "--quiet", "--run_command=true"]
    environ = {**os.environ, "CM_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "cmcore", *words],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "needs --ptd" in done.stderr
