"""`cm submit mlperf`: trees of three rounds, refusals, replacement, packing."""

from __future__ import annotations

import json
import os
import shutil
import tarfile

import pytest

from cm_mlperf import rounds
from cm_mlperf.submission import building, submit
from cm_mlperf.submission.checking.tree import check
from cm_mlperf.submission.truncating import digest_of
from cmcore.errors import CmError, NotFoundError, StorageError, UsageError


def files(tree):
    return {
        os.path.relpath(os.path.join(folder, name), tree).replace(os.sep, "/")
        for folder, _, names in os.walk(tree)
        for name in names
    }


def change_result(folder, **values):
    path = folder / "cm-result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("name", rounds.ROUNDS)
def test_a_tree_has_the_layout_of_its_round(made, tmp_path, edit_log, sut, name):
    of_round = rounds.get(name)
    for log in made.results.rglob("mlperf_log_detail.txt"):
        edit_log(log, **{f"effective_{key}": seed for key, seed in of_round.seeds.items()})
    answer = made.submit(tmp_path / "tree", round=name)
    assert answer.code == 0, answer.view
    there = files(tmp_path / "tree")
    base = "open/Practice"
    source = "code" if name == "v5.1" else "src"
    at = f"{base}/results/{sut}/digits/Offline"
    notes = at if name != "v5.1" else f"{base}/measurements/{sut}/digits/Offline"
    measurements = "measurements.json" if name != "v5.1" else f"{sut}_cm_Offline.json"
    assert {
        f"{base}/{source}/digits/README.md",
        f"{base}/systems/{sut}.json",
        f"{base}/model_mapping.json",
        f"{base}/documentation/calibration.md",
        f"{notes}/{measurements}",
        f"{notes}/user.conf",
        f"{notes}/README.md",
        f"{at}/performance/run_1/mlperf_log_detail.txt",
        f"{at}/accuracy/mlperf_log_accuracy.json",
    } <= there
    assert check(str(tmp_path / "tree"), of_round).findings == ()


def test_the_accuracy_log_is_short_and_its_digest_is_of_the_whole_one(made, tmp_path, sut):
    made.submit(tmp_path / "tree")
    for scenario in ("SingleStream", "MultiStream", "Offline"):
        folder = tmp_path / "tree/open/Practice/results" / sut / "digits" / scenario / "accuracy"
        whole = made.folder(scenario) / "accuracy" / "mlperf_log_accuracy.json"
        short = folder / "mlperf_log_accuracy.json"
        assert whole.stat().st_size > 10240 > short.stat().st_size
        assert f"hash={digest_of(whole)}\n" in (folder / "accuracy.txt").read_text()
        assert short.read_bytes()[:4096] == whole.read_bytes()[:4096]


