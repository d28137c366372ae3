"""One HTML page of results: self-contained, readable without scripts, in light and dark."""
