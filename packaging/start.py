"""The __main__.py of ndpbr.pyz: words of the command line -> exit status.

Bytecode is for one minor version of Python, and has one folder per version.  Any other Python uses the source.
"""

import sys

sys.path.insert(0, f"{sys.path[0]}/{sys.implementation.cache_tag}")

from ndpbr_py.cli import main

sys.exit(main())
