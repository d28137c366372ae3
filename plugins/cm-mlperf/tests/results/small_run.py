"""A real LoadGen run of a fraction of a second: `python small_run.py SCENARIO MODE FOLDER SPEED`.

The system under test waits a moment and answers; the times of all samples are kept as the harness
keeps them. A program of its own, because LoadGen allows one test in a process.
"""

import sys
import time

import mlperf_loadgen as lg
import numpy as np

SAMPLES = 64
CONF = """*.*.min_duration = 0
*.Offline.target_qps = 100
*.Offline.min_query_count = 2000
*.SingleStream.min_query_count = 100
*.MultiStream.min_query_count = 662
*.Server.min_query_count = 700
*.Server.target_qps = 2000
*.Server.target_latency = 200
"""


def main(scenario, mode, folder, speed):
    issued, done = {}, {}

    def issue(queries):
        now = time.perf_counter_ns()
        for query in queries:
            issued[query.id] = now
        for at in range(0, len(queries), 8):
            part = queries[at : at + 8]
            end = time.perf_counter_ns() + int(20_000 * speed)
            while time.perf_counter_ns() < end:
                pass
            # The address of a buffer that outlives the call.
            answers = [lg.QuerySampleResponse(q.id, BUFFER.ctypes.data, 4) for q in part]
            finished = time.perf_counter_ns()
            for query in part:
                done[query.id] = finished
            lg.QuerySamplesComplete(answers)

    settings = lg.TestSettings()
    with open(f"{folder}/user.conf", "w") as file:
        file.write(CONF)
    assert settings.FromConfig(f"{folder}/user.conf", "small", scenario, 1) == 0
    settings.scenario = getattr(lg.TestScenario, scenario)
    settings.mode = getattr(lg.TestMode, mode)
    out = lg.LogOutputSettings()
    out.outdir, out.copy_summary_to_stdout = folder, False
    log = lg.LogSettings()
    log.log_output, log.enable_trace = out, False
    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(SAMPLES, SAMPLES, lambda _: None, lambda _: None)
    lg.StartTestWithLogSettings(sut, qsl, settings, log)
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    order = sorted(done, key=done.get)
    zero = min(issued.values())
    np.savez_compressed(
        f"{folder}/samples.npz",
        issue_ns=np.array([issued[i] - zero for i in order], dtype=np.int64),
        complete_ns=np.array([done[i] - zero for i in order], dtype=np.int64),
        stride=np.int64(1),
    )


BUFFER = np.zeros(4, dtype=np.uint8)

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
