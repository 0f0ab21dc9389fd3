"""The tree that the soak edits: libraries and programs as records, and the files that they are written as.

Every library has one function that others call, `<name>_main`, in its first source; whatever else an edit does, LIBS
and calls agree, so a tree builds unless an edit breaks it on purpose."""

import random
from dataclasses import dataclass, field
from pathlib import Path

MULTIBOOT = Path(__file__).resolve().parents[1] / "boot/multiboot"
LINK = "-> "  # what a file begins with that stands for a symbolic link


@dataclass
class Source:
    name: str  # from the library's folder, with suffix
    number: int
    value: int
    comment: int = 0


# What a library may have beside plain sources in C.
FEATURES = (
    "payload of C",  # .incbin in an asm statement
    "payload of assembly",  # .incbin in a .S file
    "assembly include",  # .include in a .S file
    "generated header",
    "generated source",
    "version script",
    "script in link flags",
    "script with INCLUDE",
    "optional header",  # __has_include
    "subfolder",
    "linked source",  # a symbolic link to a file of elsewhere
    "linked folder",  # sources in a folder that is a symbolic link; "../x.h" is where that leads
    "separate objects",
    "only static",
    "second library on the same source",
    "file that the script reads",
    "file that the script looks for",
)


@dataclass
class Library:
    name: str
    libs: list[str]
    sources: list[Source]
    features: set[str]
    glob: bool
    quotes: bool  # headers of others are included by "x.h"
    value: int = 1
    size: int = 4  # of its data, which is a part of its ABI
    payload: int = 0
    made: int = 0
    optional: int | None = None
    shadow: str = ""  # a header of that library lies beside its sources, too
    hidden: int = 0
    flags: list[str] = field(default_factory=list)
    defines: list[str] = field(default_factory=list)


@dataclass
class Program:
    name: str
    libs: list[str]
    linkage: str
    value: int = 1
    flags: list[str] = field(default_factory=list)


@dataclass
class Model:
    toolpath: str
    package: str  # the folder that holds the package `ambilink`
    compiler: str
    decider: str
    libraries: dict[str, Library]
    programs: dict[str, Program]
    image: list[str]
    common: int = 1  # a header that many include
    defines: list[str] = field(default_factory=list)
    level: str = "-O1"
    sections: bool = True  # a key of the profile
    command_line: int = 0
    text: int = 0
    broken: dict[str, str] = field(default_factory=dict)  # path: what it holds while the tree does not build
    variables: int = 0  # an environment variable that SConstruct reads


