"""Kernel."""

from pathlib import Path
from typing import Annotated

from ambilink.compile.languages import NO_FLAGS, Flags
from ambilink.elf.abi import load_abi
from ambilink.scons.api import placed
from ambilink.scons.arguments import (
    CompileFlags,
    Defines,
    File,
    Folders,
    Name,
    Names,
    OptionalFile,
    Paths,
    Sources,
    Texts,
    choice,
)
from ambilink.scons.booting import refuse_other_processors
from ambilink.scons.builder import Call, builder
from ambilink.scons.compiling import compile_all
from ambilink.scons.kinds.kernel import KERNEL, KERNEL_EXPORTS, KERNEL_STUB
from ambilink.scons.sources import refuse_none
from ambilink.scons.units import Kernel

FIXED, INDEPENDENT = "fixed", "independent"
# Code of an independent kernel reaches all of it relative to the instruction, wherever that is: no table of addresses.
CODE = {
    FIXED: (Flags(("-fno-pic",)), ()),
    INDEPENDENT: (Flags(("-fpie",)), ("-mcmodel=small", "-fvisibility=hidden")),
}


@builder("Kernel")
def kernel(
    call: Call,
    name: Name,
    sources: Sources,
    script: File,
    LIBS: Names = (),
    abi: OptionalFile = None,
    includes: Folders = (),
    system_includes: Paths = (),
    defines: Defines = (),
    flags: CompileFlags = NO_FLAGS,
    link_flags: Texts = (),
    position: Annotated[str, choice(FIXED, INDEPENDENT)] = FIXED,
) -> Kernel:
    """A kernel, linked by a linker script.

    Makes `<name>` and `<name>.debug`; with `abi` also `modules/<name>.so`, which is what it offers to modules, with the
    addresses in this kernel.

    Returns a record with the nodes `.node`, `.debug`, `.stub`, `.exports` (None without `abi`), and `.objects`, a list.

    name: file name in the build folder.
    sources: C, C++ and assembly files.
    script: the linker script.
    LIBS: libraries that it needs, by name: those that have a variant "kernel" (with position="independent", "module"),
        and those of headers alone.
    abi: the text of what it offers to modules.
    includes: folders of headers, for itself and its modules.
    system_includes: folders of headers that are searched last and not watched for changes.
    defines: macros, for itself and its modules.
    flags: for the compiler: of every language, or by language.
    link_flags: for the linker.
    position: "independent" links a position-independent executable that relocates itself: each word that needs it is in
        the table `.relr.dyn`, for which the linker script makes room, and holds the address that it was linked for.
    """
    context, env = call.context, call.env
    refuse_other_processors(call, f"kernel {name!r}")
    refuse_none(sources, call.location, f"kernel {name!r}")
    golden = placed(abi) if abi is not None else None
    call.want(script, f"kernel {name!r} has script=")
    call.want(golden, f"kernel {name!r} has abi=")
    form, more = CODE[position]
    if position == INDEPENDENT:
        more += context.toolset.direct_data_flags
    made = Kernel(
        name,
        call.location,
        call.variables,
        LIBS,
        includes=includes,
        system_includes=system_includes,
        defines=defines,
        flags=Flags((*context.toolset.target.kernel_flags, *more)) + flags,
        link_flags=link_flags,
        variant="kernel" if position == FIXED else "module",
        linkage="static",
        independent=position == INDEPENDENT,
        script=script,
        kept=[symbol.name for symbol in load_abi(Path(golden.abspath)).symbols] if golden is not None else [],
        soname=f"{name}{context.places.shared_suffix}" if golden is not None else "",
    )
    context.add_program(made)
    compile_all(env, made, sources, "kernel", form)
    made.node, made.debug = KERNEL.make(call, made, [each.node for each in made.object_sets])
    if golden is not None:
        context.depends(made.node, [golden])
        (made.stub,) = KERNEL_STUB.make(call, made, [golden])
        (made.exports,) = KERNEL_EXPORTS.make(call, made, [made.node, golden])
    return made
