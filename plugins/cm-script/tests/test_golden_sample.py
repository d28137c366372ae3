"""Plans of condensed recipes, equal to what the reference engines plan for the full ones."""

import json

import pytest

from cm_script.resolve import plan_shallow
from cmcore.types import Artifact, Collection

PLACE = Collection("here", "", "/here", "/here", "folder")

EFFICIENTNET = {
    "new_env_keys": ["CM_ML_MODEL_*"],
    "variations": {
        "fp32": {"group": "precision", "default": True, "env": {"CM_ML_MODEL_PRECISION": "fp32"}},
        "int8": {"alias": "uint8"},
        "uint8": {"group": "precision", "env": {"CM_ML_MODEL_PRECISION": "uint8"}},
        "lite0": {"group": "kind", "default": True, "base": ["resolution-224"]},
        "lite1": {"group": "kind", "base": ["resolution-240"]},
        "resolution-224": {
            "group": "resolution",
            "default": True,
            "env": {"CM_ML_MODEL_IMAGE_WIDTH": "224"},
        },
        "resolution-240": {"group": "resolution", "env": {"CM_ML_MODEL_IMAGE_WIDTH": "240"}},
    },
}
INFERENCE_SOURCE = {
    "default_version": "master",
    "deps": [{"tags": "detect,os"}, {"tags": "get,python3", "names": ["python", "python3"]}],
    "prehook_deps": [
        {
            "tags": "get,git,repo",
            "names": ["inference-git-repo"],
            "force_env_keys": ["CM_GIT_*"],
            "update_tags_from_env_with_prefix": {
                "_branch.": ["CM_GIT_CHECKOUT"],
                "_sha.": ["CM_GIT_SHA"],
            },
        }
    ],
    "variations": {
        "branch.#": {"default_version": "custom", "env": {"CM_GIT_CHECKOUT": "#"}},
        "sha.#": {"env": {"CM_GIT_SHA": "#"}},
        "patch": {"ad": {"inference-git-repo": {"tags": "_patch"}}},
    },
    "versions": {"master": {"env": {"CM_MLPERF_LAST_RELEASE": "v5.0"}}, "custom": {}},
    "new_env_keys": ["CM_MLPERF_LAST_RELEASE"],
}
TFLITE = {
    "default_version": "master",
    "deps": [{"tags": "detect,cpu"}, {"tags": "get,compiler", "names": ["compiler"]}],
    "versions": {"master": {"ad": {"compiler": {"tags": "gcc", "version_min": "10.0.0"}}}},
}
GEEKBENCH = {
    "default_version": "6.6.0",
    "variations": {"path.#": {"env": {"MLC_GEEKBENCH_PATH": "#"}, "default_version": ""}},
    "deps": [
        {"tags": "detect,os"},
        {"tags": "extract,file", "skip_if_env": {"MLC_GEEKBENCH_PATH": [True]}},
    ],
}
HARNESS = {
    "variations": {
        "cuda": {"group": "device", "default": True},
        "run_harness": {
            "deps": [
                {
                    "tags": "build,engine",
                    "inherit_variation_tags": True,
                    "skip_inherit_variation_groups": ["step", "batch-size"],
                }
            ],
            "group": "step",
        },
        "batch_size.#": {"group": "batch-size", "env": {"CM_BATCH": "#"}},
    }
}


