"""LoadGen and ONNX Runtime with nothing around them: what the harness is measured against.

python mlperf_bare.py MODEL IMAGES.npy SCENARIO USER_CONF BATCH OUTPUT
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import mlperf_loadgen as loadgen
import numpy as np
import onnxruntime


def main(model: str, images: str, scenario: str, conf: str, batch: str, output: str) -> None:
    """One performance run; logs into `output`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    samples = np.load(images)
    name = session.get_inputs()[0].name
    settings = loadgen.TestSettings()
    settings.FromConfig(conf, "digits", scenario, 1)
    settings.scenario = getattr(loadgen.TestScenario, scenario)
    settings.mode = loadgen.TestMode.PerformanceOnly
    logs = loadgen.LogSettings()
    logs.log_output.outdir = output
    count = len(samples)
    # The same three runs that warm the harness up.
    for _ in range(3):
        session.run(["label"], {name: samples[: int(batch)]})
    sut = loadgen.ConstructSUT(issuer(session, samples, name, int(batch)), lambda: None)
    qsl = loadgen.ConstructQSL(count, min(1024, count), lambda _: None, lambda _: None)
    loadgen.StartTestWithLogSettings(sut, qsl, settings, logs, "")


def issuer(session: Any, samples: Any, name: str, batch: int) -> Callable[[Any], None]:
    """Answers queries as a plain program does: batch after batch, one response for each sample."""

    def issue(queries: Any) -> None:
        for start in range(0, len(queries), batch):
            part = queries[start : start + batch]
            feed = samples[[query.index for query in part]]
            labels = session.run(["label"], {name: feed})[0]
            place = labels.ctypes.data
            loadgen.QuerySamplesComplete(
                [
                    loadgen.QuerySampleResponse(query.id, place + 8 * at, 8)
                    for at, query in enumerate(part)
                ]
            )

    return issue


if __name__ == "__main__":
    main(*sys.argv[1:])
