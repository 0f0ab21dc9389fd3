"""The compiler's run-time: functions that compilers call without being asked to, as __divti3.

It is built of the Zig sources in the ziglang wheel, once for each target, in the user's cache folder: an archive of
a few objects. `arithmetic` is what compilers alone call. `memory` and `math` (memcpy, sin) are what a C library has as
well: apart, so that they are linked only where there is none. A linker that takes an object of an archive for one
name prefers all of its definitions to those of shared objects, so nothing that is needed beside a C library may lead
to `math`: division of complex numbers needs fmax and fabs, which are exact, and is apart with them.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ambilink.compile.toolset import Target
from ambilink.compile.wheel import run_zig, wheel_folder, wheel_version
from ambilink.errors import AmbilinkError
from ambilink.files import NoCacheFolder, cache_folder, write_atomically

ROOT = "compiler_rt.zig"  # imports every part
FOLDER = "compiler_rt"  # of the parts
FLAGS = ("-O", "ReleaseSmall", "-fPIC", "-fno-stack-check", "-fstrip", "-ffunction-sections", "-fdata-sections")
MEMORY = ("memcpy", "memset", "memmove", "memcmp", "bcmp")
COMPLEX = ("divdc3", "divhc3", "divsc3", "divtc3", "divxc3")
EXACT = ("fabs", "fmax", "fmin")
MATH = (
    *("ceil", "cos", "exp", "exp2", "floor", "fma", "fmod", "log", "log10", "log2"),
    *("round", "sin", "sincos", "sqrt", "tan", "trunc"),
)
LEFT_OUT = ("ssp",)  # stack protectors are the system's own
TIMEOUT = 300  # seconds
_IMPORT = re.compile(r'_ = @import\("compiler_rt/(\w+)\.zig"\);')


def _only(names: tuple[str, ...]) -> str:
    imports = "\n".join(f'    _ = @import("{FOLDER}/{name}.zig");' for name in names)
    return (
        f'const common = @import("{FOLDER}/common.zig");\npub const panic = common.panic;\ncomptime {{\n{imports}\n}}\n'
    )


def members(source: Path) -> Mapping[str, str]:
    """The root sources of the objects, by name."""
    text = source.read_text()
    found = set(_IMPORT.findall(text))
    elsewhere = (*MEMORY, *COMPLEX, *EXACT, *MATH, *LEFT_OUT)
    missing = [name for name in elsewhere if name not in found]
    if missing:
        raise AmbilinkError(source, f"does not import {missing[0]}", "the wheel must be ziglang 0.14.1")
    arithmetic = _IMPORT.sub(lambda match: "" if match[1] in elsewhere else match[0], text)
    apart = {"complex": COMPLEX, "exact": EXACT, "math": MATH, "memory": MEMORY}
    return {"arithmetic": arithmetic, **{name: _only(parts) for name, parts in apart.items()}}


def _build(wheel: Path, sources: Mapping[str, str], flags: tuple[str, ...], archive: Path) -> None:
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".runtime-") as name:
        folder = Path(name)
        (folder / FOLDER).symlink_to(wheel / "lib" / FOLDER)
        environment = {f"ZIG_{which}_CACHE_DIR": str(folder / "zig") for which in ("GLOBAL", "LOCAL")}

        def run(*words: str) -> None:
            run_zig("the compiler's run-time", folder, *words, timeout=TIMEOUT, environment=environment)

        for member, text in sources.items():
            (folder / f"{member}.zig").write_text(text)
            run("build-obj", *flags, f"-femit-bin={member}.o", f"{member}.zig")
        run("ar", "rcsD", "runtime.a", *(f"{member}.o" for member in sources))
        os.replace(folder / "runtime.a", archive)


def runtime_flags(target: Target, kernel: bool) -> tuple[str, ...]:
    own = (target.kernel_runtime_flags if kernel else ()) or target.runtime_flags
    return ("-target", f"{target.triple.split('-')[0]}-freestanding-none", *own, *FLAGS)


def write_runtime(target: Target, kernel: bool, archive: Path) -> None:
    """Copy the archive of the cache folder, which is built first if it is not there."""
    wheel, flags = wheel_folder(), runtime_flags(target, kernel)
    sources = members(wheel / "lib" / ROOT)
    words = [wheel_version(), *flags, *sources.values()]
    digest = hashlib.blake2b("\0".join(words).encode(), digest_size=16).hexdigest()
    try:
        folder = cache_folder() / "runtime"
        folder.mkdir(parents=True, exist_ok=True)
        cached = folder / f"{digest}.a"
        if not cached.is_file():
            _build(wheel, sources, flags, cached)
        write_atomically(archive, cached.read_bytes())
    except (OSError, NoCacheFolder):  # a home that cannot be written, or none
        _build(wheel, sources, flags, archive)
