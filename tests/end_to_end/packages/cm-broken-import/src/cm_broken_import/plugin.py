"""An entry module that needs what nobody has."""

import module_that_is_nowhere

__all__ = ["module_that_is_nowhere"]
