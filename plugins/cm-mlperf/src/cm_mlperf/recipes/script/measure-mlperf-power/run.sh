#!/bin/bash
exec "${CM_TMP_MLPERF_PYTHON}" -m cm_mlperf.power --ptd="${CM_MLPERF_POWER_PTD}" \
  --mark="${CM_MLPERF_POWER_MARK}" --amps="${CM_MLPERF_POWER_AMPS}" \
  --volts="${CM_MLPERF_POWER_VOLTS}" --log="${CM_MLPERF_POWER_LOG}" \
  -- bash -c "${CM_MLPERF_POWER_COMMAND}"
