# mypy: ignore-errors
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

from ambilink.scons.compiling import compile_all, dirs
from ambilink.scons.context import Library, find_location
from ambilink.scons.linking import READER_CODE, linker
from ambilink.scons.steps import CommandStep, FunctionStep, watched
from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Errors import UserError

from ambilink.elf.abi import Abi, abi_changes, load_abi, read_abi
from ambilink.elf.check import OutputKind
from ambilink.elf.stub import stub
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically

PIC = ["-fPIC"]
NOT_PIC = ["-fPIE"]
ABI_CODE = (*READER_CODE, "elf/abi.py")
FORM_KEYS = {"sources", "flags"}


def _archive_words(source, target, env):
    # Deterministic (D), index written (s); a fresh file, because ar would keep members of an old one.
    return [*env["AMBILINK"].toolset.ar, "rcsD", str(target[0]), *env["AMBILINK"].expand(source)]


def _preliminary_words(source, target, env):
    """A library of a cycle, linked alone, to see what it exports."""
    unit, context = env["AMBILINK_UNIT"], env["AMBILINK"]
    flags = [*context.toolset.shared_library_flags, "-soname", unit.soname, "--unresolved-symbols=ignore-all"]
    return [*context.toolset.ld, *flags, *env["AMBILINK_LINK_FLAGS"], "-o", str(target[0]), *context.expand(source)]


def _write_abi(target, source, env):
    write_atomically(Path(str(target[0])), read_abi(Path(str(source[0]))).text.encode())


def _abi_for_stub(env, library):
    """The node that a stub is written from."""
    if library.golden is not None:
        return library.golden
    return env["AMBILINK_PRELIMINARY"] if env["AMBILINK"].in_cycle(library) else library.abi


def _write_stub(target, source, env):
    library, context = env["AMBILINK_UNIT"], env["AMBILINK"]
    node = _abi_for_stub(env, library)
    abi = load_abi(Path(str(node)))
    if node is env["AMBILINK_PRELIMINARY"]:
        needed = tuple(context.library(name, library).soname for name in library.libs)
        abi = Abi(abi.soname, needed, abi.versions, abi.symbols)
    write_atomically(Path(str(target[0])), stub(abi, context.toolset.target.machine))


def _stub_version(target, source, env):
    return env["AMBILINK"].toolset.target.machine


def _check_abi(target, source, env):
    library, (new, golden) = env["AMBILINK_UNIT"], (Path(str(node)) for node in source)
    changes = abi_changes(load_abi(golden), load_abi(new))
    if changes:
        lines = "\n".join(f"  {change.text}" for change in changes)
        breaks = any(not change.compatible for change in changes)
        effect = "may fail" if breaks else "still work"
        raise AmbilinkError(
            library.shared,
            f"its ABI differs from {golden} [{library.location}]:\n{lines}\n  programs that were linked before {effect}",
            "if that is meant, `scons abi-update` writes the new one",
        )
    write_atomically(Path(str(target[0])), new.read_bytes())


def _update_golden(target, source, env):
    context = env["AMBILINK"]
    for library in context.libraries.values():
        if library.golden is None:
            continue
        golden, text = Path(library.golden.srcnode().path), Path(library.abi.path).read_bytes()
        if not golden.is_file() or golden.read_bytes() != text:
            write_atomically(golden, text)
            context.progress.say(f"  ABI   {golden}")


def _remove(target, source, env):
    Path(str(target[0])).unlink(missing_ok=True)


