#!/bin/bash
echo "CM_GREETED=${CM_GREETING} from $(basename "$CM_TMP_CURRENT_SCRIPT_PATH")" > tmp-run-env.out
