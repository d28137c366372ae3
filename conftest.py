"""What holds for every suite.

`import cmcore` means the package, properties are tested without a clock, and Ctrl-C works in the
processes that tests start.

With `--import-mode=importlib` pytest names test modules after their folders (`cmcore.tests.x`) and
would otherwise invent an empty package `cmcore` for the folder of that name.
"""

import signal

import hypothesis

import cmcore

__all__ = ["cmcore"]

# Properties hold on slow machines, too: nothing is judged by the clock.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

# A shell without job control starts `command &` with SIGINT ignored, and so would be every process
# that a test starts to interrupt it.
signal.signal(signal.SIGINT, signal.default_int_handler)
