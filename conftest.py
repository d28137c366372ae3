"""Makes `import cmcore` mean the package in every suite.

With `--import-mode=importlib` pytest names test modules after their folders (`cmcore.tests.x`) and
would otherwise invent an empty package `cmcore` for the folder of that name.
"""

import cmcore

__all__ = ["cmcore"]
