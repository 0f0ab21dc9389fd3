"""python -m ambilink.core: compile the linker core for this machine if it is not there, and print its path."""

import sys

from ambilink.core.compiled import compiled
from ambilink.core.sources import CoreUnavailable

try:
    print(compiled())
except CoreUnavailable as error:
    sys.exit(f"ambilink: {error}")
