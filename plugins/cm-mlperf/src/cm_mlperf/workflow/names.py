"""The words of MLPerf inference that requests may use: models, scenarios, implementations.

Names are those of the MLCommons rules and of the published workflows; other spellings that people
use lead to them.
"""

from __future__ import annotations

from cmcore.hints import NamedTuple

#: Scenario -> the name of its folder in a result tree.
SCENARIOS = {
    "Offline": "offline",
    "SingleStream": "singlestream",
    "MultiStream": "multistream",
    "Server": "server",
}

#: Category -> the scenarios that the rules know for it.
CATEGORIES = {
    "edge": ("SingleStream", "MultiStream", "Offline"),
    "datacenter": ("Offline", "Server"),
}

MODES = ("performance", "accuracy", "find_performance")
EXECUTION_MODES = ("test", "fast", "valid")
DIVISIONS = ("open", "closed")
DEVICES = ("cpu", "cuda")
BACKENDS = ("onnxruntime", "pytorch")
PRECISIONS = ("fp32", "fp16", "bf16", "int8", "uint8")

#: Rounds that requests name, oldest first; the last one is the default.
ROUNDS = ("r4.0", "r4.1", "r5.0", "r5.1", "r6.0", "r6.1")

#: What this plugin measures with is called cm; the others live elsewhere.
OWN_IMPLEMENTATION = "cm"
IMPLEMENTATIONS = {
    "cm": "",
    "reference": "MLCommons' reference implementation",
    "mlcommons-cpp": "MLCommons' C++ implementation",
    "nvidia": "NVIDIA's implementation",
    "intel": "Intel's implementation",
    "qualcomm": "Qualcomm's implementation",
    "ctuning-cpp-tflite": "the C++ TFLite implementation of cTuning",
    "redhat": "Red Hat's implementation",
    "amd": "AMD's implementation",
}

#: Published recipes that cover what this plugin does not, and how to have them.
PUBLISHED = "the recipes of mlcommons/mlperf-automations"
PUBLISHED_COMMAND = (
    "git clone https://github.com/mlcommons/mlperf-automations, "
    "cm add collection mlperf-automations, and the same options with "
    "cm run script run-mlperf,inference"
)


class Model(NamedTuple):
    """A model that this plugin can measure.

    Attributes:
        name: as in requests and result trees.
        loadgen: the key that LoadGen's own mlperf.conf has for it; "" when it has none.
        dataset: the data set that goes with it.
        metric: of its accuracy.
        batch: samples that go through the model at once when nobody says otherwise.
        sample_count: samples that the rules want in memory (performance_sample_count); 0: all.
    """

    name: str
    loadgen: str
    dataset: str
    metric: str
    batch: int
    sample_count: int


MODELS = {
    model.name: model
    for model in (
        Model("digits", "", "digits", "top1", 32, 0),
        Model("resnet50", "resnet50", "imagenet", "top1", 1, 1024),
        Model("retinanet", "retinanet", "openimages", "mAP", 1, 64),
        Model("bert-99", "bert", "squad", "F1", 1, 10833),
        Model("bert-99.9", "bert", "squad", "F1", 1, 10833),
        Model("custom", "", "own", "top1", 1, 0),
    )
}

#: Other spellings -> our name.
MODEL_ALIASES = {
    "resnet": "resnet50",
    "resnet50-v1.5": "resnet50",
    "bert": "bert-99",
    "bert-large": "bert-99",
    "stable-diffusion-xl": "sdxl",
    "gptj": "gptj-99",
    "llama2-70b": "llama2-70b-99",
    "dlrm-v2": "dlrm-v2-99",
    "3d-unet": "3d-unet-99",
}

#: Models of the rules that published recipes measure and this plugin does not.
ELSEWHERE = (
    "sdxl",
    "gptj-99",
    "gptj-99.9",
    "llama2-70b-99",
    "llama2-70b-99.9",
    "llama3.1-8b",
    "llama3.1-8b-edge",
    "llama3.1-405b",
    "dlrm-v2-99",
    "dlrm-v2-99.9",
    "dlrm-v3",
    "3d-unet-99",
    "3d-unet-99.9",
    "mixtral-8x7b",
    "rgat",
    "pointpainting",
    "deepseek-r1",
    "whisper",
    "gpt-oss-120b",
    "rnnt",
    "mobilenet",
    "efficientnet",
)


def model_name(word: str) -> str:
    """Our name for a model, or "" when nobody knows the word."""
    low = word.strip().lower()
    low = MODEL_ALIASES.get(low, low)
    return low if low in MODELS or low in ELSEWHERE else ""


def all_models() -> list[str]:
    """Every name that a request may use."""
    return sorted({*MODELS, *ELSEWHERE, *MODEL_ALIASES})
