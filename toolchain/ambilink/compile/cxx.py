"""The C++ run-time inside the ziglang wheel: the sources of libc++, libc++abi and libunwind, and which compilers can
compile them."""

import re
from dataclasses import dataclass
from pathlib import Path

from ambilink.compile.toolset import Toolset
from ambilink.compile.wheel import wheel_folder
from ambilink.errors import AmbilinkError

# The oldest that these headers work with, as <__configuration/compiler.h> of libc++ says.
OLDEST = {"clang": 17, "gcc": 14}
# libc++: for other systems; of interfaces that are experimental; operators new and delete, which libc++abi has too.
CXX_WITHOUT = ("support/", "pstl/", "experimental/", "new.cpp")
# libc++abi: for programs without exceptions.
CXXABI_WITHOUT = ("cxa_noexception.cpp",)
UNWIND = (
    "libunwind.cpp",
    "UnwindLevel1.c",
    "UnwindLevel1-gcc-ext.c",
    "UnwindRegistersSave.S",
    "UnwindRegistersRestore.S",
    "gcc_personality_v0.c",  # for C that cleans up
)


@dataclass(frozen=True)
class Sources:
    """Of one of the three libraries."""

    root: Path  # its own headers lie here, beside the sources
    sources: tuple[str, ...]
    includes: tuple[Path, ...]  # for its users


def _find(name: str, files: list[Path]) -> Sources:
    root = wheel_folder() / "lib" / name / "src"
    for file in files or [root]:
        if not file.is_file():
            raise AmbilinkError(file, "is not in the wheel", "it must be ziglang 0.14.1")
    return Sources(root, tuple(map(str, files)), (root.parent / "include",))


def find_cxx() -> Sources:
    root = wheel_folder() / "lib/libcxx/src"
    files = [path for path in sorted(root.rglob("*.cpp")) if not str(path.relative_to(root)).startswith(CXX_WITHOUT)]
    return _find("libcxx", files)


def find_cxxabi() -> Sources:
    root = wheel_folder() / "lib/libcxxabi/src"
    return _find("libcxxabi", [path for path in sorted(root.glob("*.cpp")) if path.name not in CXXABI_WITHOUT])


def find_unwind() -> Sources:
    root = wheel_folder() / "lib/libunwind/src"
    return _find("libunwind", [root / name for name in UNWIND])


def unable(toolset: Toolset) -> str | None:
    """Why this compiler cannot compile these libraries, or what uses them; None: it can."""
    text = toolset.compiler_text
    family = "clang" if "clang" in text else "gcc"
    version = re.search(r"\b(\d+)\.\d+", re.sub(r"\([^()]*\)", "", text))  # without what a distribution adds
    if version is None or int(version[1]) >= OLDEST[family]:
        return None  # of one that is not known, its own messages must do
    wanted = " or ".join(f"{name} {oldest}" for name, oldest in OLDEST.items())
    found = f"{toolset.cc[0]} is {family} {version[0]}"
    return f"the wheel's libc++ needs {wanted} or newer, and {found}; choose another compiler"
