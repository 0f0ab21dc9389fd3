"""What SCons loads for tools=["ambilink"]. It does so under the name of the package, which is given back here."""

import importlib
import sys
from pathlib import Path
from typing import Any

PACKAGES = str(Path(__file__).resolve().parents[3])


def generate(env: Any) -> None:
    if hasattr(sys.modules.get("ambilink"), "generate"):
        del sys.modules["ambilink"]
        if PACKAGES not in sys.path:
            sys.path.insert(0, PACKAGES)  # a checkout wins over an installed package
        package = importlib.import_module("ambilink")
        for name, module in list(sys.modules.items()):  # imported before SCons loaded this
            if name.startswith("ambilink.") and name.count(".") == 1:
                setattr(package, name.partition(".")[2], module)
    importlib.import_module("ambilink.scons.environment").generate(env)


def exists(env: Any) -> bool:
    return True
