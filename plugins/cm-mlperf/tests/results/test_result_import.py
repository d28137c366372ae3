"""`cm import mlperf`: tables, results repositories and submission trees become records."""

import csv
import json
import shutil
import sqlite3

import pytest

from cm_mlperf.results import finding, store
from cm_mlperf.results.finding import Wish
from cm_mlperf.results.importing import rows, tables
from cm_mlperf.results.importing.harvest import Harvest
from cm_mlperf.results.record import Accuracy, Performance, Record, Source
from cmcore.errors import NotFoundError, StorageError, UsageError

ROW = {
    "Organization": "Example Lab",
    "Availability": "available",
    "Division": "closed",
    "SystemType": "edge,datacenter",
    "SystemName": "Rack 750 (4 boards)",
    "Platform": "rack750",
    "Model": "resnet50",
    "MlperfModel": "resnet",
    "Scenario": "Offline",
    "Result": "1234.5",
    "Accuracy": "acc: 76.1",
    "number_of_nodes": "1",
    "accelerator_model_name": "Board 9",
    "accelerators_per_node": "4",
    "Location": "closed/Example Lab/results/rack750/resnet50/Offline/performance/run_1",
    "framework": "Runtime 1.2",
    "notes": "",
    "errors": "0",
    "version": "v6.1",
    "has_power": "False",
    "Units": "Samples/s",
    "weight_data_types": "int8",
}


def row(**changes):
    return {**ROW, **changes}


def write_table(path, found, quoted=True):
    """As the official checker writes it: marks around every value, none doubled."""
    lines = [",".join(ROW)]
    for one in found:
        values = [str(value) for value in one.values()]
        lines.append(",".join(f'"{value}"' for value in values) if quoted else ",".join(values))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def all_of(ask):
    return {item.record.id: item.record for item in store.select(ask.ctx.paths.home, Wish())}


def test_a_row_as_record(ask, tmp_path):
    table = write_table(tmp_path / "summary.csv", [row()])
    result = ask("import", table)
    assert (result.data["new"], result.data["bad"], result.data["rows"]) == (1, 0, 1)
    (record,) = all_of(ask).values()
    assert record.submitter == "Example Lab"
    assert (record.model, record.scenario, record.round) == ("resnet", "Offline", "v6.1")
    assert record.category == "datacenter,edge"
    assert (record.system, record.hw_name) == ("rack750", "Rack 750 (4 boards)")
    assert (record.device, record.precision) == ("Board 9", "int8")
    assert record.performance == Performance(
        errors=0, metric="samples_per_second", value=1234.5, unit="samples/s"
    )
    assert record.accuracy == Accuracy("acc", 76.1, "%", 75.6954, True)
    assert record.valid is None
    assert record.source == Source("summary", str(table))
    assert record.extra["published"]["Model"] == "resnet50"
    assert record.extra["published"]["accelerators_per_node"] == "4"


def test_importing_twice_adds_nothing(ask, tmp_path):
    table = write_table(tmp_path / "s.csv", [row(), row(Scenario="Server", Units="Queries/s",
                                                        Location="")])  # fmt: skip
    assert ask("import", table, dry_run=True).data["new"] == 0
    assert all_of(ask) == {}
    assert ask("import", table).data["new"] == 2
    before = all_of(ask)
    again = ask("import", table).data
    assert (again["new"], again["changed"], again["same"]) == (0, 0, 2)
    assert all_of(ask) == before
    write_table(table, [row(Result="99")])
    assert ask("import", table).data["changed"] == 1
    assert len(all_of(ask)) == 2


@pytest.mark.parametrize(
    ("change", "value", "unit", "percentile"),
    [
        ({"Scenario": "singlestream", "Units": "Latency (ms)", "Result": "0.846827"},
         846827.0, "ns", 90.0),
        ({"Scenario": "MultiStream", "Units": "Latency (ms)", "Result": 2}, 2e6, "ns", 99.0),
        ({"Scenario": "SingleStream", "Units": "Latency (s)"}, 1234.5e9, "ns", 90.0),
        ({"Scenario": "Server", "Units": "Queries/s"}, 1234.5, "queries/s", None),
        ({"Scenario": "Interactive", "Units": "Tokens/s"}, 1234.5, "tokens/s", None),
    ],
)  # fmt: skip
def test_units(change, value, unit, percentile):
    performance = rows.record_of(row(**change), "summary", "x").performance
    assert (performance.value, performance.unit, performance.percentile) == (
        value, unit, percentile,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("76.5", Accuracy("acc", 76.5, "", 75.6954, True)),
        (76, Accuracy("acc", 76.0, "", 75.6954, True)),
        ("acc: 70.0", Accuracy("acc", 70.0, "%", 75.6954, False)),
        ("", None),
        ("acc: null", None),
    ],
)
def test_accuracy(text, found):
    assert rows.record_of(row(Accuracy=text), "summary", "x").accuracy == found


