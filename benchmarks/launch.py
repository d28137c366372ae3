"""Starts one command and says what it took: `launch.py REPORT CWD OUTPUT PROGRAM [WORD ...]`.

A process of its own because of how Linux counts memory: a child starts with the peak of the
process that started it, so whoever measures must be small. Run with `python -I -S`, this one is
as large as a bare interpreter; nothing smaller can be told apart.
"""

import os
import sys
import time

report, cwd, output, *argv = sys.argv[1:]
os.chdir(cwd)
actions = [
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
    (os.POSIX_SPAWN_DUP2, 1, 2),
]
start = time.perf_counter()
pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - start
code = os.waitstatus_to_exitcode(status)
with open(report, "w") as file:
    file.write(f"{code} {usage.ru_utime + usage.ru_stime} {wall} {usage.ru_maxrss}")
