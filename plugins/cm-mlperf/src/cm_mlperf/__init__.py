"""MLPerf inference as a plugin of Collective Mind: measure, judge, submit and compare."""
