"""Submissions: the tree of a round, our own strict checker, and the official one when given."""
