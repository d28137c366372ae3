"""A cache of what recipes built or found, for cmcore: the plugin `cm-plugin-cache`.

The files of an entry are the truth; the index beside them only makes look-ups fast.
"""

__version__ = "0.1.0"
