"""Recipes that only one collection has: small helpers, tools with licences, local data."""

from __future__ import annotations

from runs import Run
from runs.models import SITE


def _mlc(recipe: str, tags: str, *flags: str, **more: object) -> Run:
    return Run(recipe, tags, flags, only="mlc", **more)  # type: ignore[arg-type]


RUNS = (
    Run("prune-docker", "prune,docker", standin="docker"),
    Run("get-ck", "get,ck-framework", cached=True, only="cm"),
    Run("get-rocm", "get,rocm", ("--path={files}/rocm/bin",), cached=True, standin="rocminfo"),
    Run("get-qaic-apps-sdk", "get,qaic,apps,sdk", ("--input={files}/qaic",), cached=True),
    Run("get-qaic-platform-sdk", "get,qaic,platform,sdk", ("--input={files}/qaic",), cached=True),
    Run("get-tensorrt", "get,tensorrt", ("--path={files}/tensorrt",), cached=True),
    Run(
        "remote-run-commands",
        "remote,run,ssh",
        ("--user=nobody", "--host=there", "--run_cmds,=true"),
        standin="ssh",
    ),
    Run("get-nvidia-docker", "get,nvidia-docker", standin="docker", cached=True),
    Run("set-device-settings-qaic", "set,device,qaic", ("--input={files}/qaic",)),
    Run("install-nccl-libs", "install,nccl,libs"),
    Run(
        "install-pip-package-for-cmind-python",
        "install,pip-package,for-cmind-python,_package.tinysum",
        only="cm",
    ),
    Run(
        "install-pip-package-for-mlc-python",
        "install,pip-package,for-mlc-python,_package.tinysum",
        only="mlc",
    ),
    Run("create-conda-env", "create,conda-env,_name.mine", standin="conda", cached=True),
    Run(
        "install-generic-conda-package",
        "get,generic-conda-package,_package.mine",
        standin="conda",
        cached=True,
    ),
    _mlc("template-script", "generic,template"),
    _mlc(
        "validate-mlc-json",
        "validate,mlc-json",
        "--json_file={files}/answer.json",
        "--expected_return=0",
    ),
    _mlc(
        "parse-dmidecode-memory-info",
        "dmidecode,parse,memory",
        "--input={files}/meminfo.txt",
        "--output={work}/m.txt",
    ),
    _mlc(
        "get-pass",
        "get,pass,secret,_env",
        "--env_key=MY_PASSWORD",
        "--secret_name=THE_WORD",
        env=("THE_WORD=open",),
        beyond="texts where edits of dependencies belong end in an AttributeError of MLCFlow",
    ),
    _mlc("get-mlperf-serving-config", "get,mlperf,serving-config", "--out_dir_path={work}"),
    _mlc(
        "get-tool-intel-pin",
        "get,intel,pin-tool",
        "--pintool_dir={files}/tools",
        cached=True,
        standin="pin",
    ),
    _mlc(
        "get-tool-intel-sde",
        "get,intel,sde-tool",
        "--sde_dir={files}/tools",
        cached=True,
        standin="sde",
    ),
    _mlc("get-oneapi", "get,oneapi", "--oneapi_dir={files}/oneapi", cached=True, standin="icx"),
    _mlc(
        "get-profiler-uprof",
        "get,uprof-profiler",
        "--uprof_dir={files}/uprof",
        cached=True,
        standin="AMDuProfSys",
    ),
    _mlc("get-ansible", "get,ansible", cached=True, standin="ansible-playbook"),
    _mlc("run-ansible", "run,ansible", "--playbook={files}/play.yml", standin="ansible-playbook"),
    _mlc("get-apptainer", "get-apptainer", cached=True, standin="apptainer"),
    _mlc(
        "build-apptainerfile",
        "build,apptainerfile",
        "--file_path={work}/mine.def",
        standin="apptainer",
    ),
    _mlc("get-dataset-waymo", "get,dataset,waymo", "--waymo_path={files}/model", cached=True),
    _mlc(
        "get-dataset-waymo-calibration",
        "get,waymo,calibration",
        "--waymo_calibration_path={files}/model",
        cached=True,
    ),
    _mlc(
        "detect-host-system-details",
        "detect,host,system,details",
        "--env.MLC_PLATFORM_DETAILS_FILE_PATH={files}/answer.json",
    ),
    _mlc(
        "get-amdclang", "get,amdclang", "--path={files}/rocm/bin", cached=True, standin="amdclang"
    ),
    _mlc("get-geekbench", "get,geekbench", mirror=True, standin=SITE, cached=True),
    _mlc("get-mlperf-automotive-utils", "get,mlperf,automotive,utils"),
    _mlc("get-phoronix-test-suite", "get,phoronix", mirror=True, standin=SITE, cached=True),
    _mlc("get-ml-model-gpt-oss", "get-ml-model-gpt-oss", "--checkpoint={files}/model", cached=True),
    _mlc("get-ml-model-whisper", "get-ml-model-whisper", "--checkpoint={files}/model", cached=True),
    _mlc("app-gaia-benchmark", "app,gaia-benchmark"),
)