def test_a_tree_of_trees_results_is_the_same(made, tmp_path, sut):
    """Shortened logs whose digest is told can be handed in again."""
    made.submit(tmp_path / "one")
    for scenario in ("SingleStream", "MultiStream", "Offline"):
        at = tmp_path / "one/open/Practice/results" / sut / "digits" / scenario / "accuracy"
        for name in ("accuracy.txt", "mlperf_log_accuracy.json"):
            shutil.copy(at / name, made.folder(scenario) / "accuracy" / name)
    made.submit(tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    for name in files(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_is_no_result_is_refused_in_one_message(made, tmp_path, edit_log):
    change_result(made.folder("Offline"), execution_mode="test")
    change_result(made.folder("SingleStream"), execution_mode="fast")
    edit_log(
        made.folder("MultiStream") / "performance/run_1/mlperf_log_detail.txt",
        result_validity="INVALID",
        result_invalid_reason="too short",
    )
    with pytest.raises(CmError) as error:
        made.submit(tmp_path / "tree")
    text = str(error.value)
    for word in ("3 results", "a test run", "a fast run", "LoadGen says INVALID: too short"):
        assert word in text
    for scenario in ("Offline", "SingleStream", "MultiStream"):
        assert f"digits/{scenario}" in text
    assert not os.path.exists(tmp_path / "tree")
    assert [name for name in os.listdir(tmp_path) if name not in ("home", "results")] == []


def test_short_runs_make_a_stamped_tree(made, tmp_path):
    change_result(made.folder("Offline"), execution_mode="test")
    answer = made.submit(tmp_path / "tree", allow_short=True)
    assert answer.data["for_submission"] is False
    assert (tmp_path / "tree/NOT-FOR-SUBMISSION.txt").exists()
    assert {f["rule"] for f in answer.data["findings"]} == {"stamp"}
    assert made.check(tmp_path / "tree").code == 1


def test_missing_logs_are_refused_even_for_practice(made, tmp_path):
    (made.folder("Offline") / "accuracy/accuracy.txt").unlink()
    with pytest.raises(CmError, match=r"lacks accuracy/accuracy\.txt"):
        made.submit(tmp_path / "tree", allow_short=True)


def test_the_valid_one_of_several_is_taken(made, tmp_path):
    shutil.copytree(made.folder("Offline"), made.folder("Offline", "test"))
    change_result(made.folder("Offline", "test"), execution_mode="test", time="2027-01-01")
    answer = made.submit(tmp_path / "tree")
    assert answer.code == 0
    assert [out["why"] for out in answer.data["left_out"]] == ["a test run is no result"]


def test_a_missed_accuracy_target_is_refused_in_the_closed_division_only(made, tmp_path):
    told = {"metric": "top1", "value": 10.0, "target": 94.0, "met": False, "unit": "%"}
    change_result(made.folder("Offline"), accuracy=told)
    assert made.submit(tmp_path / "tree").code == 0
    with pytest.raises(CmError, match="accuracy target is not met"):
        made.submit(tmp_path / "closed", division="closed")


def test_an_older_tree_is_kept_beside(made, tmp_path):
    made.submit(tmp_path / "tree")
    (tmp_path / "tree/open/Practice/mine.txt").write_text("x")
    answer = made.submit(tmp_path / "tree")
    assert answer.data["old"] == str(tmp_path / "tree.old-1")
    assert (tmp_path / "tree.old-1/open/Practice/mine.txt").exists()
    assert not (tmp_path / "tree/open/Practice/mine.txt").exists()
    assert made.submit(tmp_path / "tree").data["old"].endswith(".old-2")


def test_a_folder_of_something_else_is_not_replaced(made, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="no submission tree"):
        made.submit(tmp_path / "mine")
    assert (tmp_path / "mine/thesis.txt").exists()


def test_nothing_half_written_stays_when_writing_fails(made, tmp_path, monkeypatch):
    made.submit(tmp_path / "tree")
    before = sorted(os.listdir(tmp_path))

    def full(root, plan):
        os.makedirs(os.path.join(root, "open"))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(building, "write", full)
    with pytest.raises(StorageError, match="No space left"):
        made.submit(tmp_path / "tree")
    assert sorted(os.listdir(tmp_path)) == before
    assert check(str(tmp_path / "tree"), rounds.get("v6.1")).findings == ()


def test_a_damaged_accuracy_log_names_its_folder(made, tmp_path):
    log = made.folder("Offline") / "accuracy/mlperf_log_accuracy.json"
    log.write_bytes(log.read_bytes()[:4096] + b"\n\n...\n\n" + log.read_bytes()[-4096:])
    with pytest.raises(CmError, match=r"nothing tells the digest.*offline"):
        made.submit(tmp_path / "tree")


def test_packing_gives_the_same_bytes(made, tmp_path):
    one = made.submit(tmp_path / "a/tree", tar=True)
    os.utime(tmp_path / "a/tree/open", (1, 1))
    two = made.submit(tmp_path / "b/tree", tar=True)
    assert (tmp_path / "a/tree.tar.gz").read_bytes() == (tmp_path / "b/tree.tar.gz").read_bytes()
    assert two.data["tar"] == str(tmp_path / "b/tree.tar.gz")
    with tarfile.open(one.data["tar"]) as archive:
        names = {entry.name for entry in archive if entry.isfile()}
        assert names == {f"tree/{name}" for name in files(tmp_path / "a/tree")}
        assert {entry.mode for entry in archive} == {0o755, 0o644}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"submitter": None}, "submitter is not told"),
        ({"submitter": "../x"}, "cannot be a submitter"),
        ({"round": "v6.2"}, "did you mean 'v6.1'"),
        ({"division": "opem"}, "did you mean 'open'"),
        ({"category": "edgy"}, "did you mean 'edge'"),
        ({"model_mapping": "digits"}, "is no mapping"),
        ({"model_mapping": "digits:resnt"}, "did you mean 'resnet'"),
        ({"division": "closed"}, "takes 'resnet' only"),
        ({"results": None}, "where the results are"),
    ],
)
def test_a_wrong_request_says_what_would_work(made, tmp_path, flags, words):
    with pytest.raises(UsageError) as error:
        made.submit(tmp_path / "tree", **flags)
    assert words in str(error.value)


