"""What one request measures: the parts that its recipes have found, put together once."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cm_mlperf.workflow import names
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cm_mlperf.workflow.options import Wishes

#: Samples of random numbers, for a model without a data set.
RANDOM_COUNT = 1024

#: What the harness is told about models whose answers need it. Names are those of the published
#: files; ResNet50's class 0 is the background, which ImageNet's labels do not count.
_HARNESS: dict[str, dict[str, Any]] = {
    "resnet50": {"outputs": ["ArgMax:0"], "label_offset": -1},
    "retinanet": {"outputs": ["boxes", "labels", "scores"]},
    "bert-99": {"outputs": ["output_start_logits", "output_end_logits"]},
}
_HARNESS["bert-99.9"] = _HARNESS["bert-99"]


class Job(NamedTuple):
    """The parts of a measurement.

    Attributes:
        wishes: the request.
        model: path, sha256, format, source, score (per cent, or None) and loadgen (the key).
        samples: a data set folder, or the description of random numbers.
        sample_count: how many there are.
        dataset: name, digest and task of the data set.
        backend: name and version.
        loadgen: its version.
        system: name of the system under test.
        root: output folder.
        description: the 35 fields.
        command: the command line that repeats it, without the scenario.
    """

    wishes: Wishes
    model: Mapping[str, Any]
    samples: str | dict[str, Any]
    sample_count: int
    dataset: Mapping[str, str]
    backend: Mapping[str, str]
    loadgen: str
    system: str
    root: str
    description: Mapping[str, Any]
    command: tuple[str, ...]

    @property
    def batch_size(self) -> int:
        """Samples that go through the model at once."""
        known = names.MODELS.get(self.wishes.model)
        return self.wishes.batch_size or (known.batch if known else 1)

    @property
    def target(self) -> float | None:
        """Accuracy that the model itself sets: 99 per cent of its own score."""
        score = self.model.get("score")
        return round(0.99 * float(score), 3) if score else None


def gather(wishes: Wishes, env: Mapping[str, Any], state: Mapping[str, Any]) -> Job:
    """Put together what the recipes below have left in the environment.

    Raises:
        CmError: a recipe that replaced one of ours did not say what was needed.
    """
    from cm_mlperf.workflow import tree

    samples, count, dataset = _samples(wishes, env)
    path = _need(env, "CM_MLPERF_MODEL_FILE", "mlperf-model")
    if not os.path.isfile(path):
        raise CmError(f"the model file {path} is gone", hint="--renew fetches it again")
    known = names.MODELS[wishes.model]
    score = env.get("CM_MLPERF_MODEL_SCORE")
    return Job(
        wishes=wishes,
        model={
            "path": path,
            "sha256": str(env.get("CM_MLPERF_MODEL_SHA256") or _sha256(path)),
            "format": str(env.get("CM_MLPERF_MODEL_FORMAT") or "onnx"),
            "source": str(env.get("CM_MLPERF_MODEL_SOURCE") or path),
            "score": float(score) if score else None,
            "loadgen": known.loadgen or wishes.model,
            **_HARNESS.get(wishes.model, {}),
        },
        samples=samples,
        sample_count=count,
        dataset=dataset,
        backend={
            "name": wishes.backend,
            "version": _need(env, "CM_MLPERF_BACKEND_VERSION", "mlperf-backend"),
        },
        loadgen=_need(env, "CM_MLPERF_LOADGEN_PYTHON_VERSION", "mlperf-loadgen"),
        system=tree.system_name(
            wishes.hw_name, wishes.implementation, wishes.device, wishes.backend
        ),
        root=tree.output_folder(wishes.output_dir),
        description=dict(state.get("mlperf_system") or {}),
        command=_command(wishes),
    )


def made_from(job: Job) -> dict[str, Any]:
    """What a kept result must have been made from to answer for this request, but for its mode."""
    wishes = job.wishes
    return {
        "model": job.model["sha256"],
        "dataset": job.dataset["digest"],
        "backend": dict(job.backend),
        "loadgen": job.loadgen,
        "device": wishes.device,
        "precision": wishes.precision,
        "batch_size": job.batch_size,
        "threads": wishes.threads or 0,
        "workers": wishes.workers or 1,
        "round": wishes.round,
    }


def asked_of_performance(wishes: Wishes, scenario: str) -> dict[str, Any]:
    """What the request says about the length and load of a performance run."""
    return {
        "targets": dict(wishes.targets.get(scenario, {})),
        "test_query_count": wishes.test_query_count,
        "min_query_count": wishes.min_query_count,
        "max_query_count": wishes.max_query_count,
        "min_duration": wishes.min_duration,
        "max_duration": wishes.max_duration,
        "performance_sample_count": wishes.performance_sample_count,
    }


def _samples(
    wishes: Wishes, env: Mapping[str, Any]
) -> tuple[str | dict[str, Any], int, dict[str, str]]:
    if env.get("CM_MLPERF_SAMPLES_KIND") == "random":
        from cm_mlperf.workflow.option_values import shapes

        given = {name: list(axes) for name, axes in shapes(wishes.input_shapes).items()}
        described = {"kind": "random", "count": RANDOM_COUNT, "shapes": given}
        digest = f"random {wishes.input_shapes}".rstrip()
        return described, RANDOM_COUNT, {"name": "random", "digest": digest, "task": ""}
    from cm_mlperf.harness import data

    read = data.read(_need(env, "CM_MLPERF_SAMPLES_PATH", "mlperf-samples"))
    return read.path, read.size, {"name": read.name, "digest": read.digest, "task": read.task}


def _need(env: Mapping[str, Any], name: str, part: str) -> str:
    value = str(env.get(name) or "")
    if not value:
        raise CmError(
            f"recipe '{part}' has not set {name}",
            hint=f"a recipe that takes its place with --adr.{part}.tags must do that",
        )
    return value


def _sha256(path: str) -> str:
    from cm_mlperf.workflow.fetch import sha256

    return sha256(path)


def _command(wishes: Wishes) -> tuple[str, ...]:
    from cm_mlperf.workflow.command_line import words

    return tuple(words(wishes))
