"""The index: every artifact of every collection, always as the files are now.

`catalog` answers searches, `freshness` notices changed files, `reading` turns a folder into a
record, `database` keeps the records, `queries` asks it, `inheritance` resolves `_base`.
"""

from cmcore.index.catalog import Index

__all__ = ["Index"]
