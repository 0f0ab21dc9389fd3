"""The early stop: SCons ends before it reads anything, if nothing changed since the last build with its command line.

At the beginning of an SConstruct, or in a site_scons/site_init.py:

    from ambilink.early import stop; stop()
"""

import os
import sys

from ambilink.incremental import up_to_date
from ambilink.incremental.reading import READING


def stop() -> None:
    """End here if there is nothing to do. From a subfolder SCons builds what lies there, which is not recorded."""
    build_system = sys.modules.get("SCons")
    script = sys.modules.get("SCons.Script")
    if build_system is None or script is None or not build_system.__file__:
        return  # not read by SCons
    top = os.getcwd()
    if script.GetLaunchDir() == top:
        up_to_date.stop_if_current(top)
    folder = os.path.dirname(build_system.__file__) + os.sep
    READING.begin(folder, f"{folder}Tool{os.sep}")
