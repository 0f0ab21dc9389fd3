"""DualLibrary."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from ambilink.compile.languages import NO_FLAGS, Flags
from ambilink.scons.api import Node, UserError, placed, placed_folders
from ambilink.scons.arguments import (
    CompileFlags,
    Defines,
    Folders,
    Form,
    FormSettings,
    Libraries,
    Name,
    OptionalFile,
    OptionalFolders,
    OptionalName,
    OptionalSources,
    Paths,
    Texts,
    Variants,
    VariantSettings,
    choice,
)
from ambilink.scons.builder import Call, builder
from ambilink.scons.compiling import compile_all
from ambilink.scons.kinds.abi_text import ABI_TEXT, CHECKED_ABI, PRELIMINARY_ABI_TEXT
from ambilink.scons.kinds.development_link import DEVELOPMENT_LINK, development_name
from ambilink.scons.kinds.shared_object import PRELIMINARY_OBJECT, SHARED_OBJECT
from ambilink.scons.kinds.static_archive import STATIC_ARCHIVE, VARIANT_ARCHIVE
from ambilink.scons.kinds.stub import STUB
from ambilink.scons.units import Library, LibraryVariant

PIC, NOT_PIC = Flags(("-fPIC",)), Flags(("-fPIE",))
BOTH = FormSettings()
NO_VARIANTS: Mapping[str, VariantSettings] = {}


@builder("DualLibrary")
def dual_library(
    call: Call,
    name: Name,
    sources: OptionalSources = None,
    LIBS: Libraries = (),
    objects: Annotated[str, choice("shared", "separate")] = "shared",
    static: Form = BOTH,
    shared: Form = BOTH,
    abi: OptionalFile = None,
    includes: OptionalFolders = None,
    private_includes: Folders = (),
    system_includes: Paths = (),
    public_system_includes: Paths = (),
    defines: Defines = (),
    flags: CompileFlags = NO_FLAGS,
    link_flags: Texts = (),
    soname: OptionalName = None,
    version: OptionalName = None,
    version_script: OptionalFile = None,
    undefined: Texts = (),
    variants: Variants = NO_VARIANTS,
    reach: Annotated[str, choice("direct", "all")] = "direct",
    constructors: Annotated[str, choice("all", "used")] = "all",
) -> Library:
    """One library, as a static archive and as a shared object.

    What runs before the dynamic linker must be linked statically, from the same sources that all other programs share.
    A user names the library once, and gets the form that its own linkage asks for, through all of the library's LIBS.

    Makes `lib/lib<name>.a`, `lib/lib<name>.so` (its SONAME is the file name) with its debug file, the text of its ABI
    `lib/lib<name>.abi`, and the stub that users are linked against. A profile may have other names, and leave out the
    shared form of all libraries.

    Without `sources` it is a library of headers alone: in LIBS of others it passes its folders, macros and LIBS on. One
    that is only static (`shared=None`) may stand in LIBS of dynamic programs and of shared libraries too: what they use
    of it becomes a part of them, and is not exported by libraries.

    Returns a record with the nodes `.static`, `.shared`, `.debug`, `.stub`, `.abi` (None for what was left out),
    `.objects`, a list, and `.variants`, a dictionary of records that have a `.node`.

    name: of the library, without "lib".
    sources: C, C++ and assembly files, ready objects (.o) and archives (.a), for both forms.
    LIBS: libraries that it needs, by name; without it those of the construction variable LIBS. They may be declared
        later, and may need this one.
    objects: "shared": both forms are made of one set of objects, compiled with -fPIC. "separate": the archive gets
        objects of its own, compiled without -fPIC.
    static: the archive: None leaves it out; {"sources": [...], "flags": [...]} adds sources and compiler flags for this
        form alone. With flags the archive gets objects of its own.
    shared: the shared object, likewise.
    abi: a text that is checked in. Where the shared object exports something else, making it fails; `AbiUpdate` writes
        the text.
    includes: folders of headers, for itself and its users; without it "include", where that exists.
    private_includes: folders of headers for its own sources.
    system_includes: folders of headers for its own sources that are searched last and not watched for changes.
    public_system_includes: such folders for its users too.
    defines: macros, for itself and its users.
    flags: for the compiler: of every language, or by language.
    link_flags: for the linker, for the shared form.
    soname: SONAME and file name of the shared object; without it, as the profile has it (`format.soname`).
    version: what the profile's pattern has for `{version}`.
    version_script: for the linker, for the shared form.
    undefined: symbols that the shared form takes from the program that uses or opens it, or from another library of
        that program: a list, or "any". A program that has the library among its LIBS must define those of the list
        (`Service(exports=...)`); when an image is packed, all that its programs use or open is checked.
    variants: more archives of the same sources, `lib/<variant>/lib<name>.a`, for users compiled in another way:
        {"kernel": {"flags": [...], "defines": [...], "sources": [...], "LIBS": [...]}}. Kernels link "kernel", compiled
        with a kernel's flags, modules "module", a static service the one that its `variant=` names. What is given is
        added to that of the library; LIBS take the place of its own.
    reach: of a library that is only static: "direct" puts what is used of it into the programs and shared objects that
        name it, "all" also into those that need it by way of shared objects. Compilers' helpers reach all.
    constructors: of a static program that uses the library: "all" run, as in a dynamic one: objects that have
        constructors, destructors or members of linker sets are linked even where nothing refers to them. "used": only
        those are linked that are referred to, as of any archive.
    """
    _refuse_nothing(call, name, sources, static, shared, variants)
    profile = call.context.toolset.profile
    if profile.programs.dynamic == "none":
        if sources is not None and static is None and not variants:
            raise UserError(
                f"{call.location}: library {name!r} is shared only, and the profile {profile.name} has no dynamic "
                f"programs; leave out static=None, or set programs.dynamic"
            )
        shared = None
    if includes is None:
        here = call.env.Dir("include")
        includes = [here] if any(Path(each.abspath).is_dir() for each in placed_folders(here)) else []
    library = Library(
        name,
        call.location,
        call.variables,
        LIBS,
        includes,
        private_includes,
        system_includes,
        public_system_includes,
        defines=defines,
        flags=Flags(call.context.toolset.target.user_flags) + flags,
        link_flags=link_flags,
        soname=soname or soname_of(call, name, version),
        version_script=version_script,
        undefined=tuple(undefined),
        reaches_all=reach == "all",
        constructors=constructors,
    )
    call.context.add_library(library)
    call.want(version_script, f"{library.title} has version_script=")
    if sources is None:
        return library
    archived = _compile(call, library, sources, objects == "separate", static, shared)
    if static is not None:
        (library.static,) = STATIC_ARCHIVE.make(call, library, archived)
    if shared is not None:
        library.golden = placed(abi) if abi is not None else None
        call.want(library.golden, f"{library.title} has abi=", call.context.remedy_of_golden)
        _link(call, library)
    for variant, settings in variants.items():
        library.variants[variant] = _make_variant(call, library, variant, settings, sources, flags)
    return library


def soname_of(call: Call, name: str, version: str | None) -> str:
    """As the profile's pattern has it."""
    profile, places = call.context.toolset.profile, call.context.places
    version = profile.format.version if version is None else version
    if "{version}" in profile.format.soname and not version:
        raise UserError(
            f"{call.location}: library {name!r} has no version, and the profile {profile.name} has "
            f"{profile.format.soname!r}; give it version="
        )
    parts = {"prefix": places.library_prefix, "name": name, "suffix": places.shared_suffix, "version": version}
    return re.sub(r"\{(\w+)\}", lambda match: parts[match[1]], profile.format.soname)


