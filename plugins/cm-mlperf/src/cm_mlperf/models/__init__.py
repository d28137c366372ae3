"""Models and data sets that are made on the spot, without a download."""