@pytest.mark.parametrize(
    ("meta", "form", "tags", "flags", "variations", "deps", "version"),
    [
        (EFFICIENTNET, "cm", "", {}, "fp32 lite0 resolution-224", [], ""),
        (EFFICIENTNET, "cm", "_int8", {}, "int8 uint8 lite0 resolution-224", [], ""),
        (EFFICIENTNET, "cm", "_lite1", {}, "lite1 resolution-240 fp32", [], ""),
        # What a group default implies is not refused beside what was asked for.
        (
            EFFICIENTNET,
            "cm",
            "_resolution-240",
            {},
            "resolution-240 fp32 lite0 resolution-224",
            [],
            "",
        ),
        (EFFICIENTNET, "cm", "-_lite0", {}, "-lite0 fp32 resolution-224", [], ""),
        (
            INFERENCE_SOURCE,
            "cm",
            "_patch",
            {},
            "patch",
            ["detect,os", "get,python3", "get,git,repo,_patch"],
            "master",
        ),
        (
            INFERENCE_SOURCE,
            "cm",
            "_branch.dev,_sha.8",
            {},
            "branch.dev sha.8",
            ["detect,os", "get,python3", "get,git,repo,_branch.dev,_sha.8"],
            "custom",
        ),
        (
            INFERENCE_SOURCE,
            "cm",
            "",
            {"adr": {"python": {"tags": "_x"}}, "version": "r4.0"},
            "",
            ["detect,os", "get,python3,_x", "get,git,repo"],
            "r4.0",
        ),
        (TFLITE, "cm", "", {}, "", ["detect,cpu", "get,compiler,gcc"], "master"),
        (GEEKBENCH, "mlc", "", {}, "", ["detect,os", "extract,file"], "6.6.0"),
        (GEEKBENCH, "mlc", "_path.8", {}, "path.8", ["detect,os"], ""),
        (
            HARNESS,
            "cm",
            "_run_harness,_batch_size.16",
            {},
            "run_harness batch_size.16 cuda",
            ["build,engine,_cuda"],
            "",
        ),
        (
            HARNESS,
            "mlc",
            "_run_harness,_batch_size.16,_batch_size.64",
            {},
            "run_harness batch_size.16 batch_size.64 cuda",
            ["build,engine,_cuda"],
            "",
        ),
    ],
)
def test_plan(meta, form, tags, flags, variations, deps, version):
    plan = planned(meta, form, tags, flags)
    assert plan.scope.variations == variations.split()
    assert [dep.tags for dep in plan.deps if not dep.skipped] == deps
    assert plan.version == version


def planned(meta, form, tags, flags):
    recipe = Artifact(
        "script", "r", "0123456789abcdef", ("r",), "/here/r", form, PLACE, json.dumps(meta)
    )
    inputs = {"tags": f"r,{tags}", **flags}
    return plan_shallow(lambda name, words: [recipe], inputs)


def test_the_recipe_gives_back_what_its_patterns_name():
    plan = planned(EFFICIENTNET, "cm", "_resolution-240", {})
    assert plan.new_env == {"CM_ML_MODEL_PRECISION": "fp32", "CM_ML_MODEL_IMAGE_WIDTH": "224"}
    plan = planned(INFERENCE_SOURCE, "cm", "", {})
    assert plan.new_env == {"CM_MLPERF_LAST_RELEASE": "v5.0"}


def test_a_skipped_dependency_says_why():
    plan = planned(GEEKBENCH, "mlc", "_path.8", {})
    assert "MLC_GEEKBENCH_PATH is '8'" in plan.deps[1].skipped


def test_edits_of_entries_are_seen():
    plan = planned(TFLITE, "cm", "", {"adr": {"compiler": {"version_max": "12"}}})
    assert plan.deps[1].entry["version_min"] == "10.0.0"
    assert plan.deps[1].entry["version_max"] == "12"


def test_a_request_leaves_the_inputs_as_they_are():
    flags = {"env": {"A": "1"}, "adr": {"compiler": {"tags": "_<<<A>>>"}}}
    before = json.dumps(flags)
    planned(TFLITE, "cm", "", flags)
    assert json.dumps(flags) == before


@pytest.mark.parametrize(
    ("entry", "tags"),
    [
        ({}, "d"),
        ({"reuse_version": True}, "d,2"),
        ({"force_env_keys": ["CM_VER*"]}, "d,2"),
        ({"force_env_keys": ["CM_TMP_*"]}, "d"),
    ],
)
def test_hidden_variables_are_seen_when_the_entry_says_so(entry, tags):
    dep = {"tags": "d", "update_tags_from_env": ["CM_VERSION"], **entry}
    plan = planned({"deps": [dep]}, "cm", "", {"version": "2"})
    assert plan.deps[0].tags == tags
    assert plan.scope.env["CM_VERSION"] == "2"


def test_prehook_dependencies_see_constants_with_their_placeholders_filled_in():
    prehook = {"tags": "d", "update_tags_from_env_with_prefix": {"_b.": ["B"]}}
    meta = {"deps": [{"tags": "x"}], "prehook_deps": [prehook]}
    plan = planned(meta, "cm", "", {"const": {"B": "<<<A>>>"}, "env": {"A": "1"}})
    assert [dep.tags for dep in plan.deps] == ["x", "d,_b.1"]
