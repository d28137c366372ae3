#!/bin/bash
exec "${CM_TMP_MLPERF_PYTHON}" -m cm_mlperf.workflow.preparing "${CM_MLPERF_SAMPLES_KIND}" \
  "${CM_MLPERF_DATASET_FOLDER}" samples "${CM_MLPERF_SAMPLES_COUNT:-0}"
