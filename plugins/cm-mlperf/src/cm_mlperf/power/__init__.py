"""Power measurements: logs of a power session, and a client of the analyzer's daemon."""
