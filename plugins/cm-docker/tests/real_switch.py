"""How much of the container suite runs."""

import os

#: `CMCORE_TEST_CONTAINERS=all` runs every recipe, and MLPerf; else a few of each dialect do.
EVERYTHING = os.environ.get("CMCORE_TEST_CONTAINERS") == "all"
#: `CMCORE_TEST_CONTAINERS_AS=ordinary` compares recipes as an ordinary user instead of the caller.
AS_ORDINARY = os.environ.get("CMCORE_TEST_CONTAINERS_AS") == "ordinary"