def generate(rng: random.Random, libraries: int, programs: int, compiler: str, top: Path) -> Model:
    names = [f"l{number:02}" for number in range(libraries)]
    made: dict[str, Library] = {}
    for position, name in enumerate(names):
        before = names[max(0, position - 8) : position]
        libs = rng.sample(before, min(len(before), rng.randint(0, 3)))
        sources = [Source(f"src/s{number}.c", number, rng.randint(1, 99)) for number in range(rng.choice((1, 1, 2, 3)))]
        # Round robin, so that each is there whatever the seed.
        features = {FEATURES[position % len(FEATURES)]} | set(rng.sample(FEATURES, rng.choice((0, 0, 1))))
        if "only static" in features:  # it stands in dynamic programs
            features.discard("separate objects")
        made[name] = Library(name, libs, sources, features, rng.random() < 0.4, rng.random() < 0.5)
    for _ in range(max(1, libraries // 8)):  # cycles
        first, second = sorted(rng.sample(range(libraries), 2))
        if names[second] not in made[names[first]].libs:
            made[names[first]].libs.append(names[second])
    services: dict[str, Program] = {}
    for number in range(programs):
        linkage = rng.choice(("dynamic", "dynamic", "static"))
        name = f"p{number:02}"
        services[name] = Program(name, rng.sample(names, min(libraries, rng.randint(1, 4))), linkage)
    image = [name for name in services if services[name].linkage == "dynamic"][:3]
    decider = rng.choice(("content", "content-timestamp"))
    return Model(
        str(top / "site_scons/site_tools"), str(top / "toolchain"), compiler, decider, made, services, image
    )


# Files.


def render(model: Model) -> dict[str, str]:
    """All sources; a text that begins with LINK is a symbolic link."""
    files = {
        "SConstruct": _sconstruct(model),
        "os.toml": _profile(model),
        "boot.toml": _manifest(model),
        "text": f"text {model.text}\n",
        "common/common.h": f"#define COMMON {model.common}\n",
        "kernel/entry.S": (MULTIBOOT / "entry.S").read_text(),
        "kernel/main.c": (MULTIBOOT / "main.c").read_text(),
        "kernel/kernel.lds": (MULTIBOOT / "kernel.lds").read_text(),
    }
    for library in model.libraries.values():
        files |= _library(model, library)
    for program in model.programs.values():
        files |= _program(model, program)
    return files | model.broken


def _sconstruct(model: Model) -> str:
    scripts = [f"libs/{name}/SConscript" for name in model.libraries]
    scripts += [f"services/{name}/SConscript" for name in model.programs]
    listed = "".join(f"    {script!r},\n" for script in scripts)
    return f"""\
from ambilink.early import stop; stop()
import os
env = Environment(
    tools=["ambilink"],
    toolpath=[{model.toolpath!r}],
    AMBILINK_COMPILER={model.compiler!r},
    AMBILINK_OS="os.toml",
    AMBILINK_BUILD="#build/out",
    AMBILINK_FLAGS=[{model.level!r}, "-Wno-unused"],
    CPPDEFINES={model.defines!r} + ["OUTSIDE=" + os.environ.get("AMBILINK_SOAK", "0")],
    CPPPATH=["#common"],
)
env.Decider({model.decider!r})
SConscript([
{listed}], exports="env")
env.Kernel("kernel", ["kernel/main.c", "kernel/entry.S"], script="kernel/kernel.lds", flags=["-mcmodel=small"])
env.BootImage("boot.img", "boot.toml")
env["AMBILINK"].check()
"""


def _profile(model: Model) -> str:
    return f"""\
profile = 1
extends = "ambilink"
[format]
section-headers = {"true" if model.sections else "false"}
"""


def _manifest(model: Model) -> str:
    modules = "".join(f'\n[[module]]\nprogram = "{name}"\n' for name in model.image)
    return f"""\
[image]
format = "multiboot2"
command-line = "number {model.command_line}"
library-command-line = "libs/{{name}}"
{modules}
[[module]]
file = "text"
"""


def _include(library: Library, name: str) -> str:
    return f'#include "{name}.h"\n' if library.quotes else f"#include <{name}.h>\n"


def _header(library: Library, value: int | None = None) -> str:
    value = library.value if value is None else value
    return (
        f"#ifndef {library.name}_H\n#define {library.name}_H\n#define {library.name}_VALUE {value}\n"
        f"int {library.name}_main(int);\nextern int {library.name}_data[{library.size}];\n#endif\n"
    )


def _library(model: Model, library: Library) -> dict[str, str]:
    name, features = library.name, library.features
    folder = f"libs/{name}"
    files = {f"{folder}/include/{name}.h": _header(library)}
    keywords = {"LIBS": library.libs, "flags": library.flags}
    text = [_include(library, each) for each in (name, *library.libs)]
    first = [f"int {name}_data[{library.size}] = {{ {name}_VALUE }};\n"]
    more: list[str] = []  # sources in expressions of Python
    before, after = "", ""
    if "payload of C" in features:
        files[f"{folder}/payload.bin"] = f"payload {library.payload}\n"
        first.append(f'__asm__(".section .rodata\\n.incbin \\"{folder}/payload.bin\\"\\n.text");\n')
    if "payload of assembly" in features:
        files[f"{folder}/data.bin"] = f"data {library.payload}\n"
        files[f"{folder}/data.S"] = f'.section .rodata\n.globl {name}_bin\n{name}_bin:\n.incbin "{folder}/data.bin"\n'
        more.append("'data.S'")
    if "assembly include" in features:
        files[f"{folder}/words.inc"] = f".long {library.payload}\n"
        table = f'{name}_words:\n.include "{folder}/words.inc"\n'
        files[f"{folder}/words.S"] = f".section .rodata\n.globl {name}_words\n{table}"
        more.append("'words.S'")
    if "generated header" in features:
        files[f"{folder}/made.in"] = f"#define {name}_MADE {library.made}\n"
        before += f"env.Command('#build/made/{name}/{name}_made.h', 'made.in', Copy('$TARGET', '$SOURCE'))\n"
        text.append(f"#include <{name}_made.h>\n")
        first.append(f"int {name}_made = {name}_MADE;\n")
    if "generated source" in features:
        files[f"{folder}/source.in"] = f"int {name}_generated(void) {{ return {library.made}; }}\n"
        before += f"made = env.Command('#build/made/{name}/{name}_source.c', 'source.in', Copy('$TARGET', '$SOURCE'))\n"
        more.append("made[0]")
    if "optional header" in features:
        if library.optional is not None:
            files[f"{folder}/src/{name}_option.h"] = f"#define {name}_OPTION {library.optional}\n"
        first.append(
            f'#if __has_include("{name}_option.h")\n#include "{name}_option.h"\nint {name}_option = {name}_OPTION;\n'
            f"#else\nint {name}_option = -1;\n#endif\n"
        )
    hidden = f" local: {name}_extra{library.hidden};" if library.hidden else ""
    first.append("".join(f"int {name}_extra{number};\n" for number in (1, 2)))
    script = f"{{ global: {name}_*;{hidden} }};\n"
    if "version script" in features:
        files[f"{folder}/exports.map"] = script
        keywords["version_script"] = "exports.map"
    elif "script in link flags" in features:
        files[f"{folder}/exports.map"] = script
        keywords["link_flags"] = [f"--version-script={folder}/exports.map"]
    elif "script with INCLUDE" in features:
        files[f"{folder}/outer.ld"] = f"INCLUDE {folder}/inner.ld\n"
        files[f"{folder}/inner.ld"] = f"{name}_absolute = {library.payload + 16};\n"
        keywords["link_flags"] = [f"{folder}/outer.ld"]
    if "subfolder" in features:
        files[f"{folder}/src/deep/local.h"] = f"#define LOCAL {library.made}\n"
        includes = '#include "local.h"\n#include "common.h"\n'
        files[f"{folder}/src/deep/deep.c"] = f"{includes}int {name}_deep = LOCAL + COMMON;\n"
        more.append("'src/deep/deep.c'")
    if "linked source" in features:
        files[f"elsewhere/{name}.c"] = f"int {name}_elsewhere = {library.made};\n"
        files[f"elsewhere/{name}_other.c"] = f"int {name}_elsewhere = -{library.made};\n"
        files[f"{folder}/linked.c"] = f"{LINK}../../elsewhere/{name}{'_other' * (library.payload % 2)}.c"
        more.append("'linked.c'")
    if "linked folder" in features:
        files[f"elsewhere/{name}/in/x.c"] = f'#include "../inc/x.h"\nint {name}_x = X;\n'
        files[f"elsewhere/{name}/inc/x.h"] = f"#define X {library.made}\n"
        files[f"{folder}/inc/x.h"] = f"#define X {library.payload}\n"
        files[f"{folder}/in"] = f"{LINK}../../elsewhere/{name}/in"
        more.append("'in/x.c'")
    if "separate objects" in features:
        keywords["objects"] = "separate"
    if "only static" in features:
        keywords["shared"] = None
    if library.shadow:
        files[f"{folder}/src/{library.shadow}.h"] = _header(model.libraries[library.shadow], 1000 + library.made)
    if "second library on the same source" in features:
        after = f"env.DualLibrary('{name}_twin', ['twin.c'], includes=['include'])\n"
        files[f"{folder}/twin.c"] = f"int {name}_twin(void) {{ return {library.made}; }}\n"
        more.append("'twin.c'")
    folders = list(dict.fromkeys(source.name.rpartition("/")[0] for source in library.sources))
    listed = [repr(source.name) for source in library.sources]
    if library.glob:
        listed = [f"*Glob('{each}/*.c')" for each in folders]
    private = ["#build/made/" + name] if "generated header" in features else []
    defines = [repr(each) for each in library.defines]
    if "file that the script reads" in features:
        files[f"{folder}/setting.txt"] = f"{library.made}\n"
        defines.append(f"'{name}_SETTING=' + open('setting.txt').read().strip()")
        first.append(f"int {name}_setting = {name}_SETTING;\n")
    if "file that the script looks for" in features:
        if library.optional is not None:
            files[f"{folder}/setting.mk"] = ""
        before += "import os\n"
        defines.append(f"'{name}_THERE=%d' % os.path.exists('setting.mk')")
        first.append(f"int {name}_there = {name}_THERE;\n")
    words = "".join(f", {key}={value!r}" for key, value in {**keywords, "private_includes": private}.items())
    words += f", defines=[{', '.join(defines)}]"
    for source in library.sources:
        calls = "".join(f" + {each}_main(x) + {each}_VALUE" for each in library.libs) if source.number == 0 else ""
        common = '#include "common.h"\n' if source.number else ""
        scale = "COMMON" if source.number else "OUTSIDE"
        symbol = "main" if source.number == 0 else f"s{source.number}"
        files[f"{folder}/{source.name}"] = (
            "".join(text if source.number == 0 else text[:1])
            + common
            + f"/* {source.comment} */\n"
            + "".join(first if source.number == 0 else [])
            + f"int {name}_{symbol}(int x) {{ return x * {source.value} + {name}_VALUE + {scale}{calls}; }}\n"
        )
    declared = f"env.DualLibrary({name!r}, [{', '.join([*listed, *more])}]{words})\n"
    files[f"{folder}/SConscript"] = f"Import('env')\n{before}{declared}{after}"
    return files


def _program(model: Model, program: Program) -> dict[str, str]:
    folder = f"services/{program.name}"
    includes = "".join(f"#include <{each}.h>\n" for each in program.libs)
    calls = "".join(f" {each}_main({each}_VALUE);" for each in program.libs)
    return {
        f"{folder}/main.c": f"{includes}void _start(void) {{{calls} for (volatile int i = {program.value};;) i++; }}\n",
        f"{folder}/SConscript": f"Import('env')\nenv.Service({program.name!r}, ['main.c'], LIBS={program.libs!r}, "
        f"linkage={program.linkage!r}, flags={program.flags!r})\n",
    }
