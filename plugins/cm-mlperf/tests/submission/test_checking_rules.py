"""Every rule of the strict checker is broken once, in trees of real logs, and must be named."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from cm_mlperf import rounds
from cm_mlperf.submission.checking.tree import check

SUT = "box-cm-cpu-fake"
BASE = "open/Practice"
RESULT = f"{BASE}/results/{SUT}/digits"
DETAIL = "mlperf_log_detail.txt"


class Broken:
    """A copy of a tree, with short ways to its files."""

    def __init__(self, root, edit_log):
        self.root, self.edit = str(root), edit_log

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def log(self, scenario="SingleStream", run="performance/run_1", **values):
        base = RESULT if os.path.isdir(self.path(BASE)) else CLOSED
        self.edit(self.path(base, scenario, run, DETAIL), **values)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)

    def remove(self, name):
        path = self.path(name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def json(self, name, **values):
        with open(self.path(name)) as file:
            content = json.load(file)
        content.update(values)
        self.write(name, json.dumps({key: v for key, v in content.items() if v is not None}))


CLOSED = f"closed/Practice/results/{SUT}/resnet"
SYSTEM = f"{BASE}/systems/{SUT}.json"
SS = f"{RESULT}/SingleStream"


def duplicate(tree):
    folder = tree.path(f"{BASE}/results/{SUT}")
    shutil.copytree(os.path.join(folder, "digits"), os.path.join(folder, "resnet"))
    shutil.copytree(tree.path(f"{BASE}/src/digits"), tree.path(f"{BASE}/src/resnet"))


def damage(tree):
    with open(tree.path(SS, "performance/run_1", DETAIL), "a") as file:
        file.write("and then the disk was full")


def error_line(tree):
    with open(tree.path(SS, "performance/run_1", DETAIL)) as file:
        line = file.readline()
    entry = json.loads(line[len(":::MLLOG") :])
    entry.update(key="error_runtime", value="something broke", time_ms=1e9)
    entry["metadata"]["is_error"] = True
    with open(tree.path(SS, "performance/run_1", DETAIL), "a") as file:
        file.write(f":::MLLOG {json.dumps(entry)}\n")


def clock_back(tree):
    path = tree.path(SS, "performance/run_1", DETAIL)
    with open(path) as file:
        lines = file.readlines()
    with open(path, "w") as file:
        file.writelines([lines[0], lines[-1], *lines[1:-1]])


def several_values(tree):
    path = tree.path(SS, "performance/run_1", DETAIL)
    with open(path) as file:
        lines = file.readlines()
    line = next(line for line in lines if '"result_validity"' in line)
    with open(path, "a") as file:
        file.write(line.replace('"VALID"', '"INVALID"'))


def big(tree):
    with open(tree.path(SS, "huge.bin"), "wb") as file:
        file.truncate(51 << 20)


#: rule, what to do to the tree.
OPEN = [
    ("tree", lambda t: t.remove(BASE)),
    ("extra-file", lambda t: t.write("notes.txt", "x")),
    ("extra-file", lambda t: t.write(f"{BASE}/sytems/x.json", "{}")),
    ("stamp", lambda t: t.write("NOT-FOR-SUBMISSION.txt", "x")),
    ("link", lambda t: os.symlink("/etc/hostname", t.path(SS, "link"))),
    ("empty-folder", lambda t: os.mkdir(t.path(SS, "nothing"))),
    ("size", big),
    ("system-without-results", lambda t: t.write(f"{BASE}/systems/other.json", "{}")),
    ("model", lambda t: t.remove(f"{BASE}/model_mapping.json")),
    ("model-mapping", lambda t: t.write(f"{BASE}/model_mapping.json", "[]")),
    ("model-mapping", lambda t: t.write(f"{BASE}/model_mapping.json", "{")),
    ("scenario-name", lambda t: os.rename(t.path(SS), t.path(RESULT, "singlestream"))),
    ("detail-log", lambda t: t.remove(f"{SS}/performance/run_1/{DETAIL}")),
    ("detail-log", lambda t: t.write(f"{SS}/performance/run_1/{DETAIL}", "")),
    ("detail-log", lambda t: t.remove(f"{SS}/accuracy/{DETAIL}")),
    ("detail-log", damage),
    ("detail-log", several_values),
    ("summary-log", lambda t: t.remove(f"{SS}/performance/run_1/mlperf_log_summary.txt")),
    ("summary-log", lambda t: t.write(f"{SS}/accuracy/mlperf_log_summary.txt", "")),
    (
        "summary-agrees",
        lambda t: t.write(
            f"{SS}/performance/run_1/mlperf_log_summary.txt", "Result is : INVALID\n"
        ),
    ),
    ("test-mode", lambda t: t.log(effective_test_mode="AccuracyOnly")),
    ("test-mode", lambda t: t.log(run="accuracy", effective_test_mode="PerformanceOnly")),
    ("loadgen-errors", lambda t: t.log(num_errors=1)),
    ("loadgen-errors", error_line),
    ("loadgen-changed", lambda t: t.log(loadgen_git_status_message=" M loadgen.cc")),
    ("loadgen-version", lambda t: t.log(loadgen_version="5.1 @ x")),
    ("seeds", lambda t: t.log(effective_qsl_rng_seed=1)),
    ("seeds", lambda t: t.log(effective_schedule_rng_seed=1)),
    ("seeds", lambda t: t.log(run="accuracy", effective_sample_index_rng_seed=1)),
    ("clock", clock_back),
    ("clock", lambda t: t.log(power_end="11-22-2026 08:00:00.000")),
    ("clock", lambda t: t.log(test_datetime="2025-11-22T09:00:00Z")),
    ("clock", lambda t: t.log(test_datetime=None)),
    ("result-valid", lambda t: t.log(result_validity="INVALID")),
    ("result-valid", lambda t: t.log(result_validity=None)),
    ("scenario", lambda t: t.log(effective_scenario="Server")),
    ("scenario", lambda t: t.log(run="accuracy", effective_scenario="Offline")),
    ("min-duration", lambda t: t.log(effective_min_duration_ms=599999)),
    ("min-duration", lambda t: t.log(effective_min_duration_ms=None)),
    ("ran-long-enough", lambda t: t.log(power_end="11-22-2026 09:00:33.000")),
    ("ran-long-enough", lambda t: t.log(power_end=None)),
    ("ran-long-enough", lambda t: t.log(result_min_duration_met=False)),
    ("query-count-cut", lambda t: t.log(effective_max_query_count=64)),
    ("min-queries", lambda t: t.log(result_min_queries_met=False)),
    ("min-queries", lambda t: t.log("Offline", effective_min_query_count=0)),
    ("performance-samples", lambda t: t.log(effective_performance_sample_count=1023)),
    ("performance-samples", lambda t: t.log(effective_performance_sample_count=None)),
    ("samples-per-query", lambda t: t.log("MultiStream", effective_samples_per_query=4)),
    ("early-stopping", lambda t: t.log(early_stopping_met=False)),
    ("early-stopping", lambda t: t.log(early_stopping_met=None)),
    ("latency-percentile", lambda t: t.log(effective_target_latency_percentile=0.5)),
    ("audit-settings", lambda t: t.log(effective_performance_issue_same=True)),
    ("audit-settings", lambda t: t.log(effective_accuracy_log_sampling_target=4096)),
    ("result-number", lambda t: t.log(early_stopping_latency_ss=0)),
    ("duplicate", duplicate),
    ("accuracy-samples", lambda t: t.log(run="accuracy", effective_accuracy_sample_count=1224)),
    ("accuracy-text", lambda t: t.remove(f"{SS}/accuracy/accuracy.txt")),
    ("accuracy-text", lambda t: t.write(f"{SS}/accuracy/accuracy.txt", f"hash={'0' * 64}\n")),
    ("accuracy-hash", lambda t: t.write(f"{SS}/accuracy/accuracy.txt", "accuracy=95.0%\n")),
    ("accuracy-hash", lambda t: t.write(f"{SS}/accuracy/accuracy.txt", "hash=12ab\n")),
    ("accuracy-hash", lambda t: t.write(f"{SS}/accuracy/mlperf_log_accuracy.json", "[]")),
    ("accuracy-log", lambda t: t.remove(f"{SS}/accuracy/mlperf_log_accuracy.json")),
    ("accuracy-log", lambda t: t.write(f"{SS}/accuracy/mlperf_log_accuracy.json", "")),
    (
        "accuracy-truncated",
        lambda t: t.write(f"{SS}/accuracy/mlperf_log_accuracy.json", "x" * 10241),
    ),
    ("measurements", lambda t: t.remove(f"{SS}/measurements.json")),
    ("measurements", lambda t: t.write(f"{SS}/measurements.json", "{")),
    ("measurements", lambda t: t.json(f"{SS}/measurements.json", retraining="")),
    ("measurements", lambda t: t.json(f"{SS}/measurements.json", weight_data_types=None)),
    ("measurements", lambda t: t.remove(f"{SS}/user.conf")),
    ("measurements", lambda t: t.write(f"{SS}/README.md", "")),
    ("user-conf", lambda t: t.write(f"{SS}/user.conf", "*.*.qsl_rng_seed = 7\n")),
    ("source", lambda t: t.remove(f"{BASE}/src")),
    ("source", lambda t: t.remove(f"{BASE}/src/digits/README.md")),
    ("system", lambda t: t.remove(SYSTEM)),
    ("system", lambda t: t.write(SYSTEM, "{")),
    ("system", lambda t: t.json(SYSTEM, cooling="")),
    ("system", lambda t: t.json(SYSTEM, hw_notes=None)),
    ("system", lambda t: t.json(SYSTEM, status="sold")),
    ("system", lambda t: t.json(SYSTEM, system_type="cloud")),
    ("system", lambda t: t.json(SYSTEM, accelerators_per_node=0)),
    ("system-submitter", lambda t: t.json(SYSTEM, submitter="Somebody")),
    ("system-division", lambda t: t.json(SYSTEM, division="closed")),
    ("power", lambda t: t.write(f"{SS}/performance/run_1/spl.txt", "x")),
    ("power", lambda t: t.write(f"{SS}/performance/power/client.json", "{}")),
]

AT = f"{CLOSED}/SingleStream"
CLOSED_SYSTEM = f"closed/Practice/systems/{SUT}.json"
CLOSED_RULES = [
    ("compliance", lambda t: t.remove(f"{AT}/TEST01")),
    ("compliance", lambda t: t.remove(f"{AT}/TEST04/verify_performance.txt")),
    ("compliance", lambda t: t.write(f"{AT}/TEST01/verify_accuracy.txt", "TEST FAIL\n")),
    ("compliance", lambda t: t.write(f"{AT}/TEST01/verify_performance.txt", "TEST FAIL\n")),
    ("compliance", lambda t: t.write(f"{AT}/TEST01/performance/run_1/more.txt", "x")),
    (
        "compliance",
        lambda t: t.log(run="TEST01/performance/run_1", effective_accuracy_log_sampling_target=0),
    ),
    (
        "compliance",
        lambda t: t.log(run="TEST04/performance/run_1", effective_performance_issue_same=False),
    ),
    ("result-valid", lambda t: t.log(run="TEST04/performance/run_1", result_validity="INVALID")),
    ("min-duration", lambda t: t.log(run="TEST01/performance/run_1", effective_min_duration_ms=1)),
    ("scenarios", lambda t: t.remove(f"{CLOSED}/Offline")),
    ("scenarios", lambda t: t.json(CLOSED_SYSTEM, system_type="datacenter")),
    ("accuracy-target", lambda t: t.write(f"{AT}/accuracy/accuracy.txt", LOW)),
    ("samples-per-query", lambda t: t.log("Offline", effective_samples_per_query=24575)),
    ("network", lambda t: t.json(CLOSED_SYSTEM, is_network="true")),
    ("model-mapping", lambda t: t.write("closed/Practice/model_mapping.json", "{}")),
    (
        "model",
        lambda t: os.rename(t.path(CLOSED), t.path(os.path.dirname(CLOSED), "resnet50")),
    ),
]
LOW = f"accuracy=75.690%, good=37845, total=50000\nhash={'a' * 64}\n"


def as_server(tree, **values):
    os.rename(tree.path(SS), tree.path(RESULT, "Server"))
    tree.log("Server", effective_scenario="Server", effective_target_latency_percentile=0.99)
    tree.log("Server", "accuracy", effective_scenario="Server")
    good = {
        "effective_target_latency_ns": 15_000_000,
        "result_99.00_percentile_latency_ns": 15_000_000,
        "result_completed_samples_per_sec": 30.0,
    }
    tree.log("Server", **{**good, **values})


def as_model(tree, name):
    tree.write(f"{BASE}/model_mapping.json", json.dumps({"digits": name}))


def as_text_server(tree, ttft, tpot):
    as_model(tree, "llama2-70b-99.9")
    as_server(
        tree,
        requested_use_token_latencies=True,
        **{
            "result_first_token_99.00_percentile_latency_ns": ttft,
            "result_time_per_output_token_99.00_percentile_ns": tpot,
        },
    )


OPEN += [
    ("target-latency", lambda t: as_server(t, effective_target_latency_ns=15_000_001)),
    (
        "latency-limit",
        lambda t: as_server(t, **{"result_99.00_percentile_latency_ns": 15_000_001}),
    ),
    ("token-latency", lambda t: as_model(t, "llama2-70b-99.9")),
    ("token-latency", lambda t: as_text_server(t, 2_000_000_000, 1)),
    ("token-latency", lambda t: as_text_server(t, 1, 200_000_000)),
    ("accuracy-files", lambda t: as_model(t, "wan-2.2-t2v-a14b")),
]


def ids(cases):
    counts: dict[str, int] = {}
    for rule, _ in cases:
        counts[rule] = counts.get(rule, 0) + 1
        yield f"{rule}-{counts[rule]}"


def rules_of(root):
    return {finding.rule for finding in check(str(root), rounds.get("v6.1")).findings}


def test_clean_trees_have_no_finding(open_tree, closed_tree):
    for tree in (open_tree, closed_tree):
        verdict = check(str(tree), rounds.get("v6.1"))
        assert verdict.findings == ()
        assert len(verdict.results) == 3
        assert not verdict.stamped


@pytest.mark.parametrize(("rule", "act"), OPEN, ids=ids(OPEN))
def test_a_broken_rule_is_named(rule, act, tree, edit_log):
    act(Broken(tree, edit_log))
    verdict = check(str(tree), rounds.get("v6.1"))
    named = [finding for finding in verdict.findings if finding.rule == rule]
    assert named, verdict.findings
    for finding in named:
        assert finding.text
        assert finding.file or rule == "tree"


@pytest.mark.parametrize(("rule", "act"), CLOSED_RULES, ids=ids(CLOSED_RULES))
def test_a_broken_rule_of_the_closed_division_is_named(rule, act, closed, edit_log):
    act(Broken(closed, edit_log))
    assert rule in rules_of(closed)


def test_rules_of_the_closed_division_do_not_hold_in_the_open_one(tree, edit_log):
    broken = Broken(tree, edit_log)
    broken.write(f"{SS}/accuracy/accuracy.txt", LOW)
    broken.log("Offline", effective_samples_per_query=30)
    shutil.rmtree(tree / RESULT / "MultiStream")
    assert rules_of(tree) == set()


def test_a_server_within_its_limits_has_no_finding(tree, edit_log):
    as_server(Broken(tree, edit_log))
    assert rules_of(tree) == set()


def test_tokens_within_their_limits_are_not_named(tree, edit_log):
    as_text_server(Broken(tree, edit_log), 1_999_999_999, 199_999_999)
    found = check(str(tree), rounds.get("v6.1")).findings
    assert not [f for f in found if f.rule == "token-latency" and "/Server/" in f.file]


def test_other_rounds_want_other_seeds(open_tree):
    for name in ("v5.1", "v6.0"):
        verdict = check(str(open_tree), rounds.get(name))
        assert "seeds" in {finding.rule for finding in verdict.findings}


def test_answers_that_vary_pass_by_their_accuracy(closed, edit_log):
    broken = Broken(closed, edit_log)
    broken.write(f"{AT}/TEST01/verify_accuracy.txt", "TEST FAIL\n")
    for name, value in (("baseline", "95.0"), ("compliance", "94.9")):
        broken.write(f"{AT}/TEST01/accuracy/{name}_accuracy.txt", f"accuracy={value}%\n")
    assert rules_of(closed) == set()
    broken.write(f"{AT}/TEST01/accuracy/compliance_accuracy.txt", "accuracy=93.0%\n")
    assert rules_of(closed) == {"compliance"}


def test_a_tree_of_nothing_but_noise_is_survived(tmp_path):
    root = tmp_path / "tree"
    for place in (SS, f"{SS}/performance/run_1", f"{SS}/accuracy"):
        (root / place).mkdir(parents=True)
        for name in (DETAIL, "mlperf_log_summary.txt", "accuracy.txt", "measurements.json"):
            (root / place / name).write_bytes(b"\xff\xfe:::MLLOG {\x00\n:::MLLOG []\n[1,2")
    (root / BASE / "systems").mkdir()
    (root / SYSTEM).write_text("[" * 5000)
    (root / BASE / "model_mapping.json").write_text('{"digits": 3}')
    assert {"detail-log", "system", "model-mapping"} <= rules_of(root)


def move_benchmark(tree, name):
    """The clean closed tree with its benchmark renamed; logs stay those of resnet."""
    shutil.move(tree / CLOSED, tree / os.path.dirname(CLOSED) / name)
    shutil.move(tree / "closed/Practice/src/resnet", tree / "closed/Practice/src" / name)
    return tree / os.path.dirname(CLOSED) / name


def of_rule(tree, rule):
    found = check(str(tree), rounds.get("v6.1")).findings
    return [finding.text for finding in found if finding.rule == rule]


def test_an_accuracy_above_its_ceiling_is_named(closed):
    folder = move_benchmark(closed, "stable-diffusion-xl") / "Offline/accuracy"
    line = "{{'CLIP_SCORE': '31.7', 'FID_SCORE': '{}'}}\nhash=" + "a" * 64 + "\n"
    (folder / "accuracy.txt").write_text(line.format("23.5"))
    assert not [text for text in of_rule(closed, "accuracy-target") if "FID" in text]
    (folder / "accuracy.txt").write_text(line.format("23.96"))
    assert of_rule(closed, "accuracy-target") == [
        "FID_SCORE is 23.96, the closed division allows 23.9501"
    ]


def test_a_run_may_stand_for_both_levels_of_its_benchmark(tree, edit_log):
    broken = Broken(tree, edit_log)
    for name in ("own-99", "own-99.9"):
        shutil.copytree(tree / RESULT, tree / os.path.dirname(RESULT) / name)
        shutil.copytree(tree / BASE / "src/digits", tree / BASE / "src" / name)
    shutil.rmtree(tree / RESULT)
    broken.write(f"{BASE}/model_mapping.json", '{"own-99": "resnet", "own-99.9": "resnet"}')
    assert rules_of(tree) == set()
    shutil.move(tree / BASE / "results" / SUT / "own-99", tree / BASE / "results" / SUT / "resnet")
    assert "duplicate" in rules_of(tree)


def test_benchmarks_may_differ_in_their_loadgen(tree, edit_log):
    duplicate(Broken(tree, edit_log))
    for log in (tree / BASE / "results" / SUT / "resnet").rglob(DETAIL):
        edit_log(log, loadgen_version="6.0.16 @ x", power_begin="11-22-2026 09:00:00.001")
    assert rules_of(tree) == set()


def test_a_benchmark_that_systems_of_this_type_do_not_have(closed):
    move_benchmark(closed, "rgat")
    assert of_rule(closed, "scenarios") == ["is no benchmark for systems of type 'edge'"]


def test_scenarios_of_text_models_on_servers(closed, edit_log):
    folder = move_benchmark(closed, "gpt-oss-120b")
    Broken(closed, edit_log).json(CLOSED_SYSTEM, system_type="datacenter")
    (first, second) = of_rule(closed, "scenarios")
    assert first == "lacks Interactive or Server"
    assert "has MultiStream, SingleStream" in second
    shutil.move(folder / "SingleStream", folder / "Interactive")
    assert "lacks Interactive or Server" not in of_rule(closed, "scenarios")


@pytest.mark.parametrize(
    ("benchmark", "test", "name", "good", "bad"),
    [
        (
            "llama2-70b-99.9",
            "TEST06",
            "verify_accuracy.txt",
            "First token check pass: Skipped\nEOS check pass: True\n"
            "Sample length check pass: True\n",
            "First token check pass: False\nEOS check pass: True\nSample length check pass: True\n",
        ),
        ("gpt-oss-120b", "TEST07", "verify_accuracy.txt", "TEST PASS\n", "TEST FAIL\n"),
        ("dlrm-v3", "TEST08", "verify_accuracy.txt", "TEST PASS\n", "\n"),
        ("e2e-rag-qna", "TEST09", "verify_output_len.txt", "TEST PASS\n", "TEST FAIL\n"),
    ],
)
def test_further_compliance_tests(closed, benchmark, test, name, good, bad):
    folder = move_benchmark(closed, benchmark) / "Offline" / test

    def found():
        verdict = check(str(closed), rounds.get("v6.1"))
        return [
            f for f in verdict.findings if f.rule == "compliance" and f"Offline/{test}" in f.file
        ]

    assert "is missing; closed results" in found()[0].text
    folder.mkdir()
    assert found()[0].text == "is missing"
    (folder / name).write_text(bad)
    assert len(found()) == 1
    (folder / name).write_text(good)
    assert found() == []


def test_results_may_be_inferred_on_edge_systems_only(tree, edit_log):
    broken = Broken(tree, edit_log)
    shutil.rmtree(tree / RESULT / "MultiStream")
    shutil.copytree(tree / SS, tree / RESULT / "MultiStream")
    assert rules_of(tree) == set()
    broken.json(SYSTEM, system_type="datacenter")
    assert "scenario" in rules_of(tree)


def test_the_network_division_needs_a_network(closed, edit_log):
    shutil.move(closed / "closed", closed / "network")
    texts = of_rule(closed, "network")
    assert "is_network is False in division network" in texts
    assert "the SUT's name 'PySUT' lacks 'Network SUT'" in texts


def test_a_server_of_text_without_limits(tree, edit_log):
    broken = Broken(tree, edit_log)
    as_model(broken, "llama3.1-8b-edge")
    as_server(broken, requested_use_token_latencies=True)
    assert "there are no limits for Server" in of_rule(tree, "token-latency")
