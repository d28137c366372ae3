"""Published recipes that no run covers, and what each would need that a test machine lacks.

Reasons were judged from meta, code and a trial run of part of the recipes; a reason is about the
recipe's work, not about the engine: `cm plan` and the plans of the reference
engines are compared for these too (`tests/golden`).
"""

from __future__ import annotations

GPU = "works on an NVIDIA GPU"
DEVICE = "works on an accelerator or a board that is not here"
SITE = "its work is on the real content of a web site"
BENCHMARK = "a whole benchmark: load generator, model and data set of several sites"
HOURS = "builds a large project from sources of a web site, for hours"
HPC = "builds a simulation code from sources of a web site"
BRING = "the user brings the sources or the licence"
ACCOUNT = "needs an account or a token of a service"
SERVICE = "needs a running container engine or a machine to log in to"
ENDLESS = "a server or a recorder: runs until it is stopped"
OPEN = "could perhaps run here with more preparation: no run yet"

NAMES: dict[str, str] = {
    GPU: """
add-custom-nvidia-system app-mlperf-inference-nvidia app-mlperf-training-nvidia
build-mlperf-inference-server-nvidia generate-nvidia-engine get-cuda-devices get-cudnn
get-ml-model-retinanet-nvidia get-nvidia-mitten install-cuda-package-manager install-cuda-prebuilt
plug-prebuilt-cudnn-to-cuda plug-prebuilt-cusparselt-to-cuda prune-bert-models
reproduce-mlperf-training-nvidia run-vllm-server install-vllm-from-src
""",
    DEVICE: """
app-mlperf-inference-qualcomm calibrate-model-for.qaic compile-model-for.qaic
create-fpgaconvnet-app-tinyml create-fpgaconvnet-config-tinyml flash-tinyml-binary get-lib-qaic-api
get-rocm-devices get-tpu-devices get-xpu-devices get-xilinx-sdk get-lib-armpl install-rocm
install-qaic-compute-sdk-from-src reproduce-mlperf-octoml-tinyml-results get-redfish-power-info
wrapper-reproduce-octoml-tinyml-submission app-mlperf-inference-amd set-cpu-frequency
run-mlperf-power-client run-mlperf-power-server
get-mlperf-multi-node-system-info test-profiler-uprof

""",
    SITE: """
app-image-classification-tf-onnx-cpp
app-image-classification-tvm-onnx-py app-stable-diffusion-onnx-py
convert-ml-model-huggingface-to-onnx download-torrent get-brew get-ck-repo-mlops
get-dataset-cnndm get-dataset-coco2014 get-dataset-cognata-mlcommons get-dataset-igbh
get-dataset-mlperf-inference-dlrmv3-synthetic-streaming get-dataset-mlperf-inference-gpt-oss
get-dataset-mlperf-inference-igbh get-dataset-mlperf-inference-llama3
get-dataset-mlperf-inference-shopify-catalogue get-dataset-mlperf-inference-text-to-video
get-dataset-mlperf-inference-yolo-coco2017-filtered-dataset get-dataset-mmlu get-dataset-nuscenes
get-dataset-openimages get-dataset-openorca get-dataset-whisper get-ml-model-abtf-ssd-pytorch
get-ml-model-bevformer get-ml-model-deeplabv3_plus get-ml-model-deepseek-r1 get-ml-model-dlrm-v3
get-ml-model-huggingface-zoo get-ml-model-neuralmagic-zoo get-ml-model-pointpainting
get-ml-model-qwen3-vlm get-ml-model-wan2 get-ml-model-yolov11
get-preprocessed-dataset-cognata get-preprocessed-dataset-criteo
get-preprocessed-dataset-kits19 get-preprocessed-dataset-librispeech get-tvm-model
get-preprocessed-dataset-mlperf-deepseek-r1 get-preprocessed-dataset-nuscenes
get-preprocessed-dataset-openimages get-preprocessed-dataset-openorca get-preprocessed-dataset-squad
install-bazel install-github-cli prepare-training-data-bert prepare-training-data-resnet
print-croissant-desc benchmark-program-geekbench
benchmark-program-phoronix

reproduce-ieee-acm-micro2023-paper-22 reproduce-ieee-acm-micro2023-paper-28
reproduce-ieee-acm-micro2023-paper-33 reproduce-ieee-acm-micro2023-paper-38
reproduce-ieee-acm-micro2023-paper-5 reproduce-ieee-acm-micro2023-paper-8
reproduce-ieee-acm-micro2023-paper-85 reproduce-ieee-acm-micro2023-paper-87
reproduce-ieee-acm-micro2023-paper-96 reproduce-ipol-paper-2022-439
""",
    BENCHMARK: """
app-mlperf-automotive app-mlperf-automotive-mlcommons-python
app-mlperf-inference app-mlperf-inference-ctuning-cpp-tflite app-mlperf-inference-dummy
app-mlperf-inference-intel app-mlperf-inference-mlcommons-cpp app-mlperf-inference-mlcommons-python
app-mlperf-inference-redhat app-mlperf-training-reference generate-mlperf-inference-submission
generate-mlperf-tiny-submission import-mlperf-inference-to-experiment
import-mlperf-tiny-to-experiment import-mlperf-training-to-experiment
run-all-mlperf-models run-mlperf-automotive-app run-mlperf-inference-app
run-mlperf-inference-mobilenet-models
run-mlperf-training-submission-checker test-mlperf-inference-retinanet
""",
    HOURS: """
get-lib-aocl get-lib-aocl-compression get-lib-aocl-crypto
get-lib-aocl-data-analytics get-lib-aocl-dlp get-lib-aocl-fftz get-lib-aocl-libflame
get-lib-aocl-scalapack get-lib-aocl-sparse get-lib-tcmalloc get-zephyr
install-gcc-src install-ipex-from-src install-llvm-src install-tensorflow-from-src
install-terraform-from-src install-tflite-from-src
""",
    BRING: "get-aocc get-cl",
    ACCOUNT: """
authenticate-github-cli gemini_call openai-call publish-results-to-dashboard
push-csv-to-spreadsheet
submit-mlperf-results
""",
    SERVICE: "build-apptainer-image run-apptainer-container run-docker-container",
    OPEN: """
benchmark-hnswlib benchmark-program-pyperformance benchmark-program-linpack generate-infragraph
get-wkhtmltopdf isolate-run set-performance-mode get-tool-perf test-tool-perf
get-preprocessed-dataset-imagenet app-image-classification-onnx-py app-loadgen-generic-python
app-hotpotqa app-webarena app-webvoyager install-ansible-via-pip
get-mlperf-single-node-system-info get-single-node-system-info-infragraph process-mlperf-accuracy
run-mlperf-inference-submission-checker get-mlperf-inference-loadgen benchmark-program-stream
benchmark-program-coremark get-huggingface-cli app-image-classification-torch-py
get-lib-aocl-blis get-lib-aocl-libm get-mlperf-training-results-summary send-mail get-sys-utils-mlc
push-mlperf-inference-results-to-github get-compiler-rust run-terraform get-google-saxml
""",
    ENDLESS: "gui runtime-system-infos test-debug",
}


def reason(recipe: str, only_processor: bool) -> str:
    """Why no run covers `recipe`; empty when nobody has said.

    Args:
        only_processor: the recipe depends on nothing but the processor, as those of closed
            simulation codes do.
    """
    for why, names in NAMES.items():
        if recipe in names.split():
            return why
    if recipe.startswith("app-"):
        return BRING if only_processor else HPC
    return ""
