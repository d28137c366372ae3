#!/bin/bash
# scikit-learn trains, skl2onnx exports: a matter of seconds.
exec "${CM_TMP_MLPERF_PYTHON}" -c 'from cm_mlperf.models import digits; digits.make(".")'
