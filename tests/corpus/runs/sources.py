"""Sources that recipes clone and build; the repositories on the stage are miniatures."""

from __future__ import annotations

from runs import Run

MINI = "a miniature of the repository"


def _clone(recipe: str, tags: str, *flags: str, **more: object) -> Run:
    return Run(recipe, tags, flags, cached=True, needs=("git",), standin=MINI, **more)  # type: ignore[arg-type]


def _build(recipe: str, tags: str, *flags: str, **more: object) -> Run:
    needs = ("git", "gcc", "cmake", "make")
    return Run(recipe, tags, flags, cached=True, needs=needs, standin=MINI, **more)  # type: ignore[arg-type]


#: Building a wheel takes a newer setuptools than a new environment has.
WHEEL = ("get-generic-python-lib+setuptools", "get-generic-python-lib+wheel")

RUNS = (
    _clone("get-mlperf-inference-src", "get,mlperf,inference,src"),
    _clone("get-mlperf-inference-src+version", "get,mlperf,inference,src,_branch.dev"),
    _clone("get-mlperf-training-src", "get,mlperf,training,src"),
    _clone("get-mlperf-tiny-src", "get,tiny,src,mlperf"),
    _clone("get-mlperf-logging", "get,mlperf,logging"),
    _clone("get-mlperf-power-dev", "get,mlperf,power,src"),
    _clone("get-mlperf-inference-results", "get,inference,results,official"),
    _clone("get-mlperf-inference-nvidia-common-code", "get,nvidia,mlperf,inference,common-code"),
    _clone("get-mlperf-training-nvidia-code", "get,nvidia,mlperf,training,code"),
    _clone("get-mlperf-tiny-eembc-energy-runner-src", "get,eembc,energyrunner,src"),
    _clone("get-mlperf-automotive-src", "get,mlperf,automotive,src", only="mlc"),
    _clone("get-mlperf-endpoints-src", "get-mlperf-endpoints-src", only="mlc"),
    _clone("get-cmsis_5", "get,cmsis,cmsis_5", "--version=main"),
    _clone("get-dlrm", "get,src,dlrm"),
    _clone("get-dataset-kits19", "get,dataset,kits19,original"),
    _clone("get-microtvm", "get,src,microtvm"),
    _clone("get-spec-ptd", "get,spec,ptd"),
    _clone("get-croissant", "get,mlcommons,croissant", after=WHEEL),
    _clone("install-mlperf-logging-from-src", "install,mlperf,logging,from.src", after=WHEEL),
    _build("get-blis", "get,lib,blis"),
    _build("get-blas", "get,lib,blas", only="mlc"),
    _build("get-google-test", "get,google-test"),
    _build("get-lib-protobuf", "get,google-protobuf"),
    _build("get-lib-armnn", "get,lib-armnn"),
    _build("get-lib-jemalloc", "get,lib,jemalloc", only="mlc"),
    _build("get-lib-mimalloc", "get,lib,mimalloc", only="mlc"),
    _build("get-gperftools", "get,gperftools", only="mlc"),
    _build("get-lib-dnnl", "get,lib-dnnl"),
    _build("install-gflags-from-src", "install,gflags,from.src"),
    _build("install-rapidjson-from-src", "install,rapidjson,from.src"),
    _build("install-numactl-from-src", "install,numactl,from.src"),
    _build("install-opencv-from-src", "install,opencv,from.src"),
    _build("install-onednn-from-src", "install,onednn,from.src"),
    _build("install-pytorch-kineto-from-src", "install,pytorch-kineto,from.src"),
    _build("install-diffusers-from-src", "install,diffusers,from.src", after=WHEEL),
    _build("install-transformers-from-src", "install,transformers,from.src", after=WHEEL),
    _build("install-intel-neural-speed-from-src", "install,neural-speed,from.src"),
    _build("install-torchvision-from-src", "install,torchvision,from.src", after=WHEEL),
    _build("install-tpp-pytorch-extension", "install,tpp-pex,from.src", after=WHEEL),
    _build("install-pytorch-from-src", "install,pytorch,from.src", after=WHEEL),
    _build("install-onnxruntime-from-src", "install,onnxruntime,from.src", after=WHEEL),
    _build("get-qaic-software-kit", "get,qaic,software,kit"),
    _build("get-google-saxml", "get,google,saxml"),
    _build("get-tvm", "get,tvm"),
    _build("get-aocl", "get,lib,aocl", only="cm"),
    _build("get-zendnn", "get,zendnn"),
    _build("get-utils-aocl", "get,utils,aocl-utils", "--accept_eula=yes", only="mlc"),
)
