# mypy: ignore-errors
"""Setting up an environment."""

import atexit
import sys
from pathlib import Path

from ambilink.scons import boot_image, boot_test, kernel, library, program, records
from ambilink.scons.caching import DEFAULT_LIMIT, add_cache
from ambilink.scons.compiling import add_object_builder
from ambilink.scons.context import Context
from ambilink.scons.finish import finish
from ambilink.scons.launching import add_launcher
from SCons.Errors import UserError

from ambilink.compile.toolset import load_toolset
from ambilink.errors import AmbilinkError


def build_name(compiler, target):
    """The folder of a toolset's outputs."""
    target, compiler = Path(target).stem, Path(compiler).stem
    return target if compiler == "hermetic" else f"{target}-{compiler}"


def generate(env, target=None, compiler=None, build=None):
    """Loading the tool again, or cloning the environment, keeps the context that is there."""
    if isinstance(env.get("AMBILINK"), Context):
        return
    target = target or env.get("AMBILINK_TARGET", "x86_64")
    compiler = compiler or env.get("AMBILINK_COMPILER", "hermetic")
    try:
        name = build_name(compiler, target)
        build = env.Dir(build or env.get("AMBILINK_BUILD", f"#build/{name}"))
        state = Path(build.dir.abspath, ".ambilink", build.name)  # beside what is built: no output
        toolset = load_toolset(compiler, target, state / "tools.json")
    except AmbilinkError as error:
        raise UserError(str(error)) from error
    context = env["AMBILINK"] = Context(env, toolset, build, state)
    if env.get("AMBILINK_LAUNCHER"):
        add_launcher(context, env["AMBILINK_LAUNCHER"], env["ENV"])
    if env.get("AMBILINK_CACHE"):
        add_cache(env, context, env["AMBILINK_CACHE"], env.get("AMBILINK_CACHE_LIMIT", DEFAULT_LIMIT))
    atexit.register(finish, context)
    package = Path(sys.modules["ambilink"].__file__).parent
    env.PrependENVPath("PYTHONPATH", str(package.parent))  # for `python -m ambilink`
    env.SetDefault(AMBILINK_VERBOSE=False, AMBILINK_FLAGS=[])
    add_object_builder(env)
    for module in (library, program, kernel, boot_image, boot_test, records):
        module.add_builders(env)
