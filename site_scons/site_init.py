"""SCons reads this first: if nothing changed since the last build with this command line, it ends here."""

import os
import sys

sys.path.insert(0, os.path.join(os.getcwd(), "toolchain"))

from ambilink.early import stop

stop()
del sys.path[0]
