"""Data of the stage: small files, stand-in tools, stand-in repositories, wheels to fetch."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zipfile
from typing import Any

#: Keys whose values only the recording machine has, beside those of `compare_reference`.
OF_THE_MACHINE = re.compile(r"^pip_freeze$|_PER_SEC$|_IOPS$")

#: What recipes install with pip; with what these ask for, about 250 MB.
WHEELS = (
    "pip",
    "setuptools<81",
    "wheel",
    "numpy",
    "pandas",
    "tabulate",
    "networkx",
    "matplotlib",
    "typing_extensions",
    "requests",
    "psutil",
    "dmiparser",
    "pyperclip",
    "xlsxwriter",
    "onnxruntime",
    "Pillow",
    "PyYAML",
    "tqdm",
    "decorator",
    "attrs",
    "scipy",
    "scons",
    "giturlparse",
    "virtualenv",
    "cmind==4.2.0",
)

#: Programs that recipes only look for and ask for their version.
TOOLS = {
    "aws": "aws-cli/2.15.0 Python/3.11.6 Linux/6.1.0 exe/x86_64.debian.12",
    "bazel": "bazel 6.4.0",
    "terraform": "Terraform v1.5.7\non linux_amd64",
    "rclone": "rclone v1.65.2\n- os/version: debian 12.4 (64 bit)",
    "conda": "conda 23.11.0",
    "go": "go version go1.21.4 linux/amd64",
    "aria2c": "aria2 version 1.36.0\nCopyright (C) 2006, 2019",
    "docker": "Docker version 24.0.7, build afdd53b",
    "gh": "gh version 2.40.1 (2023-12-13)",
    "dmidecode": "3.4",
    "ansible-playbook": "ansible-playbook [core 2.16.2]",
    "apptainer": "apptainer version 1.2.5",
    "ssh": "connected",
    "rocminfo": "ROCm",
    "nvcc": "Cuda compilation tools, release 12.3, V12.3.107",
}

#: A compiler by another name, so that whoever picks it can build.
CLANG = """#!/bin/sh
case "$*" in --version) echo "clang version 17.0.6"; exit 0;; esac
exec gcc "$@"
"""

XML = (
    "<versions><ci_build><base_version>1.12.2</base_version>"
    "<build_id>88</build_id></ci_build></versions>\n"
)
#: As many names as the small part of the data set has.
NAMES = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 501)]
IMAGES = {f"imagenet/{name}": "a picture\n" for name in NAMES}

FILES: dict[str, str | dict[str, Any]] = {
    "table.csv": "name,value\nalpha,1\nbeta,2\n",
    "users.csv": "full_name,university\nNobody,Nowhere\n",
    "deps.json": json.dumps({"tree": [{"one": {"parent": "root"}}]}),
    "folder-old/note.txt": "one\ntwo\n",
    "folder-new/note.txt": "one\nthree\n",
    "packed/inside.txt": "was packed\n",
    "model/model.txt": "a model\n",
    "imagenet/n01440764.tar": "not really an archive\n",
    **IMAGES,
    "answer.json": json.dumps({"return": 0, "env": {"A": "b"}}),
    "meminfo.txt": "Memory Device\n\tSize: 8 GB\n\tType: DDR4\n",
    "play.yml": "- hosts: localhost\n",
    "rocm/.info/version": "6.0.2-115\n",
    "qaic/versions/apps.xml": XML,
    "qaic/versions/platform.xml": XML,
    "tensorrt/libnvinfer.so": "not really a library\n",
    "cudnn/libcudnn.so": "not really a library\n",
    "print.py": "print('forty', 'two')\n",
}


def _zip(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def _tar(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


#: Tools in folders of their own: `{path below files: what it says}`.
ELSEWHERE = {
    "tools/pin": "Pin: pin-3.30-98830-g1d7b601b3-gcc-linux",
    "tools/sde": "Intel(R) Software Development Emulator.  Version:  9.33.0 external",
    "tools/xsdk": "xsdk 1",
    "aocc/bin/clang": "AMD clang version 16.0.3 (CLANG: AOCC_4.1.0-Build#270 2023_07_10)",
    "aocc/bin/clang++": "AMD clang version 16.0.3",
    "aocc/bin/flang": "AMD clang version 16.0.3",
    "oneapi/bin/icx": "Intel(R) oneAPI DPC++/C++ Compiler 2024.0.2",
    "oneapi/bin/icpx": "Intel(R) oneAPI DPC++/C++ Compiler 2024.0.2",
    "uprof/bin/AMDuProfSys": "AMDuProfSys version 5.1.701",
    "uprof/bin/AMDuProfCLI": "AMDuProfCLI 5.1.701",
    "rocm/bin/rocminfo": "ROCm",
    "rocm/bin/amdclang": "AMD clang version 17.0.0 (roc-6.0.2)",
    "rocm/bin/amdclang++": "AMD clang version 17.0.0 (roc-6.0.2)",
    "qaic/exec/qaic-exec": "qaic",
    "qaic/exec/qaic-runner": "qaic",
    "qaic/tools/qaic-version-util": "qaic",
}

BINARY: dict[str, bytes] = {
    "bundle.zip": _zip({"bundle/inside.txt": "was packed\n"}),
    "bundle.tar.gz": _tar({"bundle/inside.txt": "was packed\n"}),
}

#: Served by the web server: `{name: file}`.
SERVED = {"bundle.zip": "bundle.zip", "bundle.tar.gz": "bundle.tar.gz", "table.csv": "table.csv"}

#: `sudo` that is not needed: every test user is its own administrator here.
SUDO = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
[ $# -eq 0 ] || exec env "$@"
"""

