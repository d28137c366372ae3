"""`cm plan script`: the walk of a run with an executor that only notes what would happen."""