def test_no_results_at_all(made, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="no results"):
        made.submit(tmp_path / "tree", results=str(tmp_path / "empty"))


def test_missing_fields_are_named_in_one_message_and_filled_by_a_file(made, tmp_path, sut):
    system = made.results / "valid_results" / sut / "system.json"
    content = json.loads(system.read_text())
    for key in ("cooling", "status"):
        content[key] = ""
    system.write_text(json.dumps(content))
    with pytest.raises(CmError, match=r"lacks 2 fields: status .*; cooling"):
        made.submit(tmp_path / "tree")
    (tmp_path / "system.yaml").write_text("status: preview\ncooling: water\n")
    answer = made.submit(tmp_path / "tree", system_file=str(tmp_path / "system.yaml"))
    assert answer.code == 0
    written = json.loads((tmp_path / f"tree/open/Practice/systems/{sut}.json").read_text())
    assert (written["status"], written["cooling"]) == ("preview", "water")
    assert (written["submitter"], written["division"]) == ("Practice", "open")


def test_a_readme_goes_in_without_the_home_folder(made, tmp_path, monkeypatch, sut):
    monkeypatch.setenv("HOME", "/home/somebody")
    text = "cm run mlperf --output_dir=/home/somebody/results\n"
    (made.folder("Offline") / "README.md").write_text(text)
    made.submit(tmp_path / "tree")
    at = tmp_path / "tree/open/Practice/results" / sut / "digits"
    assert (at / "Offline/README.md").read_text() == "cm run mlperf --output_dir=~/results\n"
    assert "cm run mlperf --model=digits" in (at / "SingleStream/README.md").read_text()


def test_the_old_tree_is_back_when_the_new_one_cannot_be_moved(made, tmp_path, monkeypatch):
    made.submit(tmp_path / "tree")
    before, rename = sorted(os.listdir(tmp_path)), os.rename

    def stubborn(source, target):
        if target == str(tmp_path / "tree") and os.path.basename(source).startswith(".cm-"):
            raise OSError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", stubborn)
    with pytest.raises(StorageError, match="Permission denied"):
        made.submit(tmp_path / "tree")
    assert sorted(os.listdir(tmp_path)) == before


def test_own_programs_and_calibration_go_in(made, tmp_path):
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs/serve.py").write_text("pass\n")
    (tmp_path / "how.md").write_text("With 500 images.\n")
    answer = made.submit(
        tmp_path / "tree", src=str(tmp_path / "programs"), calibration=str(tmp_path / "how.md")
    )
    assert answer.code == 0
    base = tmp_path / "tree/open/Practice"
    assert (base / "src/digits/serve.py").exists()
    assert (base / "src/digits/README.md").exists()
    assert (base / "documentation/calibration.md").read_text() == "With 500 images.\n"


def test_reduced_precision_needs_its_calibration_in_the_closed_division(made, tmp_path):
    change_result(made.folder("Offline"), precision="int8")
    assert any("precision" in w for w in made.submit(tmp_path / "tree").warnings)
    with pytest.raises(CmError, match=r"calibrated is not told|takes 'resnet'"):
        made.submit(tmp_path / "closed", division="closed", model_mapping="digits:resnet")


def test_names_that_are_no_folders_are_refused(made, tmp_path):
    for word in ("../escape", "a/b", ".hidden"):
        change_result(made.folder("Offline"), system=word)
        with pytest.raises(CmError, match="cannot be the name of a folder"):
            made.submit(tmp_path / "tree")
    assert submit._is_tree(str(tmp_path / "nowhere")) is False
