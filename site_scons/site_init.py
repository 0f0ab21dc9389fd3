"""SCons reads this first: if nothing changed since the last build with this command line, it ends here."""

import importlib.util
import os
import sys


def _stop_if_current():
    path = os.path.join("toolchain", "ambilink", "incremental", "sweep.py")
    spec = importlib.util.spec_from_file_location("ambilink_sweep", path)
    sweep = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = sweep
    spec.loader.exec_module(sweep)
    sweep.stop_if_current(os.getcwd())


_stop_if_current()
