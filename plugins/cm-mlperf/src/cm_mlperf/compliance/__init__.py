"""Compliance tests TEST01 and TEST04: their runs, our own verification, the official one."""
