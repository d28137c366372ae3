"""From a data set as its makers give it to the numpy files that the harness reads."""
