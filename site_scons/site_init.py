"""SCons reads this first: if nothing changed since the last build with this command line, it ends here."""

import importlib.util
import os
import sys


def _stop_if_current():
    path = os.path.join("toolchain", "ambilink", "incremental", "up_to_date.py")
    spec = importlib.util.spec_from_file_location("ambilink_up_to_date", path)
    up_to_date = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = up_to_date
    spec.loader.exec_module(up_to_date)
    up_to_date.stop_if_current(os.getcwd())


_stop_if_current()
