#!/bin/bash
exec "${CM_TMP_MLPERF_PYTHON}" -m cm_mlperf.workflow.measuring "${CM_MLPERF_POINT_CONFIG}"