def test_accuracy_of_several_metrics():
    text = "ROUGE1: 44.5  ROUGE2: 22.1  ROUGEL: 28.9  TOKENS_PER_SAMPLE: 283.0"
    model = "llama2-70b-99"
    changed = row(Accuracy=text, Model=model, MlperfModel=model, version="v6.0")
    accuracy = rows.record_of(changed, "summary", "x").accuracy
    assert (accuracy.metric, accuracy.value, accuracy.met) == ("ROUGE1", 44.5, True)
    assert accuracy.extra["all"]["TOKENS_PER_SAMPLE"] == 283.0
    low = rows.record_of({**changed, "Accuracy": text.replace("22.1", "12.1")}, "summary", "x")
    assert low.accuracy.met is False
    assert rows.record_of({**changed, "Division": "open"}, "summary", "x").accuracy.met is None


def test_power_stands_in_a_row_of_its_own(ask, tmp_path):
    power = row(Units="Watts", Result="350.5", has_power="True")
    for name, found in (("a", [row(), power]), ("b", [power, row()])):
        ask("import", write_table(tmp_path / f"{name}.csv", found))
        (record,) = all_of(ask).values()
        assert record.performance.value == 1234.5
        assert record.power == {"value": 350.5, "unit": "W"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Result": "fast"}, "Result 'fast' is no number"),
        ({"Result": "inf"}, "Result 'inf' is no finite number"),
        ({"Result": ""}, "Result '' is no number"),
        ({"Units": "Furlongs"}, "Units 'Furlongs' are not known"),
        ({"Scenario": "Sometimes"}, "Scenario 'Sometimes' is none of"),
        ({"Division": ""}, "no Division"),
        ({"version": "6"}, "version '6' is no round"),
        ({"Organization": ""}, "no Organization"),
        ({"errors": "1.5"}, "errors '1.5' is no whole number"),
    ],
)
def test_bad_rows_are_counted_and_named_with_their_line(ask, tmp_path, change, told):
    table = write_table(tmp_path / "s.csv", [row(), row(**change), row(Platform="b", Location="")])
    result = ask("import", table)
    assert (result.data["new"], result.data["bad"]) == (2, 1)
    (problem,) = result.data["problems"]
    assert problem.startswith(f"{table}:3: ")
    assert told in problem
    assert problem in result.warnings[0]


def test_only_the_first_few_bad_rows_are_named(ask, tmp_path):
    found = [row(Result="x") for _ in range(12)]
    result = ask("import", write_table(tmp_path / "s.csv", found))
    assert "12 rows or files are no results" in result.warnings[0]
    assert result.warnings[0].endswith("and 7 more")


@pytest.mark.parametrize(
    "notes", ['a "quoted" word', "a, comma", 'both "a, b" of them', '"', "two\nlines", "é ü", ""]
)
@pytest.mark.parametrize("proper", [True, False])
def test_marks_and_commas_in_values(ask, tmp_path, notes, proper):
    path = tmp_path / "s.csv"
    found = [row(notes=notes), row(Platform="second", Location="")]
    if proper:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(ROW), quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(found)
    else:
        write_table(path, found)
    result = ask("import", path)
    assert (result.data["new"], result.data["problems"]) == (2, [])
    by_system = {record.system: record for record in all_of(ask).values()}
    assert by_system["rack750"].extra["published"].get("notes", "") == notes


def test_tables_of_old_checkers_have_no_marks(ask, tmp_path):
    table = write_table(tmp_path / "s.csv", [row(SystemType="edge"), row(SystemType="edge",
                        notes="one, two", Platform="b")], quoted=False)  # fmt: skip
    data = ask("import", table).data
    assert (data["new"], data["bad"]) == (1, 1)
    assert f":3: not {len(ROW)} values" in data["problems"][0]


