"""The SCons tool `ambilink`: builders for libraries in two forms, services, boot images and boot tests.

    env = Environment(tools=["ambilink"], AMBILINK_TARGET="x86_64", AMBILINK_COMPILER="hermetic")

adds to the environment

    DualLibrary(name, sources, ...)   library.py
    ProgramStart(sources)             program.py
    Service(name, sources, ...)       program.py
    Kernel(name, sources, ...)        program.py
    BootImage(target, manifest)       image.py
    BootTest(target, image, ...)      boot_test.py
    CompileCommands(target)           database.py

One context is shared by all clones of an environment: libraries and services are known to each of them.
SCons loads this file as the module `ambilink`, which is also the name of the Python package that does the
work (toolchain/ambilink). So the name is given back, and the files beside this one are loaded as the
package `ambilink_scons`.
"""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT_TOOLCHAIN = HERE.parents[2] / "toolchain"
PACKAGE = "ambilink_scons"


def _load_package():
    module = sys.modules.get("ambilink")
    if module is not None and getattr(module, "__file__", None) == __file__:
        del sys.modules["ambilink"]
    if (CHECKOUT_TOOLCHAIN / "ambilink").is_dir() and str(CHECKOUT_TOOLCHAIN) not in sys.path:
        sys.path.insert(0, str(CHECKOUT_TOOLCHAIN))  # a checkout wins over an installed package
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(PACKAGE, HERE / "tool.py", submodule_search_locations=[str(HERE)])
        package = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE] = package
        spec.loader.exec_module(package)
    return sys.modules[PACKAGE]


def generate(env, **settings):
    _load_package().generate(env, **settings)


def exists(env):
    return True
