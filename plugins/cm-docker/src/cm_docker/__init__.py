"""Recipes in containers: the plugin behind `cm docker script`."""