def _refuse_nothing(
    call: Call,
    name: str,
    sources: Sequence[object] | None,
    static: FormSettings | None,
    shared: FormSettings | None,
    variants: Mapping[str, VariantSettings],
) -> None:
    """A library without sources, and one without a form."""
    forms = {"static": static, "shared": shared}
    if sources is None:
        given = [f"{form}=" for form, settings in forms.items() if settings != BOTH] + ["variants="] * bool(variants)
        if given:
            raise UserError(f"{call.location}: library {name!r} has {given[0]} and no sources; give it sources")
        return
    if static is None and shared is None and not variants:
        raise UserError(f"{call.location}: library {name!r} has neither form; leave out static=None or shared=None")
    for form, settings in {**forms, **{f"variant {each!r}": one for each, one in variants.items()}}.items():
        if settings is not None and not sources and not settings.sources:
            raise UserError(
                f"{call.location}: library {name!r} has no sources for its {form} form; give it sources (does a "
                "Glob() find nothing?), or leave out sources= where it is of headers alone"
            )


def _compile(
    call: Call,
    library: Library,
    sources: Sequence[object],
    separate: bool,
    static: FormSettings | None,
    shared: FormSettings | None,
) -> list[Node]:
    """Compile for both forms; return the lists of objects of the archive."""
    env, hosted = call.env, Flags(call.context.toolset.hosted_flags("libraries"))
    pic, not_pic = PIC + hosted, NOT_PIC + hosted
    common = None
    if shared is not None:
        common = compile_all(env, library, sources, "pic", pic + shared.flags)
        compile_all(env, library, shared.sources, "shared", pic + shared.flags)
    if static is None:
        return []
    if shared is None:  # position-independent unless objects="separate": it may stand in dynamic programs
        library.position_independent = not separate
        common = None if separate else compile_all(env, library, sources, "pic", pic + static.flags)
    else:
        separate = separate or bool(static.flags)
    only_static = [*sources, *static.sources] if separate else static.sources
    own = compile_all(env, library, only_static, "static", (not_pic if separate else pic) + static.flags)
    return [each.node for each in (None if separate else common, own) if each is not None]


