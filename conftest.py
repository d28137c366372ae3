"""What holds for every suite.

`import cmcore` means the package, and Ctrl-C works in the processes that tests start.

With `--import-mode=importlib` pytest names test modules after their folders (`cmcore.tests.x`) and
would otherwise invent an empty package `cmcore` for the folder of that name.
"""

import signal

import cmcore

__all__ = ["cmcore"]

# A shell without job control starts `command &` with SIGINT ignored, and so would be every process
# that a test starts to interrupt it.
signal.signal(signal.SIGINT, signal.default_int_handler)