def test_other_files_are_refused(ask, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StorageError, match="no column 'Organization'"):
        ask("import", tmp_path / "other.csv")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(StorageError, match="no list of results"):
        ask("import", tmp_path / "other.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match="no results there"):
        ask("import", tmp_path / "empty")
    with pytest.raises(NotFoundError):
        ask("import", tmp_path / "nowhere")
    with pytest.raises(UsageError):
        ask("import")
    with pytest.raises(StorageError):
        tables.read(str(tmp_path / "gone.csv"), Harvest())


@pytest.fixture
def repository(tmp_path):
    """Folders as a published results repository has them."""

    def repository(name, found):
        folder = tmp_path / "repo/experiment" / name / "2025-02-05.17-41-57.27"
        folder.mkdir(parents=True)
        (folder / "cm-result.json").write_text(
            found if isinstance(found, str) else json.dumps(found, indent=2)
        )
        return tmp_path / "repo"

    return repository


def published(**changes):
    told = {
        **row(Accuracy=76.1, Accuracy_div_100=0.761, Result=1234.5, errors=0, has_power=False,
              Location=ROW["Location"].removesuffix("/performance/run_1"), number_of_nodes=1),
        "Result_Units": "Samples/s", "uid": "fc9fa63fbc594b44", "url": "https://example.org/x",
    }  # fmt: skip
    return {**told, **changes}


def test_a_results_repository(ask, repository):
    power = published(Result=None, Units="Watts", Result_Power=350.5, has_power=True, uid="1")
    repository("mlperf-inference--all--closed", [published(), power])
    repo = repository("mlperf-inference--v6.1--closed", [published()])
    data = ask("import", repo).data
    assert (data["rows"], data["files"], data["new"], data["bad"]) == (3, 2, 1, 0)
    (record,) = all_of(ask).values()
    assert record.power == {"value": 350.5, "unit": "W"}
    assert record.accuracy.metric == "acc"
    assert record.extra["published"]["url"] == "https://example.org/x"
    assert ask("import", repo).data["same"] == 1


def test_the_same_result_in_table_and_repository_is_one(ask, repository, tmp_path):
    ask("import", repository("a", [published()]))
    ask("import", write_table(tmp_path / "summary.csv", [row()]))
    assert len(all_of(ask)) == 1


def test_bad_rows_of_a_repository_have_lines(ask, repository):
    text = json.dumps([published(), published(Result="x"), 5], indent=2)
    repository("bad", text)
    repo = repository("torn", text[:100])
    data = ask("import", repo).data
    assert data["bad"] == 3
    line = text.split('"Result": "x"')[0].count("\n") + 1
    named = [problem.split("cm-result.json")[1] for problem in data["problems"]]
    begin = next(n for n in range(line, 0, -1) if text.splitlines()[n - 1] == "  {")
    assert named[0] == f":{begin}: Result 'x' is no number"
    assert named[1].endswith("not a row of names and values")
    assert "not valid JSON" in named[2]


def test_other_suites_keep_their_own_rounds(ask, repository):
    training = {"Model_ID": "resnet", "Benchmark": "image-classification", "version": "3.0",
                "Result": 20.9, "Result_Units": "min.", "Accuracy": 75.9, "division": "closed",
                "submitter": "Example Lab", "_System": "big", "uid": "1"}  # fmt: skip
    tiny = {"SoC Name": "chip", "Benchmark": "vww", "version": "v1.1", "Result": 17.49,
            "Accuracy": 85.4, "Division": "open", "Organization": "Lab", "__System": "b",
            "uid": "2"}  # fmt: skip
    ask("import", repository("mlperf-training", [training, tiny]))
    found = {record.round: record for record in all_of(ask).values()}
    assert found["training v3.0"].performance == Performance(
        metric="minutes", value=20.9, unit="min"
    )
    assert found["tiny v1.1"].performance.unit == "inferences/s"


@pytest.fixture
def submission(logs, tmp_path):
    """A submission tree around real logs, in the layout of v5 or v6."""

    def submission(new=True, scenarios=("Offline", "Server"), division="closed", name="sub_v6.0"):
        base = tmp_path / name / division / "Example Lab"
        (base / "systems").mkdir(parents=True)
        system = {"system_name": "Rack 750", "system_type": "edge", "framework": "Runtime 1.2",
                  "accelerators_per_node": "0", "status": "available"}  # fmt: skip
        (base / "systems/rack750.json").write_text(json.dumps(system))
        for scenario in scenarios:
            place = base / "results/rack750/resnet50" / scenario
            run = place / "performance/run_1"
            shutil.copytree(logs / scenario, run, ignore=shutil.ignore_patterns("samples*"))
            shutil.copytree(logs / "accuracy", place / "accuracy")
            (place / "accuracy/accuracy.txt").write_text(
                "accuracy=76.456%, good=38228, total=50000\nhash=" + "0" * 64 + "\n"
            )
            beside = base / "measurements/rack750/resnet50" / scenario
            tests = base / "compliance/rack750/resnet50" / scenario / "TEST01"
            target = place / "measurements.json" if new else beside / "rack750_x.json"
            tests = place / "TEST01" if new else tests
            for folder in (target.parent, tests):
                folder.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps({"weight_data_types": "int8"}))
            (tests / "verify_accuracy.txt").write_text("TEST PASS\n")
            (tests / "verify_performance.txt").write_text("TEST FAIL\n")
        return tmp_path / name

    return submission


