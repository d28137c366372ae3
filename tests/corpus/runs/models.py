"""Models and data sets: from local folders, and from the mirror of the sites that publish them."""

from __future__ import annotations

from runs import Run

SITE = "a mirror of the site"
NO_DOWNLOAD = "the recipe calls `download_file` of `utils`, which MLCFlow has not"


def _site(recipe: str, tags: str, *flags: str, **more: object) -> Run:
    return Run(recipe, tags, flags, cached=True, mirror=True, standin=SITE, **more)  # type: ignore[arg-type]


RUNS = (
    Run(
        "get-dataset-imagenet-val",
        "get,dataset,imagenet,val,original",
        ("--imagenet_path={files}/imagenet",),
        cached=True,
    ),
    Run(
        "get-dataset-imagenet-train",
        "get,imagenet,train,original",
        ("--input={files}/imagenet",),
        cached=True,
    ),
    _site("get-dataset-imagenet-val+500", "get,dataset,imagenet,val,original,_2012-500"),
    _site("get-dataset-imagenet-aux", "get,aux,imagenet-aux"),
    _site("get-dataset-imagenet-calibration", "get,dataset,imagenet,calibration"),
    _site("get-dataset-coco", "get,dataset,object-detection,coco,_small"),
    _site("get-dataset-squad", "get,dataset,squad,original"),
    _site("get-dataset-squad-vocab", "get,aux,squad-vocab"),
    _site("get-dataset-openimages-annotations", "get,aux,openimages,annotations"),
    _site("get-dataset-openimages-calibration", "get,dataset,openimages,calibration"),
    _site("get-dataset-librispeech", "get,dataset,librispeech,original"),
    _site("get-dataset-cifar10", "get,dataset,cifar10"),
    _site("get-dataset-criteo", "get,dataset,criteo,original"),
    _site("get-dataset-mlperf-inference-mixtral", "get,dataset-mixtral"),
    _site("get-ml-model-resnet50", "get,ml-model,resnet50,raw,_onnx"),
    _site("get-ml-model-resnet50+pytorch", "get,ml-model,resnet50,raw,_pytorch"),
    _site("get-ml-model-resnet50+tflite", "get,ml-model,resnet50,raw,_tflite"),
    _site("get-ml-model-mobilenet", "get,ml-model,mobilenet,raw,_tf,_v1,_fp32"),
    _site("get-ml-model-mobilenet+onnx", "get,ml-model,mobilenet,raw,_onnx,_fp32,_v1"),
    _site("get-ml-model-efficientnet-lite", "get,ml-model,efficientnet,raw"),
    _site("get-ml-model-bert-large-squad", "get,ml-model,bert-large,raw,_onnx"),
    _site("get-ml-model-bert-base-squad", "get,ml-model,bert-base,raw,_fp32"),
    _site("get-ml-model-retinanet", "get,ml-model,retinanet,raw,_onnx"),
    _site("get-ml-model-retinanet+pytorch", "get,ml-model,retinanet,raw,_pytorch,_weights"),
    _site("get-ml-model-rnnt", "get,ml-model,rnnt,raw", beyond=NO_DOWNLOAD),
    _site("get-ml-model-3d-unet-kits19", "get,ml-model,3d-unet,raw,_onnx"),
    _site("get-ml-model-dlrm-terabyte", "get,ml-model,dlrm,raw"),
    _site("get-ml-model-gptj", "get,ml-model,gptj,raw"),
    _site("get-ml-model-tiny-resnet", "get,ml-model-tiny-resnet"),
    _site("get-ml-model-rgat", "get,ml-model,rgat,raw"),
    _site("get-ml-model-stable-diffusion", "get,ml-model,sdxl,raw"),
    _site("get-ml-model-using-imagenet-from-model-zoo", "get,ml-model,model-zoo,imagenet"),
    Run(
        "get-ml-model-llama2",
        "get,ml-model,llama2,raw",
        ("--checkpoint={files}/model",),
        cached=True,
    ),
    Run(
        "get-ml-model-llama3",
        "get,ml-model,llama3,raw",
        (
            "--env.{p}_ML_MODEL_LLAMA3_CHECKPOINT_PATH={files}/model",
            "--env.LLAMA3_CHECKPOINT_PATH={files}/model",
        ),
        cached=True,
    ),
    Run(
        "get-ml-model-mixtral",
        "get,ml-model,mixtral,raw",
        ("--checkpoint={files}/model",),
        cached=True,
    ),
    Run(
        "get-dlrm-data-mlperf-inference",
        "get,dlrm,data,mlperf,inference",
        ("--dlrm_data_path={files}/model",),
        cached=True,
    ),
    _site("get-ipol-src", "get,ipol,src", "--year=2022", "--number=439", beyond=NO_DOWNLOAD),
    _site("install-cmake-prebuilt", "install,prebuilt,cmake"),
    _site("install-llvm-prebuilt", "install,prebuilt,llvm"),
    _site("install-tensorflow-for-c", "install,tensorflow,lang-c"),
    _site("get-onnxruntime-prebuilt", "get,onnxruntime,prebuilt,lib"),
    _site("get-zephyr-sdk", "get,zephyr-sdk"),
    _site("get-android-sdk", "get,android,sdk", needs=("java",)),
    _site("install-openssl", "install,openssl"),
    _site("install-python-src", "install,python,src-python3"),
    _site("install-gflags", "install,gflags,src"),
    _site("install-aws-cli", "install,aws-cli"),
    Run("get-gh-actions-runner", "get,gh,actions-runner", mirror=True, standin=SITE),
    Run(
        "app-image-corner-detection",
        "app,image,corner-detection",
        ("--adr.compiler.tags=gcc",),
        mirror=True,
        standin=SITE,
    ),
    Run(
        "test-download-and-extract-artifacts",
        "test,download-and-extract-artifacts",
        mirror=True,
        standin=SITE,
        only="cm",
    ),
)
