"""What programs begin with: the declared ProgramStart, or what the profile says."""

from pathlib import Path

from ambilink.compile.languages import Flags
from ambilink.compile.wheel import wheel_folder
from ambilink.scons.api import UserError
from ambilink.scons.builder import Call
from ambilink.scons.compiling import compile_all
from ambilink.scons.object_set import ObjectSet
from ambilink.scons.units import Start


def start_sets(call: Call, linkage: str) -> list[ObjectSet]:
    context = call.context
    if context.start is not None:
        return context.start.object_sets
    programs = context.toolset.profile.programs
    sources = programs.static_start if linkage == "static" else programs.dynamic_start
    if not sources:
        return []
    if linkage not in context.profile_starts:
        context.profile_starts[linkage] = _compile(call, linkage, sources)
    return context.profile_starts[linkage].object_sets


def _compile(call: Call, linkage: str, sources: tuple[str, ...]) -> Start:
    context, programs = call.context, call.context.toolset.profile.programs
    paths = [_path(call, each) for each in sources]
    for path in paths:
        if not Path(path).is_file():
            raise UserError(
                f"{context.toolset.profile.files[0]}: programs.{linkage}-start names {path}, which is not there; "
                f"correct the path [{call.location}]"
            )
    start = Start(
        f"{linkage}-start",
        call.location,
        call.variables,
        private_includes=[call.env.Dir(_path(call, each)) for each in programs.start_includes],
        flags=Flags((*context.toolset.target.user_flags, *programs.start_flags)),
    )
    compile_all(call.env, start, paths, "pic", Flags(("-fPIC",)))
    return start


def _path(call: Call, path: str) -> str:
    target = call.context.toolset.target
    musl = wheel_folder() / "lib/libc"
    names = {"{musl}": str(musl / "musl"), "{libc}": str(musl), "{arch}": target.musl or target.name}
    for name, value in names.items():
        path = path.replace(name, value)
    return path