@pytest.mark.parametrize("new", [True, False])
def test_a_submission_tree(ask, submission, new):
    root = submission(new)
    data = ask("import", root).data
    assert (data["new"], data["problems"]) == (2, [])
    for record in all_of(ask).values():
        assert record.performance.valid is True
        assert record.performance.latency_ns["p99"] > 0
        assert (record.round, record.model, record.precision) == ("v6.0", "resnet", "int8")
        assert (record.loadgen, record.device) == ("6.0.17", "cpu")
        assert (record.accuracy.value, record.accuracy.met) == (76.456, True)
        assert record.compliance == {"TEST01": False}
        assert record.valid is True
        assert record.settings["min_duration_ms"] == 0
    shown = ask("show", imported=True, model="resnet50", valid=True).data
    assert shown["count"] == 2


def test_the_round_of_a_tree(ask, submission):
    root = submission(name="tree")
    ask("import", root, dry_run=True)
    data = ask("import", root, round="v5.0").data
    assert data["new"] == 2
    assert {record.round for record in all_of(ask).values()} == {"v5.0"}
    # Without a word on it, the seeds of the logs are those of v6.1.
    ask("import", root / "closed")
    assert {record.round for record in all_of(ask).values()} == {"v5.0", "v6.1"}
    with pytest.raises(UsageError):
        ask("import", root, round=True)


def test_a_tree_tells_more_than_a_table(ask, submission, tmp_path):
    root = submission(scenarios=("Offline",))
    table = write_table(tmp_path / "summary.csv", [row(version="v6.0")])
    ask("import", table)
    assert ask("import", root).data["changed"] == 1
    assert ask("import", table).data["same"] == 1
    (record,) = all_of(ask).values()
    assert record.source.kind == "tree"


def test_damage_in_a_tree_is_named(ask, submission):
    root = submission(scenarios=("Offline", "Server", "MultiStream"))
    base = root / "closed/Example Lab/results/rack750/resnet50"
    (base / "Offline/performance/run_1/mlperf_log_detail.txt").unlink()
    (base / "Server/performance/run_1/mlperf_log_detail.txt").write_text(":::ENDPTS {}\n")
    (base / "MultiStream/accuracy/accuracy.txt").unlink()
    data = ask("import", root).data
    assert (data["new"], data["bad"]) == (1, 2)
    assert "Offline: no performance log" in data["problems"][0]
    assert "Endpoints" in data["problems"][1]
    (record,) = all_of(ask).values()
    assert (record.valid, record.why_not) == (False, ("no accuracy",))


def test_selecting_in_the_file_is_filtering(ask, tmp_path):
    found = [
        row(
            Platform=f"p{n}",
            Location="",
            Scenario=("Offline", "Server")[n % 2],
            Units=("Samples/s", "Queries/s")[n % 2],
            SystemType=("edge", "datacenter,edge", "datacenter")[n % 3],
            errors=int(n % 4 == 0),
        )
        for n in range(24)
    ]
    ask("import", write_table(tmp_path / "s.csv", found))
    home, everything = ask.ctx.paths.home, list(all_of(ask).values())
    for flags, count in (
        ({}, 24),
        ({"scenario": "server"}, 12),
        ({"category": "edge"}, 16),
        ({"system": "p1*,p[!2-9]"}, 12),
        ({"system": "p_"}, 0),
        ({"system": "rack*"}, 24),
        ({"valid": "accepted"}, 18),
        ({"valid": "no"}, 6),
        ({"valid": True}, 0),
        ({"valid": "no,accepted,yes"}, 24),
        ({"model": "RESNET50", "round": "v6.*", "submitter": "example lab"}, 24),
        ({"model": "bert"}, 0),
    ):
        wish = finding.wish_of(flags)
        chosen = {item.record.id for item in store.select(home, wish)}
        assert chosen == {r.id for r in everything if finding.fits(r, wish)}, flags
        assert len(chosen) == count, flags


def test_a_damaged_file_of_results_is_said(ask, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / store.FILE).write_bytes(b"no database, but long enough to be looked at" * 40)
    with pytest.raises(StorageError, match="damaged") as caught:
        ask("show", imported=True)
    assert "delete the file" in str(caught.value)
    (home / store.FILE).unlink()
    with sqlite3.connect(home / store.FILE) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(StorageError, match="form 9"):
        ask("show", imported=True)


def test_an_import_that_fails_leaves_what_was_there(ask, tmp_path):
    ask("import", write_table(tmp_path / "s.csv", [row()]))
    before = all_of(ask)

    def torn():
        yield Record(id="new", source=Source("summary", ""))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.save(ask.ctx.paths.home, torn())
    assert all_of(ask) == before


def test_imported_results_are_compared(ask, tmp_path):
    found = [row(), row(Platform="other", Location="", Result="2469")]
    ask("import", write_table(tmp_path / "s.csv", found))
    (point,) = ask("compare", "rack750", "other", imported=True).data["points"]
    assert point["groups"][1]["ratio"]["value"] == pytest.approx(2)
