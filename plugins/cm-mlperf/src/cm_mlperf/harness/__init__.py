"""One LoadGen run per process: `python -m cm_mlperf.harness CONFIG.json`."""
