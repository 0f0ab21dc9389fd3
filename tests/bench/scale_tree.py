"""A large tree for the bench of builds: libraries and services in a random graph with cycles, as SCons with this tool
and as Meson have it. Both compile the same files by the same flags, once for both forms."""

import random
from dataclasses import dataclass
from pathlib import Path

from ambilink.compile.toolset import Toolset

WINDOW = 20  # a library needs some of so many before it


@dataclass
class ScaleTree:
    libraries: dict[str, list[str]]
    services: dict[str, tuple[list[str], str]]  # LIBS and linkage
    files: int

    @classmethod
    def random(cls, libraries: int, services: int, files: int) -> "ScaleTree":
        rng = random.Random(1)
        names = [f"l{number:03}" for number in range(libraries)]
        graph = {}
        for position, name in enumerate(names):
            before = names[max(0, position - WINDOW) : position]
            graph[name] = rng.sample(before, min(len(before), rng.randint(1, 2)))
        for _ in range(libraries // 10):  # cycles
            position = rng.randrange(libraries)
            later = names[position + 1 : position + WINDOW]
            if later and (other := rng.choice(later)) not in graph[names[position]]:
                graph[names[position]].append(other)
        programs = {}
        for number in range(services):
            libs = rng.sample(names, min(libraries, rng.randint(1, 3)))
            programs[f"p{number:03}"] = (libs, "static" if number % 4 == 0 else "dynamic")
        return cls(graph, programs, files)

    @property
    def changed(self) -> str:
        """Where a change is made."""
        return f"libs/l{len(self.libraries) // 2:03}/src/s{self.files // 2:02}.c"

    def write_sources(self, folder: Path) -> None:
        for name, libs in self.libraries.items():
            inside = folder / "libs" / name
            declared = "".join(f"int {name}_f{number:02}(int);\n" for number in range(self.files))
            _write(inside / f"include/{name}.h", f"#pragma once\n#define {name}_VALUE {len(libs)}\n{declared}")
            for number in range(self.files):
                _write(inside / f"src/s{number:02}.c", _source(name, number, libs if number == 0 else []))
        for name, (libs, _) in self.services.items():
            for number in range(self.files - 1):
                _write(folder / f"services/{name}/s{number:02}.c", _source(name, number, [], header=False))
            includes = "".join(f"#include <{each}.h>\n" for each in libs)
            calls = "".join(f" {each}_f00(1);" for each in libs)
            text = f"{includes}void _start(void) {{{calls} for (;;) ; }}\n"
            _write(folder / f"services/{name}/main.c", text)

    def write_scons(self, folder: Path, toolset: Toolset, tools: Path) -> None:
        scripts = [f"libs/{name}/SConscript" for name in self.libraries]
        scripts += [f"services/{name}/SConscript" for name in self.services]
        _write(
            folder / "SConstruct",
            "from ambilink.early import stop; stop()\nimport gc\ngc.disable()\nDefaultEnvironment(tools=[])\n"
            f"env = Environment(tools=['ambilink'], toolpath=[{str(tools)!r}], AMBILINK_COMPILER={toolset.name!r}, "
            "AMBILINK_FLAGS=['-O1'])\nDecider('content-timestamp')\n"
            f"SConscript({scripts!r}, exports='env')\nenv['AMBILINK'].check()\n",
        )
        for name, libs in self.libraries.items():
            text = f"Import('env')\nenv.DualLibrary({name!r}, Glob('src/*.c'), LIBS={libs!r})\n"
            _write(folder / f"libs/{name}/SConscript", text)
        for name, (libs, linkage) in self.services.items():
            text = f"env.Service({name!r}, Glob('*.c'), LIBS={libs!r}, linkage={linkage!r})\n"
            _write(folder / f"services/{name}/SConscript", f"Import('env')\n{text}")

    def write_meson(self, folder: Path, flags: list[str]) -> None:
        """Meson declares a library before its users: of a cycle's last edge only the headers are known, and symbols
        are left to be found when it runs."""
        lines = [
            "project('scale', 'c', default_options: ['buildtype=plain', 'b_staticpic=true', 'b_asneeded=false', "
            "'b_lundef=false', 'b_pie=true', 'warning_level=0'])",
            f"flags = {[*flags, '-O1', '-fPIC']!r}",
        ]
        known: set[str] = set()
        sources = [f"src/s{number:02}.c" for number in range(self.files)]
        for name, libs in self.libraries.items():
            listed = [f"libs/{name}/{source}" for source in sources]
            ahead = "".join(f", 'libs/{each}/include'" for each in libs if each not in known)
            needed = ", ".join(f"{each}_dep" for each in libs if each in known)
            lines.append(f"{name}_inc = include_directories('libs/{name}/include'{ahead})")
            lines.append(
                f"{name} = both_libraries('{name}', {listed!r}, c_args: flags, include_directories: {name}_inc, "
                f"dependencies: [{needed}])"
            )
            for form in ("shared", "static"):
                dep = f"{name}_dep" if form == "shared" else f"{name}_static"
                others = needed if form == "shared" else needed.replace("_dep", "_static")
                lines.append(
                    f"{dep} = declare_dependency(link_with: {name}.get_{form}_lib(), include_directories: {name}_inc, "
                    f"dependencies: [{others}])"
                )
            known.add(name)
        for name, (libs, linkage) in self.services.items():
            listed = [f"services/{name}/s{number:02}.c" for number in range(self.files - 1)]
            needed = ", ".join(f"{each}_{'static' if linkage == 'static' else 'dep'}" for each in libs)
            unresolved = ", link_args: ['-Wl,--unresolved-symbols=ignore-all']"
            lines.append(
                f"executable('{name}', {[*listed, f'services/{name}/main.c']!r}, c_args: flags, "
                f"dependencies: [{needed}]{unresolved})"
            )
        _write(folder / "meson.build", "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _source(name: str, number: int, libs: list[str], header: bool = True) -> str:
    includes = "".join(f"#include <{each}.h>\n" for each in [*([name] if header else []), *libs])
    calls = "".join(f" + {each}_f01(x) * {each}_VALUE" for each in libs)
    return (
        f"{includes}static int table[16] = {{{', '.join(str(number + each) for each in range(16))}}};\n"
        "static int step(int x, int y) { int sum = y; for (int i = 0; i < 16; i++) sum += table[i] ^ x; return sum; }\n"
        f"int {name}_f{number:02}(int x) {{ return step(x, {number}){calls}; }}\n"
    )
