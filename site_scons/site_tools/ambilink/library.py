"""DualLibrary: one library, as a static archive and as a PIC shared object.

    DualLibrary(name, sources, LIBS=[...], objects="shared", static={...}, shared={...}, abi=None, includes=...)

    name      "x" makes lib/libx.a and lib/libx.so (SONAME libx.so)
    sources   C and assembly files; both forms are made of one set of PIC objects
    LIBS      libraries that it needs, by name, in any order of declaration; they may need it as well
    objects   "separate": the archive gets objects of its own, compiled without -fPIC
    static, shared
              None: leave this form out; or {"sources": [...], "flags": [...]}: more of each for this form
    includes  folders of headers for itself and its users (default: "include", where that exists)
    private_includes, system_includes, public_system_includes, flags
              for its own sources; system folders are searched last and not watched for changes
    link_flags
              more words for the linker, for the shared form

Why both: whoever runs before the dynamic linker must be linked statically, from the same sources that
everybody else shares. A user names a library once, and gets the form that its own linkage asks for.
"""

from pathlib import Path

from ambilink_scons.compiling import command_action, compile_all, dirs, function_action
from ambilink_scons.context import Library, find_site
from ambilink_scons.linking import linker
from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Errors import UserError

from ambilink.elf.abi import abi_text
from ambilink.elf.check import Linked
from ambilink.files import write_atomically

PIC = ["-fPIC"]
NOT_PIC = ["-fPIE"]
FORM_KEYS = {"sources", "flags"}


def _archive_words(source, target, env):
    # Deterministic (D), index written (s); a fresh file, because ar would keep members of an old one.
    return [*env["AMBILINK"].toolset.ar, "rcsD", str(target[0]), *map(str, source)]


def _stub_words(source, target, env):
    unit, toolset = env["AMBILINK_UNIT"], env["AMBILINK"].toolset
    flags = [*toolset.shared_library_flags, "-soname", unit.soname, "--unresolved-symbols=ignore-all"]
    return [*toolset.ld, *flags, *env["AMBILINK_LINK_FLAGS"], "-o", str(target[0]), *map(str, source)]


def _write_abi(target, source, env):
    write_atomically(Path(str(target[0])), abi_text(Path(str(source[0]))).encode())


def _remove(target, source, env):
    Path(str(target[0])).unlink(missing_ok=True)


def _form(site, name, form, settings):
    unknown = set(settings or {}) - FORM_KEYS
    if unknown:
        raise UserError(
            f"{site}: library {name!r}: {form}= has the unknown key {min(unknown)!r}; known: flags, sources"
        )
    return (settings or {}).get("sources", []), (settings or {}).get("flags", [])


def _dual_library(
    env,
    name,
    sources,
    LIBS=(),
    objects="shared",
    static=(),
    shared=(),
    abi=None,
    includes=None,
    private_includes=(),
    system_includes=(),
    public_system_includes=(),
    flags=(),
    link_flags=(),
):
    context, site = env["AMBILINK"], find_site(env)
    if objects not in ("shared", "separate"):
        raise UserError(f"{site}: library {name!r}: objects={objects!r}; choose 'shared' or 'separate'")
    if static is None and shared is None:
        raise UserError(f"{site}: library {name!r} has neither form; leave out static=None or shared=None")
    if includes is None:
        includes = ["include"] if Path(env.Dir("include").srcnode().abspath).is_dir() else []
    library = Library(
        name,
        "library",
        site,
        list(LIBS),
        includes=dirs(env, includes),
        private_includes=dirs(env, private_includes),
        system_includes=[str(folder) for folder in system_includes],
        public_system_includes=[str(folder) for folder in public_system_includes],
        flags=[*context.toolset.target.user_flags, *flags],
        soname=f"lib{name}.so",
    )
    context.add_library(library)
    static_sources, static_flags = _form(site, name, "static", static)
    shared_sources, shared_flags = _form(site, name, "shared", shared)
    sources = env.Flatten([sources])

    common_pic = compile_all(env, library, sources, "pic", [*PIC, *shared_flags])
    library.objects = common_pic + compile_all(
        env, library, env.Flatten(shared_sources), "shared", [*PIC, *shared_flags]
    )
    if objects == "separate" or static_flags:
        library.static_objects = compile_all(env, library, sources, "static", [*NOT_PIC, *static_flags])
    else:
        library.static_objects = list(common_pic)
    library.static_objects += compile_all(
        env, library, env.Flatten(static_sources), "static", [*NOT_PIC, *static_flags]
    )

    if static is not None:
        (library.static,) = env.AmbilinkArchive(context.file(env, "lib", f"lib{name}.a"), library.static_objects)
    if shared is not None:
        settings = {
            "AMBILINK_UNIT": library,
            "AMBILINK_KIND": Linked.SHARED_LIBRARY,
            "AMBILINK_LINK_FLAGS": list(link_flags),
        }
        (library.shared,) = env.AmbilinkSharedLink(
            context.file(env, "lib", library.soname), library.objects, **settings
        )
        context.depends_late(library.shared, lambda: context.shared_objects(library))
        (library.stub,) = env.AmbilinkStub(context.file(env, "obj", name, library.soname), library.objects, **settings)
        (library.abi,) = env.AmbilinkAbi(context.file(env, "lib", f"lib{name}.abi"), library.shared)
        env.Depends(library.abi, [file for file in context.tool_files if file.name == "abi.py"])
        if abi is not None:
            env.AmbilinkAbiCheck(context.file(env, "lib", f"lib{name}.abi.checked"), [library.abi, env.File(abi)])
    return library


def _check_abi(target, source, env):
    import difflib
    import sys

    new, golden = (source[i].get_text_contents().splitlines() for i in (0, 1))
    difference = list(difflib.unified_diff(golden, new, str(source[1]), str(source[0]), lineterm="", n=0))
    if difference:
        print("\n".join(difference), file=sys.stderr)
        print(f"ambilink: {source[0]}: the ABI differs from {source[1]}; copy it there to accept", file=sys.stderr)
        return 1
    write_atomically(Path(str(target[0])), b"")
    return 0


def add_builders(env):
    builders = env["BUILDERS"]
    builders["AmbilinkArchive"] = Builder(action=[Action(_remove, cmdstr=None), command_action(_archive_words, "AR")])
    builders["AmbilinkSharedLink"] = linker()
    builders["AmbilinkStub"] = Builder(action=command_action(_stub_words, "STUB"))
    builders["AmbilinkAbi"] = Builder(action=function_action(_write_abi, "ABI"))
    builders["AmbilinkAbiCheck"] = Builder(action=function_action(_check_abi, "CHECK"))
    env.AddMethod(_dual_library, "DualLibrary")