def _form(location, name, form, settings):
    unknown = set(settings or {}) - FORM_KEYS
    if unknown:
        raise UserError(
            f"{location}: library {name!r}: {form}= has the unknown key {min(unknown)!r}; known: flags, sources"
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
    context, location = env["AMBILINK"], find_location(env)
    if objects not in ("shared", "separate"):
        raise UserError(f"{location}: library {name!r}: objects={objects!r}; choose 'shared' or 'separate'")
    if static is None and shared is None:
        raise UserError(f"{location}: library {name!r} has neither form; leave out static=None or shared=None")
    if includes is None:
        includes = ["include"] if Path(env.Dir("include").srcnode().abspath).is_dir() else []
    library = Library(
        name,
        "library",
        location,
        list(LIBS),
        includes=dirs(env, includes),
        private_includes=dirs(env, private_includes),
        system_includes=[str(folder) for folder in system_includes],
        public_system_includes=[str(folder) for folder in public_system_includes],
        flags=[*context.toolset.target.user_flags, *flags],
        soname=f"lib{name}.so",
        link_flags=list(link_flags),
    )
    context.add_library(library)
    static_sources, static_flags = _form(location, name, "static", static)
    shared_sources, shared_flags = _form(location, name, "shared", shared)
    sources = env.Flatten([sources])

    archived = _compile_forms(
        env, library, sources, objects, (static_sources, static_flags), (shared_sources, shared_flags)
    )
    if static is not None:
        (library.static,) = env.AmbilinkArchive(context.file(env, "lib", f"lib{name}.a"), archived)
    if shared is not None:
        _link_shared(env, library, abi)
    return library


def _compile_forms(env, library, sources, objects, static, shared):
    """Compile for both forms; return the lists of objects of the archive."""
    (static_sources, static_flags), (shared_sources, shared_flags) = static, shared
    common = compile_all(env, library, sources, "pic", [*PIC, *shared_flags])
    compile_all(env, library, env.Flatten(shared_sources), "shared", [*PIC, *shared_flags])
    separate = objects == "separate" or static_flags
    all_static = [*sources, *env.Flatten(static_sources)] if separate else env.Flatten(static_sources)
    own = compile_all(env, library, all_static, "static", [*NOT_PIC, *static_flags])
    return [each.node for each in ([] if separate else [common]) + [own] if each is not None]


def _link_shared(env, library, golden):
    context, name = env["AMBILINK"], library.name
    sets = [each.node for each in library.object_sets if each.form != "static"]
    settings = {
        "AMBILINK_UNIT": library,
        "AMBILINK_KIND": OutputKind.SHARED_LIBRARY,
        "AMBILINK_LINK_FLAGS": library.link_flags,
    }
    shared = context.file(env, "lib", library.soname)
    library.shared, library.debug = env.AmbilinkSharedLink(shared, sets, **settings)
    context.depends_late(library.shared, lambda: context.shared_objects(library))
    (library.abi,) = env.AmbilinkAbi(context.file(env, "lib", f"lib{name}.abi"), library.shared, **settings)

    alone = env.AmbilinkAlone(context.file(env, "obj", name, "alone", library.soname), sets, **settings)
    (preliminary,) = env.AmbilinkAbi(context.file(env, "obj", name, "alone", f"lib{name}.abi"), alone, **settings)
    env.Ignore(alone[0].dir, [*alone, preliminary])  # made only where a stub needs them
    library.golden = env.File(golden).srcnode() if golden is not None else None
    settings["AMBILINK_PRELIMINARY"] = preliminary
    (library.stub,) = env.AmbilinkStub(context.file(env, "stub", library.soname), [], **settings)
    if library.golden is not None:
        texts = [library.abi, library.golden]
        (library.checked,) = env.AmbilinkAbiCheck(context.file(env, "obj", name, "abi.checked"), texts, **settings)


def _abi_update(env, name):
    """An alias that writes the golden ABI of every library declared so far that has one."""
    texts = [library.abi for library in env["AMBILINK"].libraries.values() if library.golden is not None]
    return env.AlwaysBuild(env.Alias(name, texts, Action(_update_golden, cmdstr=None)))


def add_builders(env):
    def builder(step, **more):
        return Builder(action=step.action(), target_scanner=watched(), **more)

    builders = env["BUILDERS"]
    archive = CommandStep(_archive_words, "AR").action()
    builders["AmbilinkArchive"] = Builder(action=[Action(_remove, cmdstr=None), archive], target_scanner=watched())
    builders["AmbilinkSharedLink"] = linker()
    builders["AmbilinkAlone"] = builder(CommandStep(_preliminary_words, "LD"))
    builders["AmbilinkAbi"] = builder(FunctionStep(_write_abi, "ABI", code=ABI_CODE))
    builders["AmbilinkAbiCheck"] = builder(FunctionStep(_check_abi, "CHECK", code=ABI_CODE))
    stub_step = FunctionStep(_write_stub, "STUB", _stub_version, (*ABI_CODE, "elf/stub.py"))
    scanner = watched(lambda node, env: [_abi_for_stub(env, env["AMBILINK_UNIT"])])
    builders["AmbilinkStub"] = Builder(action=stub_step.action(), target_scanner=scanner)
    env.AddMethod(_dual_library, "DualLibrary")
    env.AddMethod(_abi_update, "AbiUpdate")
