"""python -m ambilink.core: compile the linker core for this machine if it is not there, and print its path."""

import sys

from ambilink.core.library import core_library
from ambilink.core.sources import CoreUnavailable

try:
    print(core_library())
except CoreUnavailable as error:
    sys.exit(f"ambilink: {error}")
