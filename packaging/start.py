"""The __main__.py of ndpbr.pyz: words of the command line -> exit status, from bytecode where it fits this Python.

Bytecode fits one minor version: each has a folder.  Any other Python finds the source, in the root.
"""

import sys

sys.path.insert(0, f"{sys.path[0]}/{sys.implementation.cache_tag}")

from ndpbr_py.cli import main

sys.exit(main())
