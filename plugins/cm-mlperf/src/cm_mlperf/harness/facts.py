"""What is remembered of a run beside LoadGen's logs: `harness.json`."""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.harness.config import Config
    from cm_mlperf.harness.data import Dataset

SCHEMA = "cm-mlperf-harness/1"
#: Bytes read at once for a digest.
BLOCK = 1 << 20


def collect(
    config: Config,
    dataset: Dataset | None,
    backend: dict[str, Any],
    *,
    started: float,
    test_s: float,
    points: dict[str, int],
) -> dict[str, Any]:
    """Everything that says what was run: digests, versions, settings, times (seconds).

    Raises:
        OSError: the model or a configuration file cannot be read any more.
    """
    import platform
    import time

    from cm_mlperf.libraries import version

    versions = {
        "python": platform.python_version(),
        "loadgen": version("mlcommons-loadgen"),
        "cm-plugin-mlperf": version("cm-plugin-mlperf"),
        "numpy": version("numpy"),
        **backend.get("versions", {}),
    }
    return {
        "schema": SCHEMA,
        "finished": True,
        "scenario": config.scenario,
        "mode": config.mode,
        "model": {
            "name": config.model.name,
            "format": config.model.format,
            "precision": config.model.precision,
            "sha256": sha256(config.model.path),
        },
        "dataset": dataset
        and {
            "name": dataset.name,
            "count": dataset.size,
            "stored": dataset.stored,
            "task": dataset.task,
            "digest": dataset.digest,
        },
        "backend": {
            "name": config.backend.name,
            "device": config.backend.device,
            "threads": config.backend.threads,
            "options": config.backend.options,
            "provider": backend.get("provider", ""),
        },
        "settings": {
            "batch_size": backend.get("batch_size", config.batch_size),
            "workers": config.workers,
            "performance_sample_count": config.performance_sample_count,
            "user_conf_sha256": sha256(config.user_conf) if config.user_conf else "",
            "audit_conf_sha256": sha256(config.audit_conf) if config.audit_conf else "",
        },
        "network": config.network and {"role": config.network.role, **backend.get("network", {})},
        "versions": versions,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "wall_s": round(time.time() - started, 3),
        "test_s": round(test_s, 6),
        **points,
    }


def sha256(path: str) -> str:
    """Digest of a file, read in blocks."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
