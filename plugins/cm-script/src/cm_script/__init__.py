"""Collective Mind recipes for cmcore: the noun `script`."""
