"""One real LoadGen run of a program that only sleeps and knows the answers; own process each.

python loadgen_run.py '{"output": DIR, "scenario": "Offline", "mode": "PerformanceOnly",
                        "samples": 50000, "loaded": 1024, "sleep": 0.01, "conf": FILE,
                        "audit": FILE or "", "model": "digits", "wrong": 5}'
"""

import array
import json
import os
import sys
import time

import mlperf_loadgen as lg


def main(told):
    os.makedirs(told["output"], exist_ok=True)
    settings = lg.TestSettings()
    if settings.FromConfig(told["conf"], told.get("model", "digits"), told["scenario"], 1):
        sys.exit("user.conf was refused")
    settings.scenario = getattr(lg.TestScenario, told["scenario"])
    settings.mode = getattr(lg.TestMode, told["mode"])
    accuracy = told["mode"] == "AccuracyOnly"
    kept = []

    def issue(queries):
        if not accuracy:
            time.sleep(told["sleep"])
        answers = []
        for query in queries:
            right = query.index % 1000
            answer = array.array("q", [right if query.index % 100 >= told["wrong"] else 1])
            kept.append(answer)
            address, length = answer.buffer_info()
            answers.append(lg.QuerySampleResponse(query.id, address, length * 8))
        lg.QuerySamplesComplete(answers)
        kept.clear()

    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(told["samples"], told["loaded"], lambda _: None, lambda _: None)
    output = lg.LogOutputSettings()
    output.outdir = told["output"]
    logging = lg.LogSettings()
    logging.log_output = output
    lg.StartTestWithLogSettings(sut, qsl, settings, logging, told.get("audit") or "no-audit.config")
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)


main(json.loads(sys.argv[1]))
