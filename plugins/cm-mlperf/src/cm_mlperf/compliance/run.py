"""Making the run of a compliance test: the result's own configuration with an audit.config."""

from __future__ import annotations

import os
import sys

from cm_mlperf.compliance import audit, verify
from cmcore.errors import CmError, NotFoundError
from cmcore.hints import Any, Mapping

#: Where the workflow keeps the harness's configuration of a result's performance run.
CONFIG = os.path.join("cm", "run_1.json")


def config_of(result: str) -> dict[str, Any]:
    """The harness's configuration of a result folder.

    Raises:
        NotFoundError: the folder has none.
    """
    from cmcore import storage

    path = os.path.join(result, CONFIG)
    if not os.path.isfile(path):
        raise NotFoundError(
            "this is no result folder of 'cm run mlperf'", where=result, hint=f"it needs {CONFIG}"
        )
    content: Any = storage.read_json(path)
    if not isinstance(content, dict):
        raise CmError("this is no configuration of a run", where=path)
    return content


def raw_of(result: str, test: str) -> str:
    """The folder of a test's own run, with all that LoadGen wrote."""
    return os.path.join(os.path.abspath(result), "cm", f"{test}-run")


def run(
    result: str, test: str, *, model: str = "", config: Mapping[str, Any] | None = None
) -> verify.Verdict:
    """Run one test for a result, judge it and file it as `<result>/<test>`.

    Args:
        result: folder with performance/run_1 and accuracy.
        test: `TEST01` or `TEST04`.
        model: official name of the benchmark; sets how many answers are logged.
        config: the harness's configuration; by default the one kept in the folder.

    Raises:
        CmError: the run did not come to its end, or a log of the result is missing.
    """
    import json
    import subprocess

    from cmcore import storage

    name = audit.known(test)
    told = dict(config_of(result) if config is None else config)
    side = os.path.join(os.path.abspath(result), "cm")
    raw = raw_of(result, name)
    storage.make_dir(side)
    conf = os.path.join(side, f"{name}.audit.config")
    storage.write_atomic(conf, audit.config_text(name, model))
    told.update({"mode": "PerformanceOnly", "audit_conf": conf, "output": raw})
    if os.path.isdir(raw):
        storage.remove_tree(raw)
    path = os.path.join(side, f"{name}.json")
    storage.write_atomic(path, json.dumps(told, indent=2) + "\n")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cm_mlperf.harness", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise CmError(f"cannot start {sys.executable}: {error.strerror}") from error
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CmError(
            f"the run of {name} ended with exit code {done.returncode}"
            + (f": {last[-1]}" if last else ""),
            where=path,
        )
    verdict = verify.verify(name, result, raw)
    verify.file(verdict, result, raw)
    return verdict


def tests_of(round_name: str, model: str) -> tuple[str, ...]:
    """Tests that a model needs in a round and that can be run here; all for unknown models."""
    from cm_mlperf import rounds

    of_round = rounds.get(round_name)
    official = of_round.official(model)
    if not official:
        return audit.TESTS
    return tuple(test for test in of_round.models[official].compliance if test in audit.TESTS)
