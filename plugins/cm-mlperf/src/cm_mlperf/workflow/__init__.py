"""From a request to measured, judged and filed results."""
