"""Says when it is imported, so that a test can tell that it never was."""

import sys

sys.stderr.write("cm_broken_clash was imported\n")
