"""What MLPerf benchmarks are made of: folders, configurations, descriptions, reports."""

from __future__ import annotations

from runs import Run
from runs.sources import MINI

RUNS = (
    Run("get-mlperf-automotive-scratch-space", "get,abtf,scratch,space", cached=True),
    Run("get-mlperf-inference-intel-scratch-space", "get,intel,scratch,space", cached=True),
    Run(
        "get-mlperf-inference-nvidia-scratch-space",
        "get,nvidia,scratch,space",
        ("--scratch_path={work}/scratch",),
        cached=True,
    ),
    Run("clean-nvidia-mlperf-inference-scratch-space", "clean,nvidia,scratch,space"),
    Run("get-mlperf-inference-results-dir", "get,mlperf,inference,results,dir,local", cached=True),
    Run(
        "get-mlperf-inference-submission-dir",
        "get,mlperf,inference,submission,dir,local",
        cached=True,
    ),
    Run("get-mlperf-inference-utils", "get,mlperf,inference,utils", standin=MINI),
    Run("get-mlperf-inference-sut-configs", "get,mlperf,inference,sut,configs"),
    Run(
        "get-mlperf-inference-sut-description",
        "get,mlperf,sut,description",
        ("--adr.compiler.tags=gcc",),
        needs=("gcc",),
    ),
    Run(
        "generate-mlperf-inference-user-conf",
        "generate,mlperf,inference,user-conf",
        (
            "--env.{p}_MODEL=resnet50",
            "--env.{p}_MLPERF_BACKEND=onnxruntime",
            "--env.{p}_MLPERF_DEVICE=cpu",
            "--env.{p}_MLPERF_IMPLEMENTATION=reference",
            "--env.{p}_MLPERF_LOADGEN_SCENARIO=Offline",
            "--env.{p}_MLPERF_LOADGEN_MODE=performance",
            "--target_qps=10",
            "--output_dir={work}/results",
        ),
        standin=MINI,
    ),
    Run("get-dataset-imagenet-helper", "get,imagenet-helper", cached=True),
    Run("get-preprocessed-dataset-generic", "get,generic,image-preprocessor"),
    Run(
        "benchmark-any-mlperf-inference-implementation",
        "benchmark,inference,any",
        ("--models=resnet50,", "--devices=cpu"),
    ),
    Run(
        "build-dockerfile",
        "build,dockerfile",
        ("--file_path={work}/Dockerfile", "--docker_os=ubuntu", "--docker_os_version=22.04"),
        files=("Dockerfile",),
        standin="docker",
    ),
    Run(
        "build-docker-image",
        "build,docker,image",
        ("--dockerfile={files}/print.py", "--image_name=mine"),
        standin="docker",
    ),
    Run("process-mlperf-accuracy", "process,mlperf,accuracy,_openimages", standin=MINI),
    Run(
        "preprocess-mlperf-inference-submission",
        "preprocess,mlperf,inference,submission",
        ("--submission_dir={work}",),
        standin=MINI,
    ),
    Run(
        "truncate-mlperf-inference-accuracy-log",
        "truncate,accuracy-log,mlperf,inference",
        ("--input={work}", "--submitter=nobody"),
        standin=MINI,
    ),
    Run("generate-mlperf-tiny-report", "generate,mlperf,tiny,report", ("--repo_tags=none",)),
    Run("destroy-terraform", "destroy,terraform", standin="terraform"),
)
