"""Hook implementations of the MLPerf plugin; each one only leads to the module that does it."""

from __future__ import annotations
