"""What recipes are, for people: on a terminal, as JSON, and as pages of documentation."""