#: A project that every way of building accepts, in place of one that a recipe clones.
MINIATURE: dict[str, str | dict[str, Any]] = {
    "README.md": "a miniature\n",
    "CMakeLists.txt": (
        "cmake_minimum_required(VERSION 3.10)\nproject(mini C)\n"
        "add_library(mini STATIC mini.c)\ninstall(TARGETS mini DESTINATION lib)\n"
    ),
    "mini.c": "int mini(void) { return 42; }\n",
    "Makefile": "all install clean check test:\n\t@echo made $@\n",
    "configure": '#!/bin/sh\necho configured "$@"\n',
    "autogen.sh": "#!/bin/sh\necho generated\n",
    "setup.py": "from setuptools import setup\nsetup(name='miniature', version='1.0')\n",
    "requirements.txt": "",
}
CHECKER = """
MODEL_CONFIG = {
    release: {"models": ["resnet", "retinanet", "bert-99"]}
    for release in ("v3.1", "v4.0", "v4.1", "v5.0", "v5.1", "v6.0")
}
REQUIRED_ACC_FILES = REQUIRED_PERF_FILES = ["mlperf_log_summary.txt"]
REQUIRED_POWER_FILES = REQUIRED_PERF_POWER_FILES = REQUIRED_MEASURE_FILES = ["x.json"]
OFFLINE_MIN_SPQ_SINCE_V4 = {"resnet": 24576}
if __name__ == "__main__":
    print("checked")
"""
BRANCHES = ("master", "dev", "develop")
#: Branches, tags and files that the miniature of one repository must have besides.
REPOSITORIES: dict[str, dict[str, str | dict[str, Any]]] = {
    "github.com/mlcommons/inference": {
        "mlperf.conf": "*.*.min_query_count = 100\n",
        "tools/submission/submission_checker.py": CHECKER,
        "tools/submission/preprocess_submission.py": "print('preprocessed')\n",
        "tools/submission/truncate_accuracy_log.py": "print('truncated')\n",
        "vision/classification_and_detection/python/main.py": "print('main')\n",
        "loadgen/README.md": "loadgen\n",
    },
    "github.com/mlcommons/power": {"PTD/binaries/ptd-linux-x86": "#!/bin/sh\n"},
    "github.com/eembc/energyrunner": {"datasets/one.txt": "a data set\n"},
    "github.com/google/protobuf": {
        "cmake/CMakeLists.txt": (
            "cmake_minimum_required(VERSION 3.10)\nproject(mini C)\n"
            "add_library(mini STATIC ../mini.c)\ninstall(TARGETS mini DESTINATION lib)\n"
        )
    },
    "github.com/mlcommons/training_results_v3.0": {"NVIDIA/benchmarks/README.md": "code\n"},
    "github.com/mlcommons/inference_results_v4.0": {"closed/NVIDIA/Makefile": "all:\n"},
}
#: Tags of miniatures.
TAGS: dict[str, tuple[str, ...]] = {
    "github.com/mlcommons/inference_results_v4.0": ("cm-code-only", "mlc-code-only"),
}
#: Repositories that get a plain miniature.
PLAIN = """
mlcommons/training mlcommons/tiny mlcommons/power-dev mlcommons/logging mlperf/logging
mlcommons/inference_results_v3.1 mlcommons/inference_results_v4.0 mlcommons/inference_results_v4.1
mlcommons/inference_results_v2.1 mlcommons/inference_results_v5.0 cknowledge/training
mlcommons/croissant mlcommons/cm4mlperf-inference mlcommons/cm4mlops mlcommons/ck octoml/inference
mlcommons/training_results_v2.1 mlcommons/tiny_results_v1.0 mlcommons/training_results_v3.0
mlcommons/submissions_tiny_v1.1 mlcommons/abtf-ssd-pytorch mlcommons/mlperf-automotive
mlcommons/automotive mlcommons/endpoints
octoml/power-dev eembc/energyrunner ARM-software/CMSIS_5 facebookresearch/dlrm neheller/kits19
octoml/microtvm apache/tvm flame/blis amd/blis amd/libflame google/googletest google/protobuf
gflags/gflags Tencent/rapidjson numactl/numactl opencv/opencv oneapi-src/oneDNN pytorch/kineto
NVIDIA/mitten NVIDIA/DeepLearningExamples jemalloc/jemalloc facebook/jemalloc microsoft/mimalloc
gperftools/gperftools google/tcmalloc octocat/Hello-World ARM-software/armnn google/saxml
quic/software-kit-for-qualcomm-cloud-ai-100 amd/aocl-libm-ose amd/aocl-utils amd/ZenDNN
amd/aocl-sparse amd/aocl-scalapack amd/aocl-fftz amd/aocl-dlp amd/aocl-data-analytics
amd/aocl-crypto amd/aocl-compression xianyi/OpenBLAS GATEOverflow/kilt-mlperf eembc/coremark
huggingface/diffusers huggingface/transformers intel/neural-speed libxsmm/tpp-pytorch-extension
pytorch/vision pytorch/pytorch vllm-project/vllm intel/intel-extension-for-pytorch
tensorflow/tensorflow Microsoft/onnxruntime llvm/llvm-project openssl/openssl
"""