def _make_variant(
    call: Call, library: Library, name: str, settings: VariantSettings, sources: Sequence[object], flags: Flags
) -> LibraryVariant:
    """An archive of its own, compiled as those who link it are."""
    target, toolset = call.context.toolset.target, call.context.toolset
    usual = (PIC + Flags(toolset.hosted_flags("libraries")), target.user_flags)
    code = {"kernel": (Flags(("-fno-pic",)), target.kernel_flags), "module": (PIC, target.module_flags)}
    form_flags, target_flags = code.get(name, usual)
    variant = LibraryVariant(
        library.name,
        library.location,
        library.variables,
        library.libs if settings.LIBS is None else settings.LIBS,
        library.includes,
        library.private_includes,
        library.system_includes,
        library.public_system_includes,
        defines=[*library.defines, *settings.defines],
        flags=Flags(target_flags) + flags + settings.flags,
        variant=name,
        of=library,
    )
    made = compile_all(call.env, variant, [*sources, *settings.sources], name, form_flags)
    assert made is not None
    (variant.node,) = VARIANT_ARCHIVE.make(call, variant, [made.node])
    return variant


def _link(call: Call, library: Library) -> None:
    sets = [each.node for each in library.object_sets if each.form != "static"]
    library.shared, library.debug = SHARED_OBJECT.make(call, library, sets)
    if library.soname != development_name(call.context, library):
        (library.development,) = DEVELOPMENT_LINK.make(call, library, [library.shared])
    (library.abi,) = ABI_TEXT.make(call, library, [library.shared])
    preliminary = PRELIMINARY_OBJECT.make(call, library, sets)
    (library.preliminary,) = PRELIMINARY_ABI_TEXT.make(call, library, preliminary)
    call.env.Ignore(preliminary[0].dir, [*preliminary, library.preliminary])  # made only where a stub needs them
    (library.stub,) = STUB.make(call, library, [])
    if library.golden is not None:
        (library.checked,) = CHECKED_ABI.make(call, library, [library.abi, library.golden])
