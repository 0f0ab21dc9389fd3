"""Setting up an environment."""

import os
from pathlib import Path

from ambilink.compile.profile import DEFAULT_PROFILE
from ambilink.compile.toolset import load_toolset
from ambilink.elf.psabi import psabi_of
from ambilink.errors import AmbilinkError
from ambilink.scons.api import DEFAULT_MAX_DRIFT, Environment, Folder, UserError, report_alone
from ambilink.scons.arguments import refuse_unknown_settings, setting, settings_of_loading
from ambilink.scons.builder import BUILDERS
from ambilink.scons.builders import (  # noqa: F401  each declares itself
    abi_update,
    ambilink_system,
    boot_image,
    boot_test,
    compile_commands,
    dual_library,
    interpreter,
    kernel,
    kernel_module,
    profile,
    program_start,
    registry_source,
    service,
)
from ambilink.scons.caching import add_cache
from ambilink.scons.context import PACKAGE, Context, cleans, is_aside, unwritable, writes
from ambilink.scons.finish import finish_at_exit
from ambilink.scons.launching import add_launcher
from ambilink.scons.location import SourceLocation, find_location
from ambilink.scons.named_targets import add_named_targets
from ambilink.scons.profile_files import add_profile_files
from ambilink.scons.running import running
from ambilink.scons.script_errors import report_mistakes
from ambilink.scons.tasks import install
from ambilink.sources import system_folder

IN_ASKED = ("AMBILINK_TARGET", "AMBILINK_COMPILER", "AMBILINK_OS", "AMBILINK_BUILD")  # in Context.asked
_known: dict[Path, tuple[Context, SourceLocation, list[str]]] = {}  # by folder of what builds remember


def build_name(compiler: str, target: str, system: str) -> str:
    """The folder of a toolset's outputs: the target's, and what differs from the usual."""
    usual = {"compiler": "hermetic", "system": DEFAULT_PROFILE}
    chosen = {"compiler": Path(compiler).stem, "system": Path(system).stem}
    return "-".join([Path(target).stem, *(name for key, name in chosen.items() if name != usual[key])])


def _new_context(env: Environment, asked: tuple[str, str, str, str], build: Folder, state: Path) -> Context:
    target, compiler, system, _ = asked
    try:
        process = running(env.GetOption("num_jobs"))
        if writes(env) or (cleans(env) and state.parent.is_dir()):
            process.lock(state.parent)
        toolset = load_toolset(compiler, target, state / "tools.json" if writes(env) else None, system)
        psabi_of(toolset.target.machine)
        context = Context(env, process, toolset, build, state, system_folder())
    except AmbilinkError as error:
        raise UserError(str(error)) from error
    context.asked = asked
    return context


def _refuse_around(top: str, build: str, called: str) -> None:
    if os.path.join(top, "").startswith(os.path.join(build, "")):
        what = "the folder of the SConstruct" if top == build else "a folder that the project is in"
        raise UserError(f"AMBILINK_BUILD is {called}, which is {what}; name a folder of its own, as '#build/x'")


def generate(env: Environment) -> None:
    try:
        _generate(env)
    except OSError as error:
        raise unwritable(error) from error


def _generate(env: Environment) -> None:
    """Loading the tool again, or cloning the environment, keeps the context that is there, and environments of the same
    settings share one; loading it for another target, compiler, system or build folder makes one."""
    report_alone(str(PACKAGE))
    report_mistakes(env.Dir("#").abspath)
    if env.GetOption("num_jobs") < 1:
        raise UserError(f"-j {env.GetOption('num_jobs')}: give 1 job or more")
    target = setting(env, "AMBILINK_TARGET", "x86_64")
    compiler = setting(env, "AMBILINK_COMPILER", "hermetic")
    system = setting(env, "AMBILINK_OS", DEFAULT_PROFILE)
    folder = setting(env, "AMBILINK_BUILD", f"#build/{build_name(compiler, target, system)}")
    try:
        build = env.Dir(folder)
    except TypeError as error:
        raise UserError(f"AMBILINK_BUILD is {folder}, which is a file; name a folder") from error
    _refuse_around(env.Dir("#").abspath, build.abspath, folder)
    asked = (target, compiler, system, build.abspath)
    present = env.get("AMBILINK")
    if isinstance(present, Context) and present.asked == asked and env["AMBILINK_LOADED"] == settings_of_loading(env):
        return
    refuse_unknown_settings(env)
    env.SetDefault(AMBILINK_TARGET=target, AMBILINK_COMPILER=compiler, AMBILINK_CACHE="")
    env.SetDefault(AMBILINK_VERBOSE=False, AMBILINK_FLAGS=[])
    for name in ("AMBILINK_VERBOSE", "AMBILINK_FLAGS"):
        setting(env, name, None)
    launcher, cache = setting(env, "AMBILINK_LAUNCHER", ""), setting(env, "AMBILINK_CACHE", "")
    loaded = settings_of_loading(env)
    location, programs = find_location(env), [loaded[name] for name in loaded if name not in IN_ASKED]
    state = Path(build.dir.abspath, ".ambilink", build.name)  # beside what is built: no output
    known = _known.get(state)
    if known is None:
        context = _new_context(env, asked, build, state)
        _known[state] = context, location, programs
    else:
        context, other, others = known
        if context.asked != asked or others != programs:
            raise UserError(
                f"{location}: this environment has the build folder {context.build.path}, and so has that of {other} "
                "with other settings; give one of them another AMBILINK_BUILD"
            )
    env["AMBILINK"], env["AMBILINK_LOADED"] = context, loaded
    if env.GetOption("max_drift") == DEFAULT_MAX_DRIFT:  # SCons would trust a date that is older than two days
        env.SetOption("max_drift", -1)
    env["AMBILINK_SYSTEM"] = str(context.system)
    if launcher:
        add_launcher(context, launcher, env["ENV"])
    if cache and writes(env):
        add_cache(env, context, cache)
        context.progress.estimates = False
    if known is None:
        add_profile_files(env, context)
        install(dry=bool(env.GetOption("no_exec")), keeps=not is_aside(env))
        add_named_targets(context)
        finish_at_exit(context)
    context.running.take_in(env)
    env.PrependENVPath("PYTHONPATH", str(PACKAGE.parent))  # for `python -m ambilink`
    for method in BUILDERS.values():
        env.AddMethod(method, method.name)