#: `md5sum` that finds every file as it was published: the mirror's files are not.
MD5SUM = """#!/bin/sh
case " $* " in *" -c"*) ;; *) exec /usr/bin/md5sum "$@";; esac
code=0
while read -r sum name; do
  name=${name#\\*}
  if [ -f "$name" ]; then echo "$name: OK"; continue; fi
  echo "md5sum: $name: No such file or directory" >&2
  code=1
done
exit $code
"""
#: Sites that the mirror speaks for.
HOSTS = """
armi.in automotive.mlcommons-storage.org awscli.amazonaws.com cdn.geekbench.com cknowledge.org
cKnowledge.org codelinaro.jfrog.io cognata.mlcommons-storage.org data.dgl.ai data.pyg.org
developer.arm.com developer.download.nvidia.com developer.nvidia.com dl.google.com
dlrm.s3-us-west-1.amazonaws.com doi.org download.amd.com download.docker.com download.java.net
download.onnxruntime.ai download.pytorch.org download.tensorflow.org downloadmirror.intel.com
downloads.rclone.org drive.google.com github.com huggingface.co
igb-public.s3.us-east-2.amazonaws.com image-net.org images.cocodataset.org
inference.mlcommons-storage.org llama2.mlcommons-storage.org mlcommons.org
mlperf-public.s3.us-west-2.amazonaws.com raw.githubusercontent.com rclone.org
registrationcenter-download.intel.com repo.anaconda.com repo.radeon.com sourceware.org
storage.googleapis.com www.cs.toronto.edu www.dropbox.com www.ipol.im www.openslr.org
www.openssl.org www.python.org www.tensorflow.org zenodo.org dl.fbaipublicfiles.com
s3.amazonaws.com sh.rustup.rs static.rust-lang.org ftp.gnu.org go.dev golang.org
"""


def _miniature(folder: str, **more: str) -> dict[str, str]:
    """The miniature as an archive of a release: in a folder of its own."""
    files = {name: text for name, text in MINIATURE.items() if isinstance(text, str)}
    return {f"{folder}/{name}": text for name, text in {**files, **more}.items()}


#: Configures, and builds at once: a program that tells its version.
OPENSSL = """#!/bin/sh
mkdir -p install/bin
printf '#!/bin/sh\\necho OpenSSL 1.1.1g\\n' > install/bin/openssl
chmod 755 install/bin/openssl
"""
#: What an archive from a site holds, by the end of its address.
SITES: dict[str, dict[str, str]] = {
    "/ILSVRC2012_img_val_500.tar": {
        f"ILSVRC2012_img_val_500/{name}": "a picture\n" for name in NAMES
    },
    "/mobilenet_v1_1.0_224.tgz": {"mobilenet_v1_1.0_224.tflite": "a model\n"},
    "/efficientnet-lite0.tar.gz": {
        "efficientnet-lite0/efficientnet-lite0-fp32.tflite": "a model\n"
    },
    "/openssl-1.1.1g.tar.gz": _miniature("openssl-1.1.1g", config=OPENSSL),
}
#: What all other addresses give.
ANYTHING = {"mirrored/inside.txt": "mirrored\n"}
